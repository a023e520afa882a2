"""Every table that passes between stages: the contract.

Coordinates are WGS 84 degrees, geometries WKB, times UTC. ``status`` is ``ok``, ``filtered``
(final) or ``failed`` (may be retried); ``reason`` is a short sentence part, null where the row is
ok. From ``focus`` on, part *i* of every table holds the same ``object_id``s.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa

from pipeline.atomic import content_id_of_file
from pipeline.schema import Table
from pipeline.stage import Owned

TAGS = pa.map_(pa.string(), pa.string())

_GEO = {
    b"geo": json.dumps(
        {
            "version": "1.1.0",
            "primary_column": "geometry",
            "columns": {"geometry": {"encoding": "WKB", "geometry_types": []}},
        }
    ).encode()
}

_BOX = [
    pa.field("west", pa.float64(), nullable=False),
    pa.field("south", pa.float64(), nullable=False),
    pa.field("east", pa.float64(), nullable=False),
    pa.field("north", pa.float64(), nullable=False),
]
_NULLABLE_BOX = [field.with_nullable(True) for field in _BOX]
STATUS = [
    pa.field("status", pa.string(), nullable=False),
    pa.field("reason", pa.string()),
]
_OBJECT = [
    pa.field("object_id", pa.string(), nullable=False),  # n12, w12, a12 or r12
    pa.field("kind", pa.string(), nullable=False),  # n node, w line, a area, r multipolygon
    pa.field("osm_id", pa.int64(), nullable=False),  # the id of the node, way or relation
    pa.field("geometry", pa.binary()),  # null where status is not ok
    *_NULLABLE_BOX,  # null where there is no geometry
    pa.field("tags", TAGS, nullable=False),  # all of them, in OSM's order
]

OBJECTS = Table(
    "objects",
    pa.schema(
        [
            *_OBJECT,
            pa.field("osm_version", pa.int32()),  # null where the extract does not carry it
            pa.field("changed", pa.timestamp("s", tz="UTC")),  # null likewise
            pa.field("geom_rule", pa.string(), nullable=False),  # why node, line or area
            *STATUS,
        ],
        metadata=_GEO,
    ),
    key="object_id",
)
"""An OSM object that carries a key of the vocabulary, in Hilbert order of its centre."""

VOCAB = Table(
    "vocab",
    pa.schema(
        [
            pa.field("tag", pa.string(), nullable=False),  # key=value; % and = of a key escaped
            pa.field("key", pa.string(), nullable=False),
            pa.field("value", pa.string(), nullable=False),  # * all values of an invisible key
            # how many carry it; 0 of a label of the user's that none carries
            pa.field("objects", pa.int64(), nullable=False),
            pa.field("kinds", pa.string(), nullable=False),  # those objects' kinds, as in "anw"
            pa.field("groundable", pa.bool_(), nullable=False),
            pa.field("probability", pa.float64(), nullable=False),  # 0 or 1 unless by model
            pa.field("source", pa.string(), nullable=False),  # own, label, model, key or default
            pa.field("max_gsd", pa.float64()),  # metres a pixel; null if not groundable
            pa.field("phrase", pa.string()),  # as captions say it; null for all values of a key
            pa.field("current", pa.string()),  # today's spelling of an old tag, else null
            pa.field("reason", pa.string(), nullable=False),  # what shows it, or why nothing does
        ]
    ),
    key="tag",
)
"""A tag of the run's own objects, visible or not and why: no object's tag is without a row."""

FOCUS = Table(
    "focus",
    pa.schema(
        [
            *_OBJECT,
            pa.field("chosen_by", pa.string(), nullable=False),  # cell, rare or all
            pa.field("chosen_for", pa.string()),  # the cell "lon/lat" or the rare "key=value"
        ],
        metadata=_GEO,
    ),
    key="object_id",
)
"""An object that gets a tile of its own; all others are context for their neighbours' tiles."""

