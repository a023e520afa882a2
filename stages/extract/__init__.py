"""The stages that read OSM: `nodes` and `ways` read ranges of `blobs`, and `extract` joins them."""

from stages.extract.blobs import BLOBS
from stages.extract.config import ExtractConfig
from stages.extract.shards import NODES, WAYS
from stages.extract.stage import EXTRACT, extract

__all__ = ["BLOBS", "EXTRACT", "NODES", "WAYS", "ExtractConfig", "extract"]
