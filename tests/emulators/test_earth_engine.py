"""The emulator refuses what the service would refuse."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tests.emulators.earth_engine import PROJECT, PUBLIC, EarthEngine
from tests.emulators.earth_images import Refused
from tests.emulators.world import mercator_image, naip, noise

PLACE = (-83.0, 40.0)
NAME = f"{PUBLIC}USDA/NAIP/DOQQ/m_0_20140613"
DEEP = f"{PUBLIC}deep"
AFFINE = {"scaleX": 1.0, "scaleY": -1.0, "translateX": -9239517.0, "translateY": 4865951.0}
SIZE = {"width": 16, "height": 16}
GRID: dict[str, Any] = {"crsCode": "EPSG:3857", "affineTransform": AFFINE, "dimensions": SIZE}
ASKED: dict[str, Any] = {"fileFormat": "NPY", "bandIds": ["R", "G", "B"], "grid": GRID}
STRETCH = {"visualizationOptions": {"ranges": [{"min": 0, "max": 3000}]}}


@pytest.fixture(scope="module")
def earth() -> Iterator[EarthEngine]:
    deep = mercator_image("deep", PLACE, noise(0, 64, 64).astype(np.uint16))
    with EarthEngine(naip(PLACE, side=64), single=[deep]) as running:
        yield running


def refusal(earth: EarthEngine, name: str, asked: dict[str, Any]) -> str:
    with pytest.raises(Refused) as caught:
        earth.get_pixels(name, asked)
    assert caught.value.status == 400
    return str(caught.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"scale": 3}, 'Unknown name "scale"'),
        ({"grid": None}, "Pixel grid dimensions must be specified"),
        ({"grid": GRID | {"pixels": 3}}, 'Unknown name "pixels"'),
        ({"grid": GRID | {"dimensions": {"width": 16}}}, "positive whole numbers"),
        ({"grid": GRID | {"dimensions": {"width": 40000, "height": 1}}}, "32768"),
        ({"grid": GRID | {"crsCode": "EPSG:0"}}, "could not be parsed"),
        ({"grid": {"crsCode": "EPSG:3857", "dimensions": SIZE}}, "affine transform"),
        (
            {"grid": GRID | {"dimensions": {"width": 4097, "height": 4096}}},
            "Total request size (50343936 bytes) must be less than or equal to 50331648 bytes",
        ),
        ({"bandIds": ["R", "B4"]}, "Band pattern 'B4' did not match any bands"),
        ({"fileFormat": "GIF"}, "file_format"),
        (STRETCH, "Visualization options are not supported with this file format"),
        ({"fileFormat": "PNG", "bandIds": ["R", "G"]}, "Must specify 1 or 3 bands"),
        (
            {"fileFormat": "PNG", "visualizationOptions": {"ranges": [{"min": 0, "max": 1}] * 2}},
            "Number of ranges",
        ),
        (
            {"fileFormat": "PNG", "visualizationOptions": {"ranges": [{"min": 5, "max": 5}]}},
            "min must be less than max",
        ),
    ],
)
def test_a_request_for_pixels_that_is_wrong(
    earth: EarthEngine, change: dict[str, Any], said: str
) -> None:
    assert said in refusal(earth, NAME, ASKED | change)


def test_a_right_one_is_answered(earth: EarthEngine) -> None:
    assert earth.get_pixels(NAME, ASKED)[1][:6] == b"\x93NUMPY"


def test_deep_samples_need_a_stretch_and_weigh_more(earth: EarthEngine) -> None:
    assert "8-bit" in refusal(earth, DEEP, ASKED | {"fileFormat": "JPEG"})
    assert earth.get_pixels(DEEP, ASKED | {"fileFormat": "JPEG"} | STRETCH)[0] == "image/jpeg"
    large = GRID | {"dimensions": {"width": 4096, "height": 2100}}
    assert "Total request size (51609600 bytes)" in refusal(earth, DEEP, ASKED | {"grid": large})


def test_lists_of_what_is_no_collection_or_with_odd_filters(earth: EarthEngine) -> None:
    collection = f"{PUBLIC}USDA/NAIP/DOQQ"
    for name, query, status in (
        (NAME, {}, 400),
        (f"{PUBLIC}nothing", {}, 404),
        (collection, {"filter": ["cloud < 3"]}, 400),
        (collection, {"where": ["here"]}, 400),
        (collection, {"fields": ["assets(colour)"]}, 400),
        (collection, {"view": ["ALL"]}, 400),
    ):
        with pytest.raises(Refused) as caught:
            earth.list_assets(name, query)
        assert caught.value.status == status


def test_computations_in_anothers_project_or_without_an_expression(earth: EarthEngine) -> None:
    for name, body, status in (
        ("projects/other", {"expression": {}}, 403),
        (f"projects/{PROJECT}", {}, 400),
        (f"projects/{PROJECT}", {"expression": {"result": "0", "values": {}, "x": 1}}, 400),
    ):
        with pytest.raises(Refused) as caught:
            earth.compute_value(name, body)
        assert caught.value.status == status
