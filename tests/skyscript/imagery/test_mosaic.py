"""Tiles across the edge of images."""

import numpy as np
import pytest

from skyscript.geo.tile import Tile, tile_around
from skyscript.imagery.mosaic import compose, scenes_filling
from skyscript.imagery.protocol import TileImage
from skyscript.imagery.scene_index import scene_index
from tests.skyscript.imagery.rasters import scenes_table

HERE = (9.0, 47.0)
TILE = tile_around(*HERE, 200, 200, 0.5)
WEST = (8.9, 46.9, 9.0, 47.1)
EAST = (9.0, 46.9, 9.1, 47.1)
Y2019, Y2012 = 1_560_000_000, 1_340_000_000


def chosen(*scenes: dict[str, object], tile: Tile = TILE) -> list[str]:
    known = scene_index(scenes_table(*({"gsd": 0.5, "acquired": Y2019} | one for one in scenes)))
    return [known.scene_id(number) for number in scenes_filling(known, 0, tile)]


def test_two_images_side_by_side_fill_a_tile_the_larger_share_first() -> None:
    shifted = tile_around(*HERE, 200, 200, 0.5, shift=(30, 0))
    sides = {"scene_id": "CH/w", "box": WEST}, {"scene_id": "CH/e", "box": EAST}
    assert chosen(*sides, tile=shifted) == ["CH/e", "CH/w"]


@pytest.mark.parametrize(
    "other",
    [
        {"scene_id": "CH/e", "box": EAST, "acquired": Y2012},
        {"scene_id": "CH/e", "box": EAST, "gsd": 0.1},
        {"scene_id": "US/e", "box": EAST},
        {"scene_id": "CH/e", "box": (9.001, 46.9, 9.1, 47.1)},
    ],
    ids=["another year", "another resolution", "another source", "a gap between"],
)
def test_images_that_do_not_belong_together_are_not_mixed(other: dict[str, object]) -> None:
    assert chosen({"scene_id": "CH/w", "box": WEST}, other) == []


def test_images_that_add_nothing_stay_out() -> None:
    inside = {"scene_id": "CH/i", "box": (8.99, 46.99, 9.0, 47.01)}
    sides = {"scene_id": "CH/w", "box": WEST}, {"scene_id": "CH/e", "box": EAST}
    assert chosen(*sides, inside) == ["CH/w", "CH/e"]


def test_each_image_fills_what_those_before_it_leave_open() -> None:
    def cut(number: int) -> TileImage:
        valid = np.zeros((10, 10), bool)
        valid[:, : 6 * number + 4] = True
        return TileImage(np.full((10, 10, 3), 100 + number, np.uint8), valid)

    image = compose(cut, [0, 1])  # type: ignore[arg-type, list-item] # numbers for scenes
    assert image.valid.all()
    assert image.rgb[0, :, 0].tolist() == [100] * 4 + [101] * 6
