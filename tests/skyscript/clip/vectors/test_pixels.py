"""From files to a model's pixels: near the reference where they can be used, a reason where not."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")
pytest.importorskip("simplejpeg")
pytest.importorskip("open_clip")

from open_clip.transform import PreprocessCfg, image_transform_v2  # noqa: E402

from skyscript.clip.vectors.pixels import Unusable, decoded, likeness, model_pixels  # noqa: E402

PREPROCESS = {
    "size": (224, 224),
    "mode": "RGB",
    "mean": (0.0, 0.0, 0.0),
    "std": (1.0, 1.0, 1.0),
    "interpolation": "bicubic",
    "resize_mode": "shortest",
    "fill_color": 0,
}


def scene(width, height, seed=0):
    draw = np.random.default_rng(seed)
    small = Image.fromarray(draw.integers(0, 255, (12, 12, 3), np.uint8))
    noise = draw.normal(0, 12, (height, width, 3))
    return Image.fromarray(
        np.clip(np.asarray(small.resize((width, height))) + noise, 0, 255).astype(np.uint8)
    )


def saved(image, kind="JPEG", **options):
    data = io.BytesIO()
    image.save(data, kind, **options)
    return data.getvalue()


def reference(data, preprocess=PREPROCESS):
    """Pillow and open_clip's own transform."""
    transform = image_transform_v2(PreprocessCfg(**preprocess), is_train=False)
    values = transform(Image.open(io.BytesIO(data))).numpy()
    return np.round(values * 255).astype(np.int16).transpose(1, 2, 0)


@pytest.mark.parametrize("size", [(400, 400), (300, 500), (731, 419), (224, 224), (130, 101)])
@pytest.mark.parametrize("subsampling", [0, 2])
def test_a_jpeg_is_within_one_step_of_the_reference(size, subsampling):
    data = saved(scene(*size), quality=90, subsampling=subsampling)
    difference = np.abs(model_pixels(data, PREPROCESS).astype(np.int16) - reference(data))
    assert difference.shape == (224, 224, 3)
    assert difference.max() <= 1
    assert (difference > 0).mean() < 0.02


def test_decoding_is_bit_equal_to_pillow():
    for options in ({}, {"subsampling": 0}, {"progressive": True}, {"quality": 30}):
        data = saved(scene(333, 217), **options)
        assert np.array_equal(decoded(data), np.asarray(Image.open(io.BytesIO(data))))


@pytest.mark.parametrize("mode", ["squash", "longest"])
def test_the_other_ways_to_resize_are_the_references(mode):
    data = saved(scene(300, 500))
    preprocess = PREPROCESS | {"resize_mode": mode}
    assert np.array_equal(model_pixels(data, preprocess), reference(data, preprocess))


@pytest.mark.parametrize(
    ("mode", "kind"), [("L", "JPEG"), ("L", "PNG"), ("RGBA", "PNG"), ("P", "PNG"), ("1", "PNG")]
)
def test_other_modes_of_eight_bits_become_rgb(mode, kind):
    pixels = model_pixels(saved(scene(300, 300).convert(mode), kind), PREPROCESS)
    assert pixels.shape == (224, 224, 3)


def bomb():
    """A PNG of a few bytes that says it is 60,000 pixels wide and high."""

    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    body = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def jpeg_bomb():
    """A JPEG whose header says 65,500 x 65,500."""
    data = bytearray(saved(scene(64, 64)))
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = struct.pack(">HH", 65_500, 65_500)
    return bytes(data)


FRAMES = {"save_all": True, "append_images": [scene(100, 100, 1)]}


@pytest.mark.parametrize(
    ("data", "status", "reason"),
    [
        (b"", "failed", "the image file is empty"),
        (b"not an image", "failed", "is not an image"),
        (saved(scene(400, 400))[:5000], "failed", "cannot be decoded"),
        (saved(scene(400, 400))[:100], "failed", "cannot be decoded|is not an image"),
        (saved(scene(400, 400), "PNG")[:5000], "failed", "cannot be decoded"),
        (saved(scene(300, 300).convert("CMYK")), "filtered", "is in CMYK"),
        (saved(Image.new("I;16", (300, 300), 4000), "PNG"), "filtered", "more than 8 bits"),
        (saved(Image.new("F", (300, 300), 0.5), "TIFF"), "filtered", "more than 8 bits"),
        (saved(scene(100, 100), "GIF", **FRAMES), "filtered", "has several frames"),
        (bomb(), "filtered", "more pixels than any tile"),
        (jpeg_bomb(), "filtered", "more pixels than any tile"),
    ],
)
def test_what_cannot_be_used_says_why(data, status, reason):
    found = model_pixels(data, PREPROCESS)
    assert isinstance(found, Unusable)
    assert found.status == status
    assert any(part in found.reason for part in reason.split("|"))


def test_likeness_survives_compression_and_tells_scenes_apart():
    def bits(image, quality):
        return likeness(model_pixels(saved(image, quality=quality), PREPROCESS))

    one, other = scene(400, 400, 1), scene(400, 400, 2)
    assert (bits(one, 95) ^ bits(one, 60)).bit_count() <= 3
    assert (bits(one, 95) ^ bits(other, 95)).bit_count() > 10
