"""The stages that read OSM as a recipe of their own, in which every object is wanted."""

import pyarrow as pa

from pipeline.stage import Shard, ShardStage, StageConfig
from stages import tables
from stages.extract import BLOBS, BOXES, EXTRACT, NODES, WAYS


class AllConfig(StageConfig):
    """Nothing can be set."""


def want_all(boxes: pa.Table, *, config: AllConfig, shard: Shard) -> pa.Table:
    """Want every object, as if tiles showed them all."""
    return boxes.select(tables.WANTED.schema.names)


ALL = ShardStage("wanted", want_all, AllConfig, reads=(tables.BOXES,), writes=tables.WANTED)
RECIPE = (BLOBS, NODES, WAYS, BOXES, ALL, EXTRACT)
