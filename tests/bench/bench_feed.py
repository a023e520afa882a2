"""What the CPU needs to feed a GPU that scores: each step an image, and the parent process alone.

The tower is a delay: nothing here runs on a GPU. Times are CPU seconds, which a busy machine still
raises by a third or so. Run: python -m tests.bench.bench_feed [IMAGES [SIDE]]
"""

import io
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
from PIL import Image

from pipeline.cpus import count_cpus
from skyscript.clip.vectors.decoding import prepare
from skyscript.clip.vectors.embed import image_vectors, read_below
from skyscript.clip.vectors.inference import SCORING
from skyscript.clip.vectors.store import Store, content_key

PREPROCESS = {
    "size": 224, "resize_mode": "shortest", "interpolation": "bicubic", "fill_color": 0,
}  # fmt: skip
WIDTH, BATCH = 768, 256
CORES = 16


def delayed_tower(images_per_second: float) -> SimpleNamespace:
    """Give a model whose tower copies a batch into its buffer, and then takes a fixed time."""
    buffer = torch.empty((BATCH, 224, 224, 3), dtype=torch.uint8)
    vectors = np.random.default_rng(0).normal(size=(BATCH, WIDTH)).astype(np.float32)

    def encode_images(batches, precision):
        del precision
        for pixels in batches:
            buffer[: len(pixels)] = torch.from_numpy(pixels)
            time.sleep(len(pixels) / images_per_second)
            yield vectors[: len(pixels)]

    return SimpleNamespace(
        on_gpu=True, preprocess=PREPROCESS, image_batch=BATCH, encode_images=encode_images
    )


def write_tiles(folder: Path, count: int, side: int) -> tuple[list[str], float]:
    """Write noisy JPEG tiles; give their names and their mean size in kB."""
    size = 0
    for number in range(count):
        draw = np.random.default_rng(number)
        coarse = Image.fromarray(draw.integers(0, 255, (12, 12, 3), np.uint8))
        smooth = np.asarray(coarse.resize((side, side), Image.Resampling.BICUBIC), np.int16)
        pixels = np.clip(smooth + draw.normal(0, 10, smooth.shape), 0, 255).astype(np.uint8)
        data = io.BytesIO()
        Image.fromarray(pixels).save(data, "JPEG", quality=90)
        (folder / f"{number}.jpg").write_bytes(data.getvalue())
        size += data.tell()
    return [f"{number}.jpg" for number in range(count)], size / count / 1e3


def milliseconds(count: int, work, *arguments) -> float:
    """Give the CPU time of this process an image."""
    start = time.process_time()
    work(*arguments)
    return (time.process_time() - start) * 1e3 / count


def main(count: int, side: int) -> None:
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root)
        names, size = write_tiles(folder, count, side)
        read, store = read_below(folder), Store(folder / "a", WIDTH, np.float16)
        prepare(names[:32], read, PREPROCESS, SCORING)
        keys = [content_key(name.encode()) for name in names]
        vectors = np.zeros((count, WIDTH), np.float32)
        costs = {
            "read and hash": milliseconds(count, lambda: [content_key(read(n)) for n in names]),
            "read, decode, resize": milliseconds(count, prepare, names, read, PREPROCESS, SCORING),
            "store": milliseconds(count, store.add, keys, vectors, [0] * count)
            + milliseconds(count, store.get, keys),
        }
        clip = delayed_tower(3000)
        image_vectors(names[:64], read, clip, Store(folder / "b", WIDTH, np.float16))  # starts
        start = time.monotonic()
        whole = Store(folder / "c", WIDTH, np.float16)
        parent = milliseconds(count, image_vectors, names, read, clip, whole)
        fed = count / (time.monotonic() - start)
    for name, cost in costs.items():
        print(f"{name:22} {cost:.3f} ms CPU an image")
    print(f"{'the parent, in all':22} {parent:.3f} ms CPU an image: at most {1e3 / parent:,.0f}/s")
    decode = costs["read, decode, resize"]
    print(f"{count} tiles of {side} px, {size:.0f} kB; here, {count_cpus()} CPUs fed {fed:.0f}/s")
    print(
        f"extrapolated to {CORES} cores: {CORES - 1} decoders {(CORES - 1) * 1e3 / decode:,.0f}/s, "
        f"parent {1e3 / parent:,.0f}/s"
    )


if __name__ == "__main__":
    given = [int(argument) for argument in sys.argv[1:]]
    main(*given, *[2048, 400][len(given) :])