SCENES = Table(
    "scenes",
    pa.schema(
        [
            pa.field("scene_id", pa.string(), nullable=False),  # alias/name, unique
            pa.field("source", pa.string(), nullable=False),  # alias: CH, US, SIM ...
            pa.field("backend", pa.string(), nullable=False),  # folder, earth_engine ...
            pa.field("name", pa.string(), nullable=False),  # a file's path in its folder, an asset
            pa.field("geometry", pa.binary(), nullable=False),  # footprint of what can be read
            *_BOX,
            pa.field("gsd", pa.float64(), nullable=False),  # metres on the ground a pixel
            pa.field("acquired", pa.timestamp("s", tz="UTC"), nullable=False),
            pa.field("time_precision", pa.string(), nullable=False),  # minute, day, year, range
            pa.field("weight", pa.float64(), nullable=False),  # the source's, for the draw
            pa.field("cloud", pa.float64()),  # percent; null where the source does not say it
            # addresses of its files; null where the name alone leads to them
            pa.field("hrefs", pa.list_(pa.string())),
            pa.field("content", pa.string()),  # id of its file; null where it is not ours
            # of its own pixels, where a service says it; null where its file does
            pa.field("crs", pa.string()),
            pa.field("transform", pa.list_(pa.float64())),  # x = a col + b row + c, y = d ...
            # of its file, where a service says it; null where the file does
            pa.field("bands", pa.list_(pa.int32())),  # red, green, blue; counted from 1
            pa.field("offsets", pa.list_(pa.float64())),  # samples of the three that mean 0
            pa.field("nodata", pa.float64()),  # the sample that means no data
        ],
        metadata=_GEO,
    ),
    key="scene_id",
)
"""An image that tiles can be cut from: the one index of every backend."""

