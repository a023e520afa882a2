"""Any bytes in the place of an image: its pixels, or the reason why there are none."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pipeline.schema import STATUS_FAILED, STATUS_FILTERED
from skyscript.images.decode import Limits, Unusable, decode
from tests.hostile import damaged, limited

LIMITS = Limits(1 << 20, 1 << 20)
PICTURE = Image.fromarray(np.arange(16 * 24 * 3, dtype=np.uint8).reshape(16, 24, 3))
SAVED = [
    *(("JPEG", "RGB", {"quality": 90}), ("JPEG", "RGB", {"progressive": True})),
    *(("JPEG", "L", {}), ("JPEG", "CMYK", {}), ("PNG", "RGB", {}), ("PNG", "P", {})),
    *(("PNG", "I;16", {}), ("WEBP", "RGB", {}), ("GIF", "P", {}), ("BMP", "RGB", {})),
    *(("TIFF", "RGB", {}), ("TIFF", "RGB", {"compression": "tiff_lzw"})),
    *(("TIFF", "1", {"compression": "group4"}), ("TIFF", "RGB", {"compression": "jpeg"})),
]


def saved(kind, mode, options):
    buffer = io.BytesIO()
    picture = PICTURE.convert("I").convert(mode) if mode == "I;16" else PICTURE.convert(mode)
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


FILES = [saved(*each) for each in SAVED]


@pytest.mark.filterwarnings("ignore")
@given(data=st.sampled_from(FILES).flatmap(damaged) | st.binary(max_size=100))
def test_a_damaged_image_has_pixels_or_a_reason(data):
    with limited():
        found = decode(data, LIMITS)
    if isinstance(found, Unusable):
        assert found.status in {STATUS_FAILED, STATUS_FILTERED}
        assert found.reason.isprintable()
    else:
        assert found.dtype == np.uint8
        assert found.ndim == 3 and found.shape[2] == 3
        assert found.shape[0] * found.shape[1] <= LIMITS.pixels
