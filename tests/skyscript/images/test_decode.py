"""One rule for image files from outside: each reads the same for every command."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("simplejpeg")

from skyscript.images.decode import BENCHMARK, TILE, Limits, Unusable, decode, decode_by_pillow


def scene(width=64, height=48, seed=0):
    draw = np.random.default_rng(seed)
    small = Image.fromarray(draw.integers(0, 255, (6, 8, 3), np.uint8))
    return small.resize((width, height))


def saved(image, kind, **options):
    data = io.BytesIO()
    image.save(data, kind, **options)
    return data.getvalue()


def turned():
    """Give EXIF that says: shown turned by a quarter."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


def png(width, height, bits, body):
    """Give an RGB PNG as its header says it, whatever is in it."""

    def chunk(kind, data):
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    head = struct.pack(">IIBBBBB", width, height, bits, 2, 0, 0, 0)
    chunks = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(body)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def jpeg_bomb():
    """Give a JPEG whose header says 65,500 x 65,500."""
    data = bytearray(saved(scene(), "JPEG"))
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = struct.pack(">HH", 65_500, 65_500)
    return bytes(data)


RGB = scene()
DEEP = Image.fromarray(np.arange(48 * 64, dtype=np.uint16).reshape(48, 64) * 20)
FLOAT = Image.fromarray(np.asarray(RGB.convert("L"), np.float32) / 255)
FRAMES = {"save_all": True, "append_images": [scene(seed=1)]}
JPEG = saved(RGB, "JPEG")

AS_PILLOW_DOES = {
    "rgb.jpg": JPEG,
    "full.jpg": saved(RGB, "JPEG", subsampling=0),
    "progressive.jpg": saved(RGB, "JPEG", progressive=True, quality=30),
    "grey.jpg": saved(RGB.convert("L"), "JPEG"),
    "cmyk.jpg": saved(RGB.convert("CMYK"), "JPEG"),
    "exif6.jpg": saved(RGB, "JPEG", exif=turned()),
    "rgb.png": saved(RGB, "PNG"),
    "rgba.png": saved(RGB.convert("RGBA"), "PNG"),
    "palette.png": saved(RGB.quantize(40), "PNG"),
    "onebit.png": saved(RGB.convert("1"), "PNG"),
    "anim.gif": saved(RGB, "GIF", **FRAMES),
    "anim.webp": saved(RGB, "WEBP", lossless=True, **FRAMES),
    "pages.tif": saved(RGB, "TIFF", **FRAMES),
    "a.tif": saved(RGB, "TIFF"),
    "cmyk.tif": saved(RGB.convert("CMYK"), "TIFF"),
    "a.webp": saved(RGB, "WEBP"),
    "a.bmp": saved(RGB, "BMP"),
}
"""Files that are decoded."""
REFUSED = {
    "i16.png": (saved(DEEP, "PNG"), "filtered", "more than 8 bits a channel"),
    "rgb16.png": (png(4, 4, 16, bytes(100)), "filtered", "more than 8 bits a channel"),
    "float.tif": (saved(FLOAT, "TIFF"), "filtered", "more than 8 bits a channel"),
    "bomb.png": (png(60_000, 60_000, 8, bytes(9)), "filtered", "more pixels than any tile"),
    "bomb.jpg": (jpeg_bomb(), "filtered", "more pixels than any tile"),
    "cut.jpg": (JPEG[:-40], "failed", "cannot be decoded (OSError)"),
    "head.jpg": (JPEG[:200], "failed", "cannot be decoded (OSError)"),
    "cut.png": (saved(RGB, "PNG")[:2000], "failed", "cannot be decoded (OSError)"),
    "empty.jpg": (b"", "failed", "the image file is empty"),
    "text.jpg": (b"not an image", "failed", "is not an image"),
    "gif.gif": (b"GIF89a", "failed", "is not an image"),
    "script.eps": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "failed", "is not an im"),
}
"""Files that are not, with the status and the reason of a row."""
FILES = {**AS_PILLOW_DOES, **{name: data for name, (data, _, _) in REFUSED.items()}}