CANDIDATE = pa.struct(
    [
        pa.field("scene_id", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("gsd", pa.float64(), nullable=False),
        pa.field("width", pa.int32(), nullable=False),  # pixels
        pa.field("height", pa.int32(), nullable=False),
        *_BOX,  # exact on the EPSG:3857 grid
        # further scenes that fill what the first leaves open; null where it shows all
        pa.field("others", pa.list_(pa.string())),
    ]
)

TILES = Table(
    "tiles",
    pa.schema(
        [
            pa.field("object_id", pa.string(), nullable=False),
            pa.field("part", pa.int8(), nullable=False),  # 2 to 7: the folder's number
            pa.field("centred", pa.bool_(), nullable=False),  # the object is in the very centre
            # the drawn one first, then the fall-backs; empty where status is not ok
            pa.field("candidates", pa.list_(CANDIDATE), nullable=False),
            *STATUS,
        ]
    ),
    key="object_id",
)
"""A tile to fetch for a focus object."""

IMAGES = Table(
    "images",
    pa.schema(
        [
            pa.field("object_id", pa.string(), nullable=False),
            # the rest is null where status is not ok
            pa.field("filepath", pa.string()),  # images3/a12_CH_19.jpg, from the run folder
            pa.field("source", pa.string()),
            pa.field("scene_id", pa.string()),
            pa.field("gsd", pa.float64()),
            pa.field("width", pa.int32()),
            pa.field("height", pa.int32()),
            *_NULLABLE_BOX,  # the true box of the pixels; on a native grid: one that they hold
            # of a native grid; null where the box on the EPSG:3857 grid tells it all
            pa.field("crs", pa.string()),
            pa.field("transform", pa.list_(pa.float64())),  # x = a col + b row + c, y = d ...
            pa.field("acquired", pa.timestamp("s", tz="UTC")),
            pa.field("time_precision", pa.string()),
            pa.field("nodata_share", pa.float64()),  # 0 to 1
            # by the pixels alone, each 0 to 1; skyscript.imagery.fitness says what they measure
            pa.field("blank_share", pa.float64()),  # black or white, or all of one colour
            pa.field("cloud_share", pa.float64()),  # bright, grey and even
            pa.field("haze", pa.float64()),  # a grey veil over the tile
            pa.field("sharpness", pa.float64()),  # fine detail over coarse detail
            pa.field("others", pa.list_(pa.string())),  # of a mosaic: the scenes below the first
            pa.field("byte_size", pa.int64()),
            pa.field("content_hash", pa.string()),  # blake2b-128 of the JPEG, hex
            # the class of what kept it from being fetched: no_imagery, busy ...; null where ok
            pa.field("error", pa.string()),
            *STATUS,
        ]
    ),
    key="object_id",
)
"""A fetched image."""

NEIGHBOUR = pa.struct(
    [
        pa.field("object_id", pa.string(), nullable=False),
        pa.field("tags", TAGS, nullable=False),  # those that can be seen at the image's GSD
        pa.field("share", pa.float64(), nullable=False),  # of the tile that it covers, 0 to 1
        pa.field("distance", pa.float64(), nullable=False),  # metres from the tile's centre
    ]
)

META = Table(
    "meta",
    pa.schema(
        [
            pa.field("object_id", pa.string(), nullable=False),
            pa.field("filepath", pa.string()),  # null where status is not ok
            pa.field("metapath", pa.string()),  # meta3/a12_CH_19.pickle; null likewise
            pa.field("meta_size", pa.int64()),  # bytes of that pickle; null likewise
            pa.field("source", pa.string()),
            pa.field("gsd", pa.float64()),
            *_NULLABLE_BOX,
            pa.field("acquired", pa.timestamp("s", tz="UTC")),
            pa.field("center_tags", TAGS, nullable=False),  # today's spelling; a;b where two show
            # key=value -> why it is not there: all other tags of the focus object; null where
            # the image is not ok
            pa.field("left_out", TAGS),
            pa.field("surrounding", pa.list_(NEIGHBOUR), nullable=False),  # nearest first
            *STATUS,
        ]
    ),
    key="object_id",
)
"""An image with what OSM says can be seen in it."""

CAPTIONS = Table(
    "captions",
    pa.schema(
        [
            pa.field("object_id", pa.string(), nullable=False),
            pa.field("filepath", pa.string()),  # null where status is not ok
            pa.field("title", pa.string()),
            pa.field("title_multi_objects", pa.string()),
            *STATUS,
        ]
    ),
    key="object_id",
)
"""An image with its two captions."""

_SCORE = [
    pa.field("filepath", pa.string()),  # null where status is not ok upstream
    pa.field("scorer", pa.string(), nullable=False),  # CLIP_openai: what CSV columns are named by
    # cosines, -1 to 1; null where status is not ok, or where there is no such caption
    pa.field("similarity", pa.float32()),  # of the image and its title
    pa.field("similarity_multi_objects", pa.float32()),
    # cosines of the phrases after "surrounded by", in order; null where they were not asked for
    pa.field("phrases", pa.list_(pa.float32())),
    pa.field("content_hash", pa.string()),  # blake2b-128 of the image file, hex; null where unread
    pa.field("image_hash", pa.string()),  # 64 bits in hex that images nearly alike share; likewise
    pa.field("vectors", pa.string(), nullable=False),  # their folder, below embeddings/
    *STATUS,
]

SCORES = Table(
    "scores",
    pa.schema([pa.field("object_id", pa.string(), nullable=False), *_SCORE]),
    key="object_id",
)
"""How alike an image and its captions are, under one model."""

PAIRS = Table(
    "pairs",
    pa.schema(
        [
            pa.field("row", pa.int64(), nullable=False),  # of the captions file or shards, from 0
            pa.field("filepath", pa.string(), nullable=False),  # from the folder of the images
            pa.field("title", pa.string()),
            pa.field("title_multi_objects", pa.string()),
            pa.field("origin", pa.string()),  # a tar and its content id; null: a captions file
        ]
    ),
    key="row",
)
"""A pair from outside: a row of a captions file, or a sample of a WebDataset shard."""

PAIR_SCORES = Table(
    "pair_scores",
    pa.schema([pa.field("row", pa.int64(), nullable=False), *_SCORE]),
    key="row",
)
"""The same of a pair from outside."""

_NORMALISED = [
    pa.field("scorer", pa.string(), nullable=False),
    pa.field("normalised", pa.float32()),  # of the title's score; null where there is none
]

NORMALISED = Table(
    "normalised",
    pa.schema([pa.field("object_id", pa.string(), nullable=False), *_NORMALISED]),
    key="object_id",
)
"""How much more alike an image and its title are than each is to random partners."""

PAIR_NORMALISED = Table(
    "pair_normalised",
    pa.schema([pa.field("row", pa.int64(), nullable=False), *_NORMALISED]),
    key="row",
)
"""The same of a pair from outside."""

FILES = Table(
    "files",
    pa.schema(
        [
            pa.field("filepath", pa.string(), nullable=False),  # from the run folder
            pa.field("rows", pa.int64(), nullable=False),
            pa.field("byte_size", pa.int64(), nullable=False),
            pa.field("content_hash", pa.string(), nullable=False),
        ]
    ),
    key="filepath",
)
"""A file for readers outside the pipeline: the unfiltered CSV."""

REPORT = Table("report", FILES.schema, key="filepath")
"""The report's files."""

FILTERED = Table("filtered", FILES.schema, key="filepath")
"""The filtered CSVs and the filter's report."""

SCORED = Table("scored", FILES.schema, key="filepath")
"""The captions file with its scores."""


def files_written(root: Path, rows: Mapping[str, int]) -> pa.Table:
    """Give the rows of files in a run folder, named with how many rows each holds."""
    return pa.table(
        {
            "filepath": list(rows),
            "rows": list(rows.values()),
            "byte_size": [(root / name).stat().st_size for name in rows],
            "content_hash": [content_id_of_file(root / name) for name in rows],
        },
        schema=FILES.schema,
    )


def owned_files(*globs: str | None) -> tuple[Owned, ...]:
    """Give what a stage with a table of files owns: see `Owned` for the globs."""
    return tuple(Owned(glob, "filepath", "byte_size") for glob in globs)
