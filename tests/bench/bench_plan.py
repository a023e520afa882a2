"""Plan: objects a second on one core, with a real map, aerial tiles and satellite scenes.

CPU seconds, not wall time. Run: pytest -m bench -s tests/bench/bench_plan.py
"""

import resource
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pytest

from pipeline.stage import Shard
from pipeline.worker_process import pass_over_what_is_loaded
from stages import tables
from stages.plan import PlanConfig, plan
from tests.conftest import TOWN
from tests.skyscript.imagery.rasters import scenes_table
from tests.skyscript.osm.osm_text import extracted
from tests.stages.sampling import eligible
from tests.stages.stored import stored
from tests.stages.vocabularies import AS_SHIPPED

pytestmark = pytest.mark.bench

SHARD, PASSES = 256, 5
MOST_OBJECTS = 20_000
AERIAL_SIDE, YEARS = 0.02, (2018, 2021, 2024)
"""Degrees: aerial images are cut into files of about 2 km, and flown every few years."""


def user_seconds():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def images_over(table):
    """Give aerial images of three years at 0.2 m, in files, and two satellites' scenes."""
    west, south = (pc.min(table[side]).as_py() for side in ("west", "south"))
    east, north = (pc.max(table[side]).as_py() for side in ("east", "north"))
    found = [
        {
            "scene_id": f"AIR/{year}-{x:.2f}-{y:.2f}",
            "box": (x, y, x + AERIAL_SIDE, y + AERIAL_SIDE),
            "gsd": 0.2,
            "acquired": int(datetime(year, 6, 1, tzinfo=UTC).timestamp()),
        }
        for year in YEARS
        for x in np.arange(west - AERIAL_SIDE, east + AERIAL_SIDE, AERIAL_SIDE).tolist()
        for y in np.arange(south - AERIAL_SIDE, north + AERIAL_SIDE, AERIAL_SIDE).tolist()
    ]
    around = (west - 0.5, south - 0.5, east + 0.5, north + 0.5)
    for number in range(6):
        found.append({"scene_id": f"S2/{number}", "box": around, "gsd": 10.0})
        found.append({"scene_id": f"PLANET/{number}", "box": around, "gsd": 3.0})
    return scenes_table(*found).to_table()


def test_objects_a_second(tmp_path, shared_data):
    path = shared_data / "osm/helsinki.osm.pbf"
    table = extracted(path if path.exists() else TOWN, tmp_path)
    table = table.filter(pc.equal(table["status"], "ok"))
    seen = pa.concat_tables(eligible(ds.dataset(table)))
    table = table.filter(pc.equal(seen["status"], "ok")).slice(0, MOST_OBJECTS)
    # Files, as in a run: what is made of them is kept from shard to shard.
    scenes = stored(tables.SCENES, tmp_path, [images_over(table)])
    vocab = stored(tables.VOCAB, tmp_path, [AS_SHIPPED.to_table()])
    for name, value in (("chosen_by", "all"), ("chosen_for", None)):
        column = pa.repeat(pa.scalar(value, pa.string()), len(table))
        table = table.append_column(name, column)
    focus = table.select(tables.FOCUS.schema.names).cast(tables.FOCUS.schema)
    config, planned = PlanConfig(), []
    plan(focus.slice(0, SHARD), scenes, vocab, config=config, shard=Shard(0, tmp_path))
    pass_over_what_is_loaded()  # as a worker does after its first shard
    took = []
    for _ in range(PASSES):
        planned.clear()
        started = user_seconds()
        for start in range(0, len(focus), SHARD):
            some = focus.slice(start, SHARD)
            planned.append(plan(some, scenes, vocab, config=config, shard=Shard(0, tmp_path)))
        took.append(user_seconds() - started)
    seconds = min(took)
    tiles = pa.concat_tables(planned)
    ok = tiles.filter(pc.equal(tiles["status"], "ok"))
    print(
        f"\n{len(focus):,} objects, {scenes.count_rows():,} scenes: best of {PASSES} passes "
        f"{seconds:.2f} s, {len(focus) / seconds:,.0f} objects/s, slowest {max(took):.2f} s, "
        f"{len(ok) / len(focus):.0%} get a tile, "
        f"{len(pc.list_flatten(ok['candidates'])) / len(ok):.1f} candidates each"
    )