@pytest.mark.parametrize("name", AS_PILLOW_DOES)
def test_an_image_of_8_bits_is_read_as_pillow_reads_its_first_frame(name):
    data = AS_PILLOW_DOES[name]
    with Image.open(io.BytesIO(data)) as image:
        wanted = np.asarray(image.convert("RGB"))
    for found in (decode(data), decode(data, BENCHMARK), decode_by_pillow(data)):
        assert np.array_equal(found, wanted)
        assert found.dtype == np.uint8
        assert found.flags.writeable


def test_a_turned_jpeg_and_all_frames_but_the_first_are_as_if_they_were_not_marked():
    assert np.array_equal(decode(AS_PILLOW_DOES["exif6.jpg"]), decode(JPEG))
    assert np.array_equal(decode(AS_PILLOW_DOES["anim.webp"]), np.asarray(RGB))
    assert np.array_equal(decode(AS_PILLOW_DOES["pages.tif"]), np.asarray(RGB))


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_used_says_why(name):
    data, status, reason = REFUSED[name]
    found = decode(data)
    assert isinstance(found, Unusable)
    assert found.status == status
    assert found.reason.startswith(reason)


def test_limits_are_of_the_file_and_of_its_pixels_before_any_is_decoded():
    data = AS_PILLOW_DOES["rgb.png"]
    assert decode(data, Limits(len(data) - 1, 1 << 20)).reason == "a larger file than any tile"
    assert decode(data, Limits(len(data), 64 * 48 - 1)).reason == "more pixels than any tile"
    assert decode(JPEG, Limits(len(JPEG), 64 * 48 - 1)).reason == "more pixels than any tile"
    assert decode(data, Limits(len(data), 64 * 48)).shape == (48, 64, 3)
    assert TILE.pixels == 50_000_000
    assert BENCHMARK.pixels == 1_000_000_000  # as published


@pytest.mark.slow
def test_pillow_s_own_limit_is_not_in_the_way_and_comes_back():
    before = Image.MAX_IMAGE_PIXELS
    large = saved(Image.new("1", (20_000, 20_000)), "PNG")  # Pillow raises from 179 million on
    assert decode(large).reason == "more pixels than any tile"
    assert decode(large, BENCHMARK).shape == (20_000, 20_000, 3)
    assert before == Image.MAX_IMAGE_PIXELS


def prepared(file, how):
    """Give what a model sees of a file, or the reason why it sees nothing."""
    from skyscript.clip.vectors.decoding import prepare

    whole = {"size": 48, "resize_mode": "shortest", "interpolation": "bicubic", "fill_color": 0}
    (found,) = prepare([str(file)], lambda path: file.read_bytes(), whole, how)
    return found.reason if isinstance(found, Unusable) else found.pixels


def of_score(file):
    """The reason stands in its row."""
    from skyscript.clip.vectors.inference import SCORING

    return prepared(file, SCORING)


def of_evaluate(file):
    """The reason stands in the notes."""
    from skyscript.clip.vectors.inference import benchmark_inference

    return prepared(file, benchmark_inference("amp", None))


def of_train(file):
    """Give what a model learns from, or the reason why training stops."""
    import pyarrow as pa
    import torch

    from stages.train.config import TrainConfig
    from stages.train.loading import PairDataset
    from stages.train.pairs import ImageFiles, number_captions

    def plain(image):
        return torch.from_numpy(np.array(image.crop((8, 0, 56, 48))))

    images = ImageFiles(file.parent, pa.array([file.name]))
    pairs = number_captions(images, [pa.array(["a"])], "", TrainConfig(train_data="a.csv"))
    dataset = PairDataset(pairs, plain, lambda texts: torch.zeros(1, 1), 0)
    found = dataset[0, 0]
    if found.batch is None:
        return found.skipped[0].sentence.partition(": ")[2]
    return found.batch.images.numpy()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", FILES)
def test_every_command_reads_a_file_alike(name, tmp_path):
    """The middle 48 x 48 pixels of an image 48 high: nothing is resized."""
    pytest.importorskip("open_clip")
    if name.startswith("bomb.jpg"):
        pytest.skip("evaluate allows as many pixels, and refuses it as broken")
    file = tmp_path / name
    file.write_bytes(FILES[name])
    found = [of_score(file), of_train(file), of_evaluate(file)]
    if name in REFUSED:
        reason = decode(FILES[name]).reason
        assert found == [reason] * 3
    else:
        middle = decode(FILES[name])[:, 8:56]
        for pixels in found:
            assert np.array_equal(pixels, middle)
