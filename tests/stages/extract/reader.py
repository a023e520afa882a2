"""Reads OSM files in the test's own process: object by object, or in shards as a run does."""

from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds

from pipeline.manifest import TableFolder
from pipeline.schema import conform
from pipeline.stage import Shard
from stages import tables
from stages.extract import BLOBS, NODES, WAYS, ExtractConfig, extract, stage
from stages.extract.reading import read_here


def read_here_always(monkeypatch):
    """Let a test change how files are read, or see what the reader logs."""
    monkeypatch.setattr(
        stage, "read_files", lambda reading, folder: read_here(None, reading, folder)
    )


def extracted_by_shards(path: Path, root: Path, **values: object) -> pa.Table:
    """Extract a file from ranges of its blobs; each part must keep its contract."""
    config = ExtractConfig(path=path, **values)
    blobs = _stored(tables.BLOBS, root, BLOBS.run(config=config, root=root))
    parts = [part.to_table() for part in blobs.get_fragments()]
    shards = [Shard(number, root) for number in range(len(parts))]
    given = list(zip(parts, shards, strict=True))
    read = [NODES.run(part, config=config, shard=shard) for part, shard in given]
    nodes = _stored(tables.NODES, root, read)
    read = [WAYS.run(part, nodes, config=config, shard=shard) for part, shard in given]
    ways = _stored(tables.WAYS, root, read)
    found = extract(blobs, nodes, ways, config=config, root=root)
    return pa.concat_tables(conform(part, tables.OBJECTS, where="test") for part in found)


def _stored(table, root: Path, parts) -> ds.Dataset:
    folder = TableFolder(root, table.name, table.schema)
    folder.clear()
    numbers = [
        (number, folder.write(number, conform(part, table, where="test")))[0]
        for number, part in enumerate(parts)
    ]
    return folder.dataset(numbers)
