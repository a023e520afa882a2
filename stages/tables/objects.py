"""The tables from the OSM file to the focus objects.

What was read, which objects and tags can be seen, where each source has images, and which objects
get a tile.
"""

from __future__ import annotations

import pyarrow as pa

from pipeline.schema import Table
from stages.tables.columns import BBOX, OBJECT, OBJECT_AS_READ, SIDES, STATUS, table

BLOB = pa.struct(
    [
        pa.field("start", pa.int64()),  # bytes
        pa.field("size", pa.int64()),
        pa.field("least", pa.int64()),  # ranks of the types that it may hold:
        pa.field("most", pa.int64()),  # 0 nodes, 1 ways, 2 relations
    ]
)
BLOBS = table(
    "blobs",
    pa.field("shard", pa.int64(), nullable=False),
    *(pa.field(name, pa.list_(BLOB), nullable=False) for name in ("nodes", "ways", "relations")),
    # ids of the ways, in this shard, that area relations have as members
    pa.field("members", pa.list_(pa.int64()), nullable=False),
    pa.field("left", pa.string()),  # why the file is left to libosmium; null if it is not
)
"""Ranges of the blobs of a PBF file: part *i* has those that shard *i* reads."""

_SPAN = [
    pa.field("first", pa.int64()),  # the first id that the shard read, of all nodes or ways
    pa.field("last", pa.int64()),
    pa.field("left", pa.string()),  # why the file is left to libosmium; null if it is not
]
"""Columns of the row of a shard: its kind is `s`. All other rows are objects."""
NODES = Table(
    "nodes",
    pa.schema(
        [
            *OBJECT_AS_READ,
            *_SPAN,
            pa.field("places", pa.string()),  # the file with the places of all nodes of the shard
            pa.field("places_size", pa.int64()),
        ]
    ),
    "osm_id",
)
"""Nodes that have a key of the vocabulary, in the order of the file."""
WAYS = Table(
    "ways",
    pa.schema(
        [
            *OBJECT_AS_READ,
            # ids of its nodes, from which the geometry is made; null if it has one here, or none
            pa.field("refs", pa.list_(pa.int64())),
            *_SPAN,
            # blobs of a PBF file: the ways of the shard that area relations have as members
            pa.field("members", pa.binary()),
        ]
    ),
    "osm_id",
)
"""Ways that have a key of the vocabulary, in the order of the file."""

_FOUND = [
    *OBJECT,
    pa.field("osm_version", pa.int32()),  # null if the extract lacks it
    pa.field("changed", pa.timestamp("s", tz="UTC")),  # null likewise
    pa.field("geom_rule", pa.string(), nullable=False),  # the rule for node, line or area
    *STATUS,
]
BOXES = table("boxes", *_FOUND, ranges=SIDES)
"""OSM objects that have a key of the vocabulary, in Hilbert order of their centres.

The geometry is null for a node, and for a way whose nodes are in the table ``ways``.
"""

WANTED = table("wanted", pa.field("object_id", pa.string(), nullable=False), *STATUS)
"""For each row of ``boxes``, whether a tile can show the object."""

OBJECTS = table(
    "objects",
    *_FOUND,
    pa.field("bbox", BBOX),  # west ... north again, for readers of GeoParquet
    geometry=True,
    ranges=SIDES,
)
"""The objects in and around the tiles, with their geometries, in the order of ``boxes``."""

VOCAB = table(
    "vocab",
    pa.field("tag", pa.string(), nullable=False),  # key=value; % and = of a key escaped
    pa.field("key", pa.string(), nullable=False),
    pa.field("value", pa.string(), nullable=False),  # *: all values of an invisible key
    # number of objects with the tag; 0 for a user label without objects
    pa.field("objects", pa.int64(), nullable=False),
    pa.field("kinds", pa.string(), nullable=False),  # kinds of these objects, as in "anw"
    pa.field("groundable", pa.bool_(), nullable=False),
    pa.field("probability", pa.float64(), nullable=False),  # 0 or 1 unless by model
    pa.field("source", pa.string(), nullable=False),  # own, label, model, key or default
    pa.field("max_gsd", pa.float64()),  # metres a pixel; null if not groundable
    pa.field("phrase", pa.string()),  # the words in captions; null for all values of a key
    pa.field("current", pa.string()),  # today's spelling of an old tag, else null
    pa.field("reason", pa.string(), nullable=False),  # why it is visible, or why not
)
"""All tags of the run's objects: whether each is visible, and why."""

OUTLINES = table(
    "outlines",
    pa.field("outline", pa.string(), nullable=False),  # a scene's id, or the alias of a service
    pa.field("source", pa.string(), nullable=False),  # alias; empty if the config has no source
    pa.field("finest_gsd", pa.float64(), nullable=False),  # metres; 0 if it is unknown
    pa.field("coarsest_gsd", pa.float64(), nullable=False),  # metres; infinite if it is unknown
    pa.field("geometry", pa.binary(), nullable=False),  # no image of the source lies outside
    geometry=True,
)
"""Where each source may show something, known before a service is asked."""

ELIGIBLE = table(
    "eligible",
    pa.field("object_id", pa.string(), nullable=False),
    # the centre of its box, which decides the object's cell; null if it has no geometry
    pa.field("lon", pa.float64()),
    pa.field("lat", pa.float64()),
    pa.field("draw", pa.float64(), nullable=False),  # from [0, 1); sample takes low numbers first
    # its tags that a source can show here, as key=value; empty if status is not ok
    pa.field("tags", pa.list_(pa.string()), nullable=False),
    # its other tags that can be seen from above
    pa.field("unseen", pa.list_(pa.string()), nullable=False),
    *STATUS,
)
"""For each row of ``boxes``, whether a source can show it, so that it may get a tile."""

FOCUS = table(
    "focus",
    *OBJECT,
    pa.field("chosen_by", pa.string(), nullable=False),  # cell, rare, balanced or all
    # the cell "lon/lat", or the "key=value" that is rare or that was balanced; null if all
    pa.field("chosen_for", pa.string()),
    geometry=True,
)
"""The objects that get a tile; all other objects are context for the tiles of neighbours."""
