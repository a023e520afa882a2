"""Extract: the objects in and around the tiles, each with its geometry."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from pipeline.parquet_files import read_part
from pipeline.schema import STATUS_OK
from pipeline.scratch import cut_into_parts, scratch
from pipeline.stage import DatasetStage
from pipeline.storage import Place
from skyscript.osm.bounds import bounds_of, with_bounds
from skyscript.osm.shapes import WaysRead, with_shapes
from stages import tables
from stages.extract.config import ExtractConfig


def extract(
    boxes: ds.Dataset,
    wanted: ds.Dataset,
    ways: ds.FileSystemDataset | None = None,
    nodes: ds.FileSystemDataset | None = None,
    *,
    config: ExtractConfig,
    root: Place,
) -> Iterator[pa.Table]:
    """Give the wanted objects with their geometries, in the order of ``boxes``.

    The geometries of ways that shards have read are made from ``ways`` and ``nodes``.
    """
    bounds = bounds_of(boxes)
    with scratch(root, "extract") as folder:
        read = WaysRead.of(ways, nodes, root)
        rows = with_shapes(_wanted(boxes, wanted), read, folder)
        for part in cut_into_parts(rows, config.part_rows):
            sides = (part[side].combine_chunks() for side in tables.SIDES)
            box = pa.StructArray.from_arrays(list(sides), fields=list(tables.BBOX))
            part = part.append_column("bbox", box).cast(tables.OBJECTS.schema)
            yield with_bounds(part, bounds)


def _wanted(boxes: ds.Dataset, wanted: ds.Dataset) -> Iterator[pa.Table]:
    """Yield the rows of the wanted objects, part by part: both tables have the same parts."""
    for one, other in zip(boxes.get_fragments(), wanted.get_fragments(), strict=True):
        status = read_part(other, wanted.schema, ["status"])["status"]
        is_wanted = pc.equal(status, STATUS_OK)
        if pc.any(is_wanted).as_py():
            yield read_part(one, tables.BOXES.schema).filter(is_wanted)


EXTRACT = DatasetStage(
    "extract",
    extract,
    ExtractConfig,
    reads=(tables.BOXES, tables.WANTED),
    may_read=(tables.WAYS, tables.NODES),
    writes=tables.OBJECTS,
    version=5,
)
