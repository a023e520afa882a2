"""Why an object of an OSM file has no geometry: the words of every reader.

The reasons of relations whose area cannot be assembled are in `rejected`.
"""

from __future__ import annotations

NOT_TEXT = "a tag is not UTF-8 text"
NO_PLACE = "node without a valid place"
NO_NODES = "nodes of the way are not in the extract, or have no valid place"
FEW_POINTS = "fewer than two points"
NOT_AREA = "relation is not of type multipolygon or boundary"
POLE = "area around a pole"
UNCLEAR = "a side may go either way round the globe"
