"""A PBF file of many small blocks, and a run of the stages that read OSM on it.

As a program (``FILE FOLDER STAGE SHARD``) it runs with two workers, and kills all its processes
when that shard is done.
"""

import os
import signal
import sys
from pathlib import Path
from unittest.mock import patch

from pipeline.config import parse_config
from pipeline.events import ShardFinished
from pipeline.runner import run
from pipeline.storage import Place
from stages.extract import inputs
from tests.skyscript.osm.blocks import pbf
from tests.stages.extract.everything import RECIPE

TAGS = [b"building", b"yes", b"type", b"multipolygon", b"landuse", b"forest", b"natural", b"tree"]
BLOCKS, HOUSES = 24, 5
"""Blocks of nodes, and as many of ways; houses in each."""


def write_town(path: Path) -> Path:
    """Write a town of houses, trees and forests; a house's nodes lie in blocks all over the file.

    A forest is a multipolygon of an outer ring and of the ring of a house in another shard.
    """
    total = BLOCKS * HOUSES
    nodes, ways = [], []
    for block in range(BLOCKS):
        ids = [1 + block * 4 * HOUSES + number for number in range(4 * HOUSES)]
        corners = [divmod(number - 1, total) for number in ids]  # corner, house
        lons = [70_000_000 + 5_000 * (house % 11) + 1_000 * (c in (1, 2)) for c, house in corners]
        lats = [430_000_000 + 5_000 * (house // 11) + 1_000 * (c in (2, 3)) for c, house in corners]
        tags = [number for place in ids for number in ([7, 8, 0] if place % 7 == 0 else [0])]
        nodes.append(pbf.block(TAGS, pbf.dense(ids, lons, lats, tags)))
    for block in range(BLOCKS):
        own = range(block * HOUSES, (block + 1) * HOUSES)
        rings = [[1 + house + corner * total for corner in (0, 1, 2, 3, 0)] for house in own]
        tagged = [([1], [2]) if house % 3 else ([], []) for house in own]
        pairs = zip(own, rings, tagged, strict=True)
        ways.append(pbf.block(TAGS, *(pbf.way(1 + h, ring, *tags) for h, ring, tags in pairs)))
    forests = [pbf.relation(9 + n, [1 + 3 * n], [3, 5], [4, 6]) for n in range(total // 3)]
    return pbf.write(path, *nodes, *ways, pbf.block(TAGS, *forests))


def run_stages(
    path: Place, root: Place, emit=lambda event: None, from_size: int = 0, **runner: object
) -> None:
    """Bring the tables of the file up to date, in shards if it has ``from_size`` bytes."""
    blocks = {"extract": {"path": str(path), "part_rows": 30}, "runner": runner}
    with patch.object(inputs, "FROM_SIZE", from_size):
        run(RECIPE, parse_config(blocks, RECIPE, base=Path(), where="test"), root, emit)


if __name__ == "__main__":
    file, folder, stage, shard = sys.argv[1:]

    def kill(event: object) -> None:
        if isinstance(event, ShardFinished) and (event.stage, event.shard) == (stage, int(shard)):
            os.killpg(0, signal.SIGKILL)

    run_stages(Path(file), Path(folder), kill, workers=2)
