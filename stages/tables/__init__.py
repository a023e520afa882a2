"""Every table that passes between stages: the contract.

Coordinates are WGS 84 degrees, geometries WKB, times UTC. ``status`` is ``ok``, ``filtered``
(final) or ``failed`` (may be retried); ``reason`` is a short phrase, null if the row is ok. From
``focus`` on, part *i* of every table has the same ``object_id``s.
"""

from stages.tables.columns import BBOX, STATUS, TAGS
from stages.tables.files import FILES, FILTERED, REPORT, SCORED, files_written, owned_files
from stages.tables.imagery import CANDIDATE, IMAGES, MATCH, SCENE_SHIFTS, SCENES, TILES
from stages.tables.objects import ELIGIBLE, FOCUS, OBJECTS, OUTLINES, VOCAB
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
    "CANDIDATE",
    "CAPTIONS",
    "DENSITY",
    "ELIGIBLE",
    "FILES",
    "FILTERED",
    "FOCUS",
    "IMAGES",
    "MATCH",
    "META",
    "NEIGHBOUR",
    "NORMALISED",
    "OBJECTS",
    "OUTLINES",
    "PAIRS",
    "PAIR_NORMALISED",
    "PAIR_SCORES",
    "PAIR_STATEMENT",
    "PLACE",
    "REPORT",
    "RUN_PAIRS",
    "SCENES",
    "SCENE_SHIFTS",
    "SCORED",
    "SCORES",
    "STATEMENTS",
    "STATUS",
    "TAGS",
    "TILES",
    "TRUTH",
    "VOCAB",
    "files_written",
    "owned_files",
]
