"""Every table that passes between stages: the contract.

Coordinates are WGS 84 degrees, geometries WKB, times UTC. ``status`` is ``ok``, ``filtered``
(final) or ``failed`` (may be retried); ``reason`` is a short phrase, null if the row is ok. Part
*i* of every table that is made from ``focus`` has the same ``object_id``s, and so has part *i* of
every table that is made from ``boxes``.
"""

from stages.tables.columns import BBOX, OBJECT_AS_READ, PLACED, SIDES, STATUS, TAGS
from stages.tables.files import FILES, FILTERED, REPORT, SCORED, files_written, owned_files
from stages.tables.imagery import (
    CANDIDATE,
    IMAGES,
    IN_FILES,
    IN_TARS,
    LAYOUT,
    MATCH,
    SCENE_SHIFTS,
    SCENES,
    TILES,
)
from stages.tables.objects import (
    BLOBS,
    BOXES,
    ELIGIBLE,
    FOCUS,
    NODES,
    OBJECTS,
    OUTLINES,
    VOCAB,
    WANTED,
    WAYS,
)
from stages.tables.pairs import PAIR_STATEMENT, PLACE, RUN_PAIRS
from stages.tables.texts import (
    CAPTIONS,
    META,
    NEIGHBOUR,
    NORMALISED,
    PAIR_NORMALISED,
    PAIR_SCORES,
    PAIRS,
    SCORES,
    STATEMENTS,
)
from stages.tables.truth import DENSITY, TRUTH

__all__ = [
    "BBOX",
    "BLOBS",
    "BOXES",
    "CANDIDATE",
    "CAPTIONS",
    "DENSITY",
    "ELIGIBLE",
    "FILES",
    "FILTERED",
    "FOCUS",
    "IMAGES",
    "IN_FILES",
    "IN_TARS",
    "LAYOUT",
    "MATCH",
    "META",
    "NEIGHBOUR",
    "NODES",
    "NORMALISED",
    "OBJECTS",
    "OBJECT_AS_READ",
    "OUTLINES",
    "PAIRS",
    "PAIR_NORMALISED",
    "PAIR_SCORES",
    "PAIR_STATEMENT",
    "PLACE",
    "PLACED",
    "REPORT",
    "RUN_PAIRS",
    "SCENES",
    "SCENE_SHIFTS",
    "SCORED",
    "SCORES",
    "SIDES",
    "STATEMENTS",
    "STATUS",
    "TAGS",
    "TILES",
    "TRUTH",
    "VOCAB",
    "WANTED",
    "WAYS",
    "files_written",
    "owned_files",
]
