"""The stage `match`: images with a known shift, what cannot be matched, and dates."""

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pytest
import shapely
from PIL import Image

from pipeline.schema import conform
from pipeline.stage import Shard
from skyscript.geo.tile import mercator_box, project, tile_around
from stages import tables
from stages.match import MATCH, MatchConfig
from stages.match.dates import date_gaps
from tests.skyscript.match.pictures import houses, picture
from tests.stages.ground import GSD, LAT, LON, SIDE, area, thing
from tests.stages.vocabularies import AS_SHIPPED, vocab_with

TAKEN = datetime(2019, 7, 1, 10, 30, tzinfo=UTC)
SHAPES = list(houses(SIDE))
HOUSES = [
    thing(
        f"a{number}",
        shapely.Polygon(
            [
                shapely.get_coordinates(area(x, y, x + 1, y + 1))[0]
                for x, y in ((np.array(shape) - SIDE / 2) * (GSD, -GSD)).tolist()
            ]
        ),
        building="yes",
    )
    for number, shape in enumerate(SHAPES, 1)
]


def image(east=0.0, north=0.0, **more):
    """A row whose box is so many metres beside what the pixels show."""
    pixels = (east / GSD, north / GSD)
    tile = tile_around(LON, LAT, SIDE, SIDE, GSD, pixels)
    return {
        **{"object_id": "a1", "filepath": "images3/a1_CH_19.jpg", "source": "CH"},
        **{"scene_id": "CH/x", "gsd": GSD, "width": SIDE, "height": SIDE, "acquired": TAKEN},
        **tile.box._asdict(),
        **{"status": "ok"},
        **more,
    }


@pytest.fixture
def matched(tmp_path):
    """Run the stage on one image; give its row."""

    def run(row, objects=HOUSES, rgb=None, vocab=AS_SHIPPED, **config):
        path = tmp_path / "images3" / "a1_CH_19.jpg"
        path.parent.mkdir(exist_ok=True)
        rgb = picture(SIDE, SHAPES) if rgb is None else rgb
        Image.fromarray(rgb).save(path, quality=95)
        made = MATCH.run(
            pa.Table.from_pylist([row], schema=tables.IMAGES.schema),
            ds.dataset(pa.Table.from_pylist(objects, schema=tables.OBJECTS.schema)),
            vocab,
            config=MatchConfig(**config),
            shard=Shard(0, tmp_path),
        )
        (out,) = conform(made, tables.MATCH, where="match").to_pylist()
        return out

    return run


@pytest.mark.parametrize("metres", [(0.0, 0.0), (8.0, -3.0), (-5.5, 6.5)])
def test_the_map_moves_to_where_the_image_shows_it(matched, metres):
    # A box too far east says that the houses are east of where they are; so must the map say.
    found = matched(image(*metres))
    assert (found["dx_m"], found["dy_m"]) == pytest.approx(metres, abs=0.15)
    assert found["match"] > 0.3
    assert found["match_confidence"] > 0.9
    assert found["edge_m"] > 100
    assert found["no_match"] is None
    assert (found["status"], found["reason"]) == ("ok", None)


@pytest.mark.parametrize("crs", ["EPSG:32632", "EPSG:2154"])
def test_the_shift_is_to_the_east_and_north_on_a_grid_of_the_images_own(matched, crs):
    # The houses as the grid shows them: its pixels are squares of its own metres, and turned.
    import pyproj

    to_grid = pyproj.Transformer.from_crs(4326, crs, always_xy=True).transform
    x, y = to_grid(LON, LAT)
    transform = [GSD, 0.0, x - SIDE / 2 * GSD, 0.0, -GSD, y + SIDE / 2 * GSD]
    shown = []
    for house in HOUSES:
        degrees = shapely.get_coordinates(shapely.from_wkb(house["geometry"]))[:-1]
        across, up = to_grid(*degrees.T)
        shown.append(np.column_stack([(across - transform[2]) / GSD, (transform[5] - up) / GSD]))
    transform[2] += 4.0  # the grid is said to be 4 m too far east, and 3 m too far south
    transform[5] -= 3.0
    row = image(crs=crs, transform=transform)
    found = matched(row, rgb=picture(SIDE, shown))
    to_degrees = pyproj.Transformer.from_crs(crs, 4326, always_xy=True).transform
    here, there = (project(np.array([to_degrees(x + a, y + b)]))[0] for a, b in ((0, 0), (4, -3)))
    expected = (there - here) * np.cos(np.radians(LAT))
    assert (found["dx_m"], found["dy_m"]) == pytest.approx(expected, abs=0.2)


def test_an_image_without_visible_edges_says_so_and_stays_ok(matched):
    tree = thing("n1", shapely.Point(LON, LAT), natural="tree")
    found = matched(image(), [tree])
    assert found["no_match"] == "no object with a visible edge is in the image"
    assert (found["match"], found["dx_m"], found["match_confidence"]) == (None, None, None)
    assert found["status"] == "ok"


def test_the_vocabulary_of_the_run_decides_which_objects_are_seen(matched):
    unseen = vocab_with(("building", "yes", None))
    assert matched(image(), vocab=unseen)["no_match"] is not None


def test_pixels_too_large_for_the_search_are_not_matched(matched):
    found = matched(image(), reach=1)
    assert found["match"] is not None
    coarse = matched(image(gsd=6.0))
    assert coarse["no_match"] == "the pixels are too large for the range of the search"


def test_a_shift_beyond_the_reach_is_not_found(matched):
    found = matched(image(8.0, 0.0), reach=4)
    assert found["match_confidence"] < 0.5
    assert abs(found["dx_m"]) <= 4.5


def test_an_image_that_is_not_ok_keeps_its_reason(matched):
    row = {"object_id": "a1", "status": "filtered", "reason": "no image covers it"}
    found = matched(row)
    assert (found["status"], found["reason"]) == ("filtered", "no image covers it")
    assert found["match"] is found["no_match"] is found["date_gap_days"] is None


def test_the_days_from_the_capture_to_the_objects_last_change_and_start(matched):
    changed = datetime(2019, 7, 11, 12, tzinfo=UTC)
    tags = [("building", "yes"), ("start_date", "2018")]
    found = matched(image(), [HOUSES[0] | {"changed": changed, "tags": tags}, *HOUSES[1:]])
    assert found["changed"] == changed
    assert found["date_gap_days"] == 10
    assert found["built_gap_days"] == -547


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("2020", 183),
        ("2019-08", 30),
        ("2019-07-02", 0),
        ("2019-07-03", 1),
        ("2018-06", -396),
        ("C19", None),
        ("~1880", None),
        ("2019-13", None),
        ("0000", None),
        ("", None),
    ],
)
def test_a_start_date_counts_from_its_first_day(text, days):
    gaps = date_gaps({"start_date": text}, None, TAKEN)
    assert gaps == {"changed": None, "date_gap_days": None, "built_gap_days": days}


def test_the_box_of_the_test_images_is_where_the_houses_are():
    west, south, east, north = mercator_box(tile_around(LON, LAT, SIDE, SIDE, GSD).box)
    corners = project(shapely.get_coordinates(shapely.from_wkb(HOUSES[0]["geometry"])))
    across = (corners[:, 0] - west) / (east - west) * SIDE
    assert across[:4] == pytest.approx(np.array(SHAPES[0])[:, 0], abs=0.01)
    assert north > south
