"""Images are prepared ahead of the model, in order, and not all at once."""

import functools
import io
import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("torch")
pytest.importorskip("open_clip")
pytest.importorskip("simplejpeg")

from skyscript.clip.vectors import decoding
from skyscript.clip.vectors.decoding import THREADS, find_keys, prepare, prepare_ahead
from skyscript.clip.vectors.embed import _content_key, read_below
from skyscript.clip.vectors.inference import SCORING
from skyscript.clip.vectors.store import content_key
from skyscript.images.decode import Unusable

pytestmark = pytest.mark.slow


PREPROCESS = {"size": 8, "resize_mode": "shortest", "interpolation": "bicubic", "fill_color": 0}


def png(value):
    data = io.BytesIO()
    Image.new("RGB", (8, 8), (value, 0, 0)).save(data, "PNG")
    return data.getvalue()


@pytest.mark.parametrize("threads", [None, 2])
def test_images_come_in_order_and_are_read_some_batches_ahead(monkeypatch, threads):
    monkeypatch.setattr(decoding, "_TASK_IMAGES", 4)
    read, of_threads = [], set()

    def slowly(path):
        read.append(path)
        of_threads.add(threading.get_ident())
        time.sleep(0.001)
        return png(int(path))

    clip = SimpleNamespace(on_gpu=False, preprocess=PREPROCESS, image_batch=8)
    paths = [str(number) for number in range(200)]
    how = SCORING._replace(threads=threads)
    for number, image in enumerate(prepare_ahead(paths, slowly, clip, how)):
        assert image.pixels[0, 0].tolist() == [number, 0, 0]
        assert len(read) - number <= 3 * 8 + 2 * 4
    assert sorted(read, key=int) == paths
    assert len(of_threads) <= (threads or THREADS)


def test_a_file_that_cannot_be_read_says_why_and_the_others_stay():
    class Broken:
        errors = (FileNotFoundError(), PermissionError(), OverflowError(), OSError(5, "I/O"))

        def __call__(self, path):
            if path == "good":
                return png(7)
            raise self.errors[int(path)]

    *wrong, good = prepare(["0", "1", "2", "3", "good"], Broken(), PREPROCESS, SCORING)
    assert wrong == [
        Unusable("failed", "there is no such image"),
        Unusable("failed", "its path may not be read"),
        Unusable("filtered", "a larger file than any tile"),
        Unusable("failed", "cannot be read (OSError)"),
    ]
    assert np.all(good.pixels == [7, 0, 0])


@pytest.mark.parametrize("threads", [None, 1])
def test_keys_come_in_order_with_the_reason_for_what_cannot_be_read(threads):
    def find_key(path):
        if path == "7":
            raise FileNotFoundError(path)
        return path.encode()

    clip = SimpleNamespace(on_gpu=False)
    paths = [str(number) for number in range(50)]
    keys = find_keys(paths, find_key, clip, SCORING._replace(threads=threads))
    assert keys[7] == Unusable("failed", "there is no such image")
    assert [*keys[:7], *keys[8:]] == [path.encode() for path in paths if path != "7"]


def test_beside_a_gpu_other_processes_read_hash_and_decode(tmp_path):
    paths = [f"{number}.png" for number in range(40)]
    for number, path in enumerate(paths):
        (tmp_path / path).write_bytes(png(number))
    clip = SimpleNamespace(on_gpu=True, preprocess=PREPROCESS, image_batch=8)
    read = read_below(tmp_path)
    keys = find_keys(paths, functools.partial(_content_key, read), clip, SCORING)
    assert keys == [content_key(png(number)) for number in range(40)]
    images = list(prepare_ahead(paths, read, clip, SCORING))
    assert [image.pixels[0, 0, 0] for image in images] == list(range(40))
