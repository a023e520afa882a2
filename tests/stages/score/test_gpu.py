"""Scoring on a GPU: as on the CPU but for half precision, a worker a device, decoders apart.

Run on a machine with a CUDA device: pytest -m gpu tests/stages/score/test_gpu.py
"""

import copy
import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")
pytest.importorskip("open_clip")
pytest.importorskip("simplejpeg")

from skyscript.clip import model as clip_model  # noqa: E402
from skyscript.clip.devices import count_gpu_workers  # noqa: E402
from skyscript.clip.model import Clip, load_clip, unit  # noqa: E402
from skyscript.clip.source import ClipConfig, find_clip  # noqa: E402
from skyscript.clip.vectors.embed import image_vectors, read_below, text_vectors  # noqa: E402
from skyscript.clip.vectors.store import Store  # noqa: E402

pytestmark = [pytest.mark.gpu, pytest.mark.filterwarnings("ignore")]

PLANES = torch.contiguous_format
COUNT = 700
"""Images: two full batches of a GPU and a part of a third."""


@pytest.fixture(scope="module")
def both() -> tuple[Clip, Clip]:
    source = find_clip(ClipConfig(model="tiny"))
    return load_clip(source, "cpu"), load_clip(source, "cuda:0")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("images")
    for number in range(COUNT):
        coarse = np.random.default_rng(number).integers(0, 255, (9, 9, 3), np.uint8)
        data = io.BytesIO()
        Image.fromarray(coarse).resize((140, 120)).save(data, "JPEG")
        (root / f"{number}.jpg").write_bytes(data.getvalue())
    (root / "5.jpg").write_bytes(b"")
    return root


def found(clip, folder, out):
    store = Store(out, clip.width, np.float16)
    return image_vectors([f"{n}.jpg" for n in range(COUNT)], read_below(folder), clip, store)


def test_images_and_texts_score_as_on_the_cpu_within_half_precision(both, folder, tmp_path):
    cpu, gpu = both
    images = [found(clip, folder, tmp_path / clip.device).vectors for clip in both]
    texts = [f"a satellite image of tag {n}" for n in range(COUNT)]
    vectors = [
        text_vectors(texts, clip, Store(tmp_path / f"{clip.device}-t", cpu.width, np.float32))
        for clip in both
    ]
    scores = [(i * t).sum(1) for i, t in zip(images, vectors, strict=True)]
    assert np.abs(scores[0] - scores[1]).max() < 2e-3
    assert gpu.on_gpu


def test_what_cannot_be_used_is_named_and_every_other_image_keeps_its_place(both, folder, tmp_path):
    images = found(both[1], folder, tmp_path)
    assert [row for row, wrong in enumerate(images.wrong) if wrong] == [5]
    norms = np.linalg.norm(images.vectors, axis=1)
    assert np.allclose(np.delete(norms, 5), 1, atol=1e-3)


def test_a_stream_gives_each_batch_its_own_vectors(both):
    """Two buffers take turns: none may be filled while it is still being sent."""
    draw = np.random.default_rng(0)
    size = both[1].image_batch
    batches = [draw.integers(0, 255, (size, 96, 96, 3), np.uint8) for _ in range(6)]
    streamed = list(both[1].encode_images(iter(batches), "amp"))
    for batch, vectors in zip(batches, streamed, strict=True):
        assert np.array_equal(next(both[1].encode_images([batch], "amp")), vectors)


def test_compiled_towers_give_the_vectors_of_the_others(both):
    compiled = replace(both[1], model=copy.deepcopy(both[1].model))
    compiled.compile()
    pixels = np.random.default_rng(2).integers(0, 255, (40, 96, 96, 3), np.uint8)
    texts = ["a pond", "a satellite image of a road and many houses beside it"]
    for precision, error in (("fp32", 1e-4), ("amp", 1e-2)):
        plain, ours = (
            unit(next(c.encode_images([pixels], precision))) for c in (both[1], compiled)
        )
        assert np.abs(plain - ours).max() < error
        plain, ours = (unit(c.encode_texts(texts, precision)) for c in (both[1], compiled))
        assert np.abs(plain - ours).max() < error


def test_channels_last_gives_the_vectors_of_planes(both, monkeypatch):
    pixels = np.random.default_rng(3).integers(0, 255, (40, 96, 96, 3), np.uint8)
    assert both[1].model.visual.conv1.weight.is_contiguous(memory_format=torch.channels_last)
    planes = replace(both[1], model=copy.deepcopy(both[1].model).to(memory_format=PLANES))
    for precision, error in (("fp32", 1e-4), ("amp", 1e-2)):
        ours = unit(next(both[1].encode_images([pixels], precision)))
        with monkeypatch.context() as patched:
            patched.setattr(clip_model, "memory_format", lambda device: PLANES)
            theirs = unit(next(planes.encode_images([pixels], precision)))
        assert np.abs(ours - theirs).max() < error


def test_a_vector_does_not_depend_on_its_company(both):
    pixels = np.random.default_rng(1).integers(0, 255, (200, 96, 96, 3), np.uint8)
    whole, alone = (
        unit(next(both[1].encode_images([some], "amp"))) for some in (pixels, pixels[7:9])
    )
    assert np.abs(alone - whole[7:9]).max() < 1e-4


def test_as_many_processes_as_gpus_share_them():
    assert count_gpu_workers(ClipConfig(model="tiny")) == torch.cuda.device_count()
    assert count_gpu_workers(ClipConfig(model="tiny", device="cuda:0")) == 1
    assert count_gpu_workers(ClipConfig(model="tiny", device="cpu")) is None
