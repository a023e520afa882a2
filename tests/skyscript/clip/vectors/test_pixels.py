"""From files to a model's pixels: near the reference."""

import io

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")
pytest.importorskip("simplejpeg")
pytest.importorskip("open_clip")

from open_clip.transform import PreprocessCfg, image_transform_v2  # noqa: E402

from skyscript.clip.vectors.pixels import (  # noqa: E402
    likeness,
    resize_as_open_clip,
    resize_fast,
)
from skyscript.images.decode import decode  # noqa: E402

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


def fast(data, preprocess=PREPROCESS):
    return resize_fast(decode(data), preprocess)


@pytest.mark.parametrize("size", [(400, 400), (300, 500), (731, 419), (224, 224), (130, 101)])
@pytest.mark.parametrize("subsampling", [0, 2])
def test_a_jpeg_is_within_one_step_of_the_reference(size, subsampling):
    data = saved(scene(*size), quality=90, subsampling=subsampling)
    difference = np.abs(fast(data).astype(np.int16) - reference(data))
    assert difference.shape == (224, 224, 3)
    assert difference.max() <= 1
    assert (difference > 0).mean() < 0.02


@pytest.mark.parametrize("mode", ["shortest", "squash", "longest"])
@pytest.mark.parametrize("form", ["RGB", "L"])
@pytest.mark.parametrize("size", [(420, 300), (224, 224), (64, 50)])
def test_the_exact_resize_gives_the_references_bits(mode, form, size):
    data = saved(scene(*size).convert(form), quality=80)
    preprocess = PREPROCESS | {"resize_mode": mode}
    found = resize_as_open_clip(decode(data), preprocess)
    assert np.array_equal(found, reference(data, preprocess))
    assert found.flags.writeable  # torch takes it as it is


@pytest.mark.parametrize("mode", ["squash", "longest"])
def test_the_other_ways_to_resize_are_the_references(mode):
    data = saved(scene(300, 500))
    preprocess = PREPROCESS | {"resize_mode": mode}
    assert np.array_equal(fast(data, preprocess), reference(data, preprocess))


def test_likeness_survives_compression_and_tells_scenes_apart():
    def bits(image, quality):
        return likeness(fast(saved(image, quality=quality)))

    one, other = scene(400, 400, 1), scene(400, 400, 2)
    assert (bits(one, 95) ^ bits(one, 60)).bit_count() <= 3
    assert (bits(one, 95) ^ bits(other, 95)).bit_count() > 10
