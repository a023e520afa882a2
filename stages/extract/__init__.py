"""The stages that read OSM.

`nodes` and `ways` read ranges of `blobs`, `boxes` joins them, and `extract` gives the objects that
tiles can show.
"""

from stages.extract.blobs import BLOBS
from stages.extract.boxes import BOXES, find_boxes
from stages.extract.config import ExtractConfig
from stages.extract.shards import NODES, WAYS
from stages.extract.stage import EXTRACT, extract

__all__ = ["BLOBS", "BOXES", "EXTRACT", "NODES", "WAYS", "ExtractConfig", "extract", "find_boxes"]
