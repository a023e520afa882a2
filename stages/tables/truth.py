"""The tables of truth by place: how many objects the map has, and what each image shows."""

from __future__ import annotations

import pyarrow as pa

from stages.tables.columns import table

DENSITY = table(
    "density",
    pa.field("entry", pa.string(), nullable=False),  # x/y/concept, unique within a part
    # the cell: degrees divided by its side, rounded down; the side is in the table's metadata
    pa.field("x", pa.int32(), nullable=False),
    pa.field("y", pa.int32(), nullable=False),
    pa.field("concept", pa.string(), nullable=False),  # empty: all objects that show a thing
    pa.field("objects", pa.int32(), nullable=False),
    pa.field("revisited", pa.int32(), nullable=False),  # of them edited since they were drawn
    pa.field("changed", pa.timestamp("s", tz="UTC")),  # last; null if the extract lacks it
    ranges=("x", "y"),
)
"""The number of objects of each concept in each cell. The rows of several parts add up."""

TRUTH = table(
    "truth",
    pa.field("truth_id", pa.string(), nullable=False),  # object_id/concept
    pa.field("object_id", pa.string(), nullable=False),  # of the image
    pa.field("filepath", pa.string(), nullable=False),
    pa.field("concept", pa.string(), nullable=False),
    pa.field("verdict", pa.string(), nullable=False),  # yes, no or unknown
    # objects that show it well enough; of unknown: all that the map has in the image or beside it
    pa.field("objects", pa.int32(), nullable=False),
    pa.field("share", pa.float64(), nullable=False),  # of the image that their areas cover, 0 to 1
    # of the map there, 0 to 1: the least of the image's cells; null if an object answers
    pa.field("completeness", pa.float64()),
    pa.field("reason", pa.string()),  # why it is unknown; null otherwise
)
"""Whether an image shows a concept; many a row of `meta`. What has no row is unknown."""
