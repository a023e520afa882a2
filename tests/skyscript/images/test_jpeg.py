"""JPEGs decoded fast: Pillow's own bits, or left to Pillow."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("simplejpeg")

from skyscript.images.jpeg import fast_jpeg
from tests.conftest import REPOSITORY, real_files

ROOM = 50_000_000


def _saved(image: Image.Image, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", **options)
    return file.getvalue()


@pytest.fixture(scope="module")
def noise() -> Image.Image:
    return Image.fromarray(np.random.default_rng(3).integers(0, 256, (61, 43, 3), np.uint8))


@pytest.mark.parametrize("subsampling", [0, 1, 2])
@pytest.mark.parametrize("progressive", [False, True])
def test_pixels_are_pillow_s_bit_for_bit(
    noise: Image.Image, subsampling: int, progressive: bool
) -> None:
    data = _saved(noise, quality=80, subsampling=subsampling, progressive=progressive)
    with Image.open(io.BytesIO(data)) as image:
        assert np.array_equal(fast_jpeg(data, ROOM), np.asarray(image))


def test_a_grey_one_becomes_rgb(noise: Image.Image) -> None:
    data = _saved(noise.convert("L"))
    with Image.open(io.BytesIO(data)) as image:
        assert np.array_equal(fast_jpeg(data, ROOM), np.asarray(image.convert("RGB")))


@pytest.mark.parametrize(
    "images",
    [pytest.param(REPOSITORY / "docs/gallery.jpg", id="gallery"), *real_files("bench/rsscn7")],
)
def test_real_ones_too(images: Path) -> None:
    for path in [images] if images.is_file() else sorted(images.rglob("*.jpg"))[:20]:
        data = path.read_bytes()
        with Image.open(io.BytesIO(data)) as image:
            assert np.array_equal(fast_jpeg(data, ROOM), np.asarray(image.convert("RGB")))


def test_what_pillow_must_look_at_is_left_to_it(noise: Image.Image) -> None:
    png = io.BytesIO()
    noise.save(png, "PNG")
    assert fast_jpeg(png.getvalue(), ROOM) is None
    assert fast_jpeg(b"", ROOM) is None
    assert fast_jpeg(b"\xff\xd8 and no more", ROOM) is None
    assert fast_jpeg(_saved(noise.convert("CMYK")), ROOM) is None
    assert fast_jpeg(_saved(noise), 61 * 43 - 1) is None
