"""Only objects in the box of a run get tiles; those outside of it stay as context."""

from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
import shapely

from skyscript.geo.bbox import OUTSIDE
from skyscript.vocabulary import NOTHING_SEEN
from stages import tables
from stages.eligible import EligibleConfig
from stages.eligible.why_none import why_none
from tests.conftest import answered, extracts
from tests.pipeline.cli.small_run import build, write_config
from tests.skyscript.osm.osm_text import extracted
from tests.stages.plan.tiles import HERE, area, offset, planned, point, reason, row
from tests.stages.sampling import HOUSE, QUARRY, TREE, eligible, objects, outlined, sampled
from tests.stages.vocabularies import AS_SHIPPED

pytestmark = pytest.mark.slow


BOX = (7.0, 43.0, 7.1, 43.1)
ROAD = {"highway": "primary"}


def reasons(made: ds.Dataset, **config: object) -> list[str | None]:
    return [each["reason"] for part in eligible(made, **config) for each in part.to_pylist()]


def line(*nodes: tuple[float, float]) -> ds.Dataset:
    return drawn(shapely.LineString(nodes))


def drawn(way: shapely.Geometry) -> ds.Dataset:
    made = objects((0, 0, ROAD)).to_table().to_pylist()[0]
    west, south, east, north = way.bounds
    made |= {"kind": "w", "geometry": shapely.to_wkb(way)}
    made |= {"west": west, "south": south, "east": east, "north": north}
    return ds.dataset(pa.Table.from_pylist([made], schema=tables.OBJECTS.schema))


def rows_of(run: Path, table: str) -> list[dict[str, Any]]:
    parts = sorted((run / "tables" / table).glob("*.parquet"))
    return [row for part in parts for row in pq.read_table(part).to_pylist()]


def test_an_object_outside_gets_the_reason_and_one_on_the_edge_does_not() -> None:
    made = objects((7.05, 43.05, TREE), (7.1, 43.1, HOUSE), (7.11, 43.05, TREE), (7.05, 42.9, TREE))
    assert reasons(made, bbox=BOX) == [None, None, OUTSIDE, OUTSIDE]
    assert reasons(made) == [None] * 4


def test_a_box_across_180_degrees_holds_both_sides() -> None:
    made = objects((179.9, -17, TREE), (-179.9, -17, TREE), (-170, -17, TREE), (0, -17, TREE))
    assert reasons(made, bbox=(179, -18, -179, -16)) == [None, None, OUTSIDE, OUTSIDE]


def test_the_point_where_a_line_is_cut_at_180_degrees_is_no_node() -> None:
    way = shapely.MultiLineString([[(178, -17), (180, -17)], [(-180, -17), (-178, -17)]])
    assert reasons(drawn(way), bbox=(179, -18, -179, -16)) == [OUTSIDE]
    assert reasons(drawn(way), bbox=(177, -18, -179, -16)) == [None]
    [tile] = planned([row("w1", way, ROAD)], bbox=(179, -18, -179, -16))
    assert tile["reason"] == OUTSIDE


def test_an_area_lies_where_its_centre_lies() -> None:
    made = objects((6.998, 43.05, QUARRY), (6.998, 43.05, QUARRY)).to_table().to_pylist()
    made[0] |= {"kind": "a", "east": 7.003}
    made[1] |= {"kind": "a", "east": 7.001}
    table = ds.dataset(pa.Table.from_pylist(made, schema=tables.OBJECTS.schema))
    assert reasons(table, bbox=BOX) == [None, OUTSIDE]


def test_a_line_needs_a_node_in_the_box() -> None:
    near = ((6.9, 43.05), (6.95, 43.05), (7.01, 43.05))
    corner = ((6.9, 43.05), (7.05, 43.2))  # its box meets the box
    assert reasons(line(*near), bbox=BOX) == [None]
    assert reasons(line(*corner), bbox=BOX) == [OUTSIDE]
    tiles = [row(f"w{n}", shapely.LineString(way), ROAD) for n, way in enumerate((near, corner))]
    assert [tile["reason"] == OUTSIDE for tile in planned(tiles, bbox=BOX)] == [False, True]
    assert reasons(line((6.9, 43.05), (6.99, 43.2)), bbox=BOX) == [OUTSIDE]


