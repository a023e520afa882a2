"""Overlay and plan: tiles a second on one core, many parts, and the memory of many objects.

CPU seconds, not wall time. The place is the embedded town, repeated along a parallel; so every tile
has the neighbours of a town. Run: pytest -m bench -s tests/bench/bench_overlay.py
"""

import gc
import resource
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.fs
import pyarrow.parquet as pq
import pytest
import shapely

from pipeline.atomic import write_sealed_json
from pipeline.part_ranges import NAME, parts_meeting, write_ranges
from pipeline.stage import Shard
from skyscript.geo.tile import Box, tile_around
from stages import tables
from stages.overlay import OverlayConfig, overlay
from tests.conftest import TOWN
from tests.skyscript.osm.osm_text import extracted
from tests.stages.vocabularies import AS_SHIPPED

pytestmark = pytest.mark.bench

COPIES = 30
APART = 0.5  # degrees of longitude
SHARD = 256
FEW_OBJECTS, MANY_OBJECTS = 200, 20_000
"""Objects in a part of the table: many parts, and few."""
SIDES = tables.OBJECTS.ranges


def user_seconds():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    table = extracted(TOWN, tmp_path_factory.mktemp("town"))
    return table.filter(pc.equal(table["status"], "ok"))


def copy_of(town, number):
    """Give the town so many times `APART` further east, with ids of its own."""
    east = number * APART
    shapes = shapely.transform(
        shapely.from_wkb(town["geometry"].to_numpy(zero_copy_only=False)),
        lambda places: places + np.array([east, 0]),
    )
    ids = pc.add(town["osm_id"], number * 10**9)
    new = {
        "object_id": pc.binary_join_element_wise(town["kind"], ids.cast(pa.string()), ""),
        "osm_id": ids,
        "geometry": pa.array(shapely.to_wkb(shapes), pa.binary()),
        "west": pc.add(town["west"], east),
        "east": pc.add(town["east"], east),
    }
    return pa.table(
        [new.get(name, town[name]) for name in town.schema.names], schema=tables.OBJECTS.schema
    )


def stored(folder: Path, town, rows: int) -> ds.Dataset:
    folder.mkdir()
    files: list[Path] = []
    for number in range(COPIES):
        table = copy_of(town, number)
        for start in range(0, len(table), rows):
            files.append(folder / f"part-{len(files):05d}.parquet")
            part = table.slice(start, rows)
            pq.write_table(part, files[-1], compression="zstd", row_group_size=4096)
    write_ranges(folder, files, SIDES)
    return ds.dataset([str(file) for file in files], tables.OBJECTS.schema, format="parquet")


def shard_of(town, number):
    """Give the images and the focus objects of a shard of tiles in a copy of the town."""
    focus = copy_of(town, number).slice(0, SHARD)
    images = []
    for row in focus.to_pylist():
        lon, lat = (row["west"] + row["east"]) / 2, (row["south"] + row["north"]) / 2
        images.append(
            {
                "object_id": row["object_id"],
                "filepath": f"images2/{row['object_id']}_SIM_24.jpg",
                "source": "SIM",
                "gsd": 0.6,
                "width": 384,
                "height": 384,
                **tile_around(lon, lat, 384, 384, 0.6).box._asdict(),
                "acquired": datetime(2024, 7, 1, 10, 30, tzinfo=UTC),
                "status": "ok",
            }
        )
    return pa.Table.from_pylist(images, schema=tables.IMAGES.schema), focus


def test_tiles_a_second_with_few_and_with_many_parts(town, tmp_path):
    shards = [shard_of(town, number) for number in range(0, COPIES, 3)]
    for rows in (MANY_OBJECTS, FEW_OBJECTS):
        objects = stored(tmp_path / str(rows), town, rows)
        started, around = user_seconds(), 0
        for number, (images, focus) in enumerate(shards):
            made = overlay(
                images,
                focus,
                objects,
                AS_SHIPPED,
                ds.dataset(tables.SCENE_SHIFTS.schema.empty_table()),
                config=OverlayConfig(),
                shard=Shard(number, tmp_path),
            )
            around += len(pc.list_flatten(made["surrounding"]))
        seconds = (user_seconds() - started) / len(shards)
        print(
            f"\n{objects.count_rows():,} objects in {len(objects.files)} parts: "
            f"{seconds:.3f} s a shard of {SHARD}, {SHARD / seconds:,.0f} tiles/s, "
            f"{around / len(shards) / SHARD:.1f} neighbours a tile, peak memory "
            f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3:,.0f} MB"
        )


@pytest.mark.parametrize("parts", [5_000, 20_000, 50_000])
def test_a_look_up_among_the_parts_of_a_thousand_million_objects(tmp_path, parts):
    """Only the record of the parts is real: 50,000 parts of 20,000 objects in a grid of boxes."""
    side = 50
    west = np.arange(parts) % side * 0.1
    south = np.arange(parts) // side * 0.1
    lows = {"west": west, "south": south, "east": west, "north": south}
    names = [f"part-{number:05d}.parquet" for number in range(parts)]
    ranges = {
        name: {
            "low": low.tolist(),
            "high": (low + 0.1).tolist(),
            "is_known": [True] * parts,
        }
        for name, low in lows.items()
    }
    write_sealed_json(tmp_path / NAME, {"parts": names, "ranges": ranges})
    file_format, files = ds.ParquetFileFormat(), pyarrow.fs.LocalFileSystem()
    before = gc.collect() or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = user_seconds()
    fragments = [file_format.make_fragment(f"{tmp_path}/{name}", files) for name in names]
    objects = ds.FileSystemDataset(fragments, tables.OBJECTS.schema, file_format, files)
    tile = Box(2.05, 2.05, 2.051, 2.051)
    boxes = np.array([tile] * SHARD) + np.linspace(0, 0.01, SHARD)[:, None]
    west, south, east, north = boxes.T
    bounds = {
        "at_most": {"west": east, "south": north},
        "at_least": {"east": west, "north": south},
    }
    for file in names[:1]:
        (tmp_path / file).touch()
    wanted = 20 * side + 20
    (tmp_path / names[wanted]).touch()
    assert [Path(file).name for file in parts_meeting(objects, **bounds).files] == [names[wanted]]
    opened = user_seconds() - started
    started = user_seconds()
    for _ in range(5):
        parts_meeting(objects, **bounds)
    again = (user_seconds() - started) / 5
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(
        f"\n{parts:,} parts: {opened:.2f} s once in a process, {again:.3f} s a shard of {SHARD}, "
        f"{used / 1e3:,.0f} MB"
    )
