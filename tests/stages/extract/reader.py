"""Reads OSM files in the test's own process: object by object, or in shards as a run does."""

from pathlib import Path

import pyarrow as pa

from pipeline.stage import Shard
from stages import tables
from stages.extract import BLOBS, NODES, WAYS, ExtractConfig, boxes, find_boxes
from stages.extract.reading import read_here
from tests.skyscript.osm.osm_text import every_object
from tests.stages.stored import stored


def read_here_always(monkeypatch):
    """Let a test change how files are read, or see what the reader logs."""
    monkeypatch.setattr(
        boxes, "read_files", lambda reading, folder: read_here(None, reading, folder)
    )


def extracted_by_shards(path: Path, root: Path, **values: object) -> pa.Table:
    """Extract a file from ranges of its blobs; each part must keep its contract."""
    config = ExtractConfig(path=path, **values)
    blobs = stored(tables.BLOBS, root, BLOBS.run(config=config, root=root))
    parts = [part.to_table() for part in blobs.get_fragments()]
    shards = [Shard(number, root) for number in range(len(parts))]
    given = list(zip(parts, shards, strict=True))
    read = [NODES.run(part, config=config, shard=shard) for part, shard in given]
    nodes = stored(tables.NODES, root, read)
    read = [WAYS.run(part, nodes, config=config, shard=shard) for part, shard in given]
    ways = stored(tables.WAYS, root, read)
    found = find_boxes(blobs, nodes, ways, config=config, root=root)
    return every_object(found, config, root, ways=ways, nodes=nodes)