def test_the_tile_of_a_line_is_centred_on_a_node_in_the_box() -> None:
    nodes = [(85.5, 27.6), (85.51, 27.61), (85.52, 27.6), (85.53, 27.61)]
    lines = [row(f"w{number}", shapely.LineString(nodes), ROAD) for number in range(40)]
    config = {"centred_share": 1.0, "bbox": (85.505, 27.5, 85.525, 27.7)}
    seen = Counter(
        next(n for n in nodes if max(map(abs, offset(n, tile["candidates"][0]))) < 1e-6)
        for tile in planned(lines, **config)
    )
    assert set(seen) == set(nodes[1:3])
    assert reason(lines[0], bbox=(80, 20, 81, 21)) == OUTSIDE


def test_the_box_changes_no_tile_of_an_object_in_it() -> None:
    given = [point(), area((30, 20), number=2)]
    around = (HERE[0] - 0.1, HERE[1] - 0.1, HERE[0] + 0.1, HERE[1] + 0.1)
    assert planned(given, bbox=around) == planned(given)


def test_rare_tags_are_taken_only_in_the_box(tmp_path: Path) -> None:
    made = objects(*[(7.05, 43.05, TREE)] * 3, (8.0, 44.0, QUARRY), (7.06, 43.05, HOUSE))
    [part] = eligible(made, bbox=BOX)
    assert part["status"].to_pylist() == ["ok", "ok", "ok", "filtered", "ok"]
    chosen = sampled(made, tmp_path, cells=1)
    assert "n4" in chosen["object_id"].to_pylist()
    chosen = sampled(made, tmp_path, cells=1, bbox=BOX)
    assert sorted(chosen["object_id"].to_pylist()) == ["n1", "n2", "n3", "n5"]


def test_the_reason_is_counted_before_the_tags_are_looked_at() -> None:
    made = objects((9, 9, {"name": "Nowhere"}), (7.05, 43.05, {"name": "Nowhere"}))
    assert reasons(made, bbox=BOX) == [OUTSIDE, NOTHING_SEEN]


def test_where_the_box_holds_nothing_the_remedy_is_named() -> None:
    config = EligibleConfig(bbox=BOX)
    said = why_none(objects((9, 9, TREE)), outlined(), AS_SHIPPED, config=config)
    assert said.startswith("no object of the extract lies in `bbox` (7 43 7.1 43.1)")
    made = objects((9, 9, TREE), (7.05, 43.05, {"name": "Nowhere"}))
    said = why_none(made, outlined(), AS_SHIPPED, config=config)
    assert "carries a tag that can be seen" in said  # although the tree does, outside


@pytest.mark.parametrize("path", extracts("liechtenstein"))
def test_the_lines_of_a_real_map_with_a_node_in_the_box_are_in_it_and_no_others(
    path: Path, tmp_path: Path
) -> None:
    made = extracted(path, tmp_path)
    middle = shapely.box(*shapely.total_bounds(shapely.from_wkb(made["geometry"].to_numpy())))
    lon, lat = middle.centroid.coords[0]
    sides = (lon - 0.01, lat - 0.01, lon + 0.01, lat + 0.01)
    found = pa.concat_tables(eligible(ds.dataset(made), bbox=sides))
    lines = made["kind"].to_numpy() == "w"
    ok = made["status"].to_numpy() == "ok"
    points = [
        shapely.MultiPoint(shapely.get_coordinates(shapely.from_wkb(each)))
        for each in made["geometry"].to_numpy()[lines & ok]
    ]
    inside = shapely.intersects(shapely.box(*sides), points)
    outside = found["reason"].to_numpy()[lines & ok] == OUTSIDE
    assert inside.any()
    assert (outside == ~inside).all()  # so each seat of sample is one that plan can keep


@pytest.mark.slow
def test_a_run_makes_tiles_of_the_box_alone_and_captions_know_the_surroundings(
    tmp_path: Path,
) -> None:
    whole = build(tmp_path, "--until", "overlay", sample={})
    sides = [9.52, 47.14, 9.5225, 47.142]  # holds the fountain; the church is 110 m away
    (tmp_path / "cut").mkdir()
    cut = build(tmp_path / "cut", "--until", "overlay", sample={}, bbox=sides)
    focus = {run: [row["object_id"] for row in rows_of(run, "focus")] for run in (whole, cut)}
    assert set(focus[whole]) == {"n1", "n2", "a5"}
    assert focus[cut] == ["n1"]
    [mine] = rows_of(cut, "meta")
    [same] = [row for row in rows_of(whole, "meta") if row["object_id"] == "n1"]
    assert mine == same
    config = write_config(tmp_path, bbox=[9.53, 47, 9.52, 48])
    done = answered("check", config)
    assert done.returncode == 2
    assert "bbox: west must be below east" in done.stderr
