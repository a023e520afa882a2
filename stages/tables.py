"""Every table that passes between stages: the contract.

Coordinates are WGS 84 degrees, geometries WKB, times UTC. ``status`` is ``ok``, ``filtered``
(final) or ``failed`` (may be retried); ``reason`` is a short phrase, null if the row is ok. From
``focus`` on, part *i* of every table has the same ``object_id``s.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from pipeline.atomic import content_id_of_file
from pipeline.schema import Table
from pipeline.stage import Owned

TAGS = pa.map_(pa.string(), pa.string())

_GEOMETRY = {"encoding": "WKB", "geometry_types": []}
_COVERING = {
    "covering": {"bbox": {side: ["bbox", side] for side in ("xmin", "ymin", "xmax", "ymax")}}
}
BBOX = pa.struct([pa.field(side, pa.float64()) for side in ("xmin", "ymin", "xmax", "ymax")])
"""The box of a geometry as GeoParquet 1.1 wants it, so that readers skip what lies elsewhere."""


def _geo(fields: Sequence[pa.Field]) -> dict[bytes, bytes]:
    """Give the GeoParquet metadata of a table with the column ``geometry``, in WGS 84."""
    has_boxes = any(field.name == "bbox" for field in fields)
    column = _GEOMETRY | (_COVERING if has_boxes else {})
    described = {
        "version": "1.1.0",
        "primary_column": "geometry",
        "columns": {"geometry": column},
    }
    return {b"geo": json.dumps(described).encode()}


_BOX = [pa.field(edge, pa.float64(), nullable=False) for edge in ("west", "south", "east", "north")]
_SIDES = tuple(field.name for field in _BOX)
_NULLABLE_BOX = [field.with_nullable(True) for field in _BOX]
STATUS = [
    pa.field("status", pa.string(), nullable=False),
    pa.field("reason", pa.string()),
]
_OBJECT = [
    pa.field("object_id", pa.string(), nullable=False),  # n12, w12, a12 or r12
    pa.field("kind", pa.string(), nullable=False),  # n node, w line, a area, r multipolygon
    pa.field("osm_id", pa.int64(), nullable=False),  # the id of the node, way or relation
    pa.field("geometry", pa.binary()),  # null if status is not ok
    *_NULLABLE_BOX,  # null if there is no geometry
    pa.field("tags", TAGS, nullable=False),  # all of them, in OSM's order
]


def _table(
    name: str, *fields: pa.Field, geometry: bool = False, ranges: tuple[str, ...] = ()
) -> Table:
    """Define a table whose key is its first column; ``geometry`` adds the GeoParquet metadata."""
    schema = pa.schema(fields, metadata=_geo(fields) if geometry else None)
    return Table(name, schema, fields[0].name, ranges)


OBJECTS = _table(
    "objects",
    *_OBJECT,
    pa.field("osm_version", pa.int32()),  # null if the extract lacks it
    pa.field("changed", pa.timestamp("s", tz="UTC")),  # null likewise
    pa.field("geom_rule", pa.string(), nullable=False),  # the rule for node, line or area
    *STATUS,
    pa.field("bbox", BBOX),  # west ... north again, for readers of GeoParquet
    geometry=True,
    ranges=_SIDES,
)
"""OSM objects that have a key of the vocabulary, in Hilbert order of their centres."""

VOCAB = _table(
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

OUTLINES = _table(
    "outlines",
    pa.field("outline", pa.string(), nullable=False),  # a scene's id, or the alias of a service
    pa.field("source", pa.string(), nullable=False),  # alias; empty if the config has no source
    pa.field("finest_gsd", pa.float64(), nullable=False),  # metres; 0 if it is unknown
    pa.field("coarsest_gsd", pa.float64(), nullable=False),  # metres; infinite if it is unknown
    pa.field("geometry", pa.binary(), nullable=False),  # no image of the source lies outside
    geometry=True,
)
"""Where each source may show something, known before a service is asked."""

ELIGIBLE = _table(
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
"""For each object, whether a source can show it, so that it may get a tile."""

FOCUS = _table(
    "focus",
    *_OBJECT,
    pa.field("chosen_by", pa.string(), nullable=False),  # cell, rare, balanced or all
    # the cell "lon/lat", or the "key=value" that is rare or that was balanced; null if all
    pa.field("chosen_for", pa.string()),
    geometry=True,
)
"""The objects that get a tile; all other objects are context for the tiles of neighbours."""

SCENES = _table(
    "scenes",
    pa.field("scene_id", pa.string(), nullable=False),  # alias/name, unique
    pa.field("source", pa.string(), nullable=False),  # alias: CH, US, SIM ...
    pa.field("backend", pa.string(), nullable=False),  # folder, earth_engine ...
    pa.field("name", pa.string(), nullable=False),  # a file's path in its folder, an asset
    pa.field("geometry", pa.binary(), nullable=False),  # footprint of the readable pixels
    *_BOX,
    pa.field("gsd", pa.float64(), nullable=False),  # metres on the ground for each pixel
    pa.field("acquired", pa.timestamp("s", tz="UTC"), nullable=False),
    pa.field("time_precision", pa.string(), nullable=False),  # minute, day, year, range
    pa.field("weight", pa.float64(), nullable=False),  # of the source, for the random draw
    pa.field("cloud", pa.float64()),  # percent; null if unknown
    # URLs of its files; null if the name is enough to find them
    pa.field("hrefs", pa.list_(pa.string())),
    pa.field("content", pa.string()),  # id of a local file; null for a remote one
    # of the pixels, if a service gives it; null if the file contains it
    pa.field("crs", pa.string()),
    pa.field("transform", pa.list_(pa.float64())),  # x = a col + b row + c, y = d ...
    # of the file, if a service states it; null if the file contains it
    pa.field("bands", pa.list_(pa.int32())),  # red, green, blue; counted from 1
    pa.field("offsets", pa.list_(pa.float64())),  # samples of the three that mean 0
    pa.field("nodata", pa.float64()),  # the sample that means no data
    geometry=True,
    ranges=("scene_id",),
)
"""The images that tiles are cut from: one index for all backends."""

CANDIDATE = pa.struct(
    [
        pa.field("scene_id", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("gsd", pa.float64(), nullable=False),
        pa.field("width", pa.int32(), nullable=False),  # pixels
        pa.field("height", pa.int32(), nullable=False),
        *_BOX,  # exact on the EPSG:3857 grid
        # further scenes that fill gaps of the first scene; null if there are no gaps
        pa.field("others", pa.list_(pa.string())),
    ]
)

TILES = _table(
    "tiles",
    pa.field("object_id", pa.string(), nullable=False),
    pa.field("part", pa.int8(), nullable=False),  # 2 to 7: the folder's number
    pa.field("centred", pa.bool_(), nullable=False),  # the object is exactly in the centre
    # the drawn one, then the fall-backs; empty if status is not ok
    pa.field("candidates", pa.list_(CANDIDATE), nullable=False),
    *STATUS,
)
"""The tile to fetch for each focus object."""

IMAGES = _table(
    "images",
    pa.field("object_id", pa.string(), nullable=False),
    # these are null if status is not ok
    pa.field("filepath", pa.string()),  # images3/a12_CH_19.jpg, from the run folder
    pa.field("source", pa.string()),
    pa.field("scene_id", pa.string()),
    pa.field("gsd", pa.float64()),
    pa.field("width", pa.int32()),
    pa.field("height", pa.int32()),
    *_NULLABLE_BOX,  # box of the pixels; on a native grid, a box inside them
    # of a native grid; null on the EPSG:3857 grid, because the box is enough
    pa.field("crs", pa.string()),
    pa.field("transform", pa.list_(pa.float64())),  # x = a col + b row + c, y = d ...
    pa.field("acquired", pa.timestamp("s", tz="UTC")),
    pa.field("time_precision", pa.string()),
    pa.field("nodata_share", pa.float64()),  # 0 to 1
    # from the pixels alone, each 0 to 1; skyscript.imagery.fitness says what they measure
    pa.field("blank_share", pa.float64()),  # black or white, or all of one colour
    pa.field("cloud_share", pa.float64()),  # bright, grey and even
    pa.field("haze", pa.float64()),  # a grey veil over the tile
    pa.field("sharpness", pa.float64()),  # fine detail over coarse detail
    pa.field("others", pa.list_(pa.string())),  # of a mosaic: the scenes under the first one
    pa.field("byte_size", pa.int64()),
    pa.field("content_hash", pa.string()),  # blake2b-128 of the JPEG, hex
    # class of the error that prevented the fetch: no_imagery, busy ...; null if ok
    pa.field("error", pa.string()),
    *STATUS,
)
"""The fetched images."""

MATCH = _table(
    "match",
    pa.field("object_id", pa.string(), nullable=False),
    pa.field("source", pa.string()),  # null if the image is not ok, as in all columns below
    pa.field("scene_id", pa.string()),
    # how well the edges of the image and of the map agree at the best shift: a correlation, up to 1
    pa.field("match", pa.float64()),
    # that shift: metres to the east and to the north by which the map must move to fit the image
    pa.field("dx_m", pa.float64()),
    pa.field("dy_m", pa.float64()),
    # probability that the shift is right to a metre, or to half a pixel if that is more
    pa.field("match_confidence", pa.float64()),
    pa.field("edge_m", pa.float64()),  # metres of the map's edges in the image
    pa.field("no_match", pa.string()),  # why there is no match; null if there is one
    pa.field("changed", pa.timestamp("s", tz="UTC")),  # of the object; null if the extract lacks it
    # days from the image's capture to that change, and to the start_date of the object's tags
    pa.field("date_gap_days", pa.int32()),
    pa.field("built_gap_days", pa.int32()),
    *STATUS,
)
"""How well each image and the map agree, in place and in time."""

SCENE_SHIFTS = _table(
    "scene_shifts",
    pa.field("scene_id", pa.string(), nullable=False),
    pa.field("source", pa.string(), nullable=False),
    pa.field("images", pa.int32(), nullable=False),
    pa.field("sure_images", pa.int32(), nullable=False),  # with a shift of enough confidence
    pa.field("match", pa.float64()),  # median of the images; null if none has a match
    # median shift of the sure images, in metres; null if there is none
    pa.field("dx_m", pa.float64()),
    pa.field("dy_m", pa.float64()),
    pa.field("spread_m", pa.float64()),  # median distance of their shifts from their median
    pa.field("no_shift", pa.string()),  # why there is no shift; null if there is one
    pa.field("corrected", pa.bool_(), nullable=False),  # the boxes in `meta` are moved by it
)
"""The shift on which the images of each scene agree."""

NEIGHBOUR = pa.struct(
    [
        pa.field("object_id", pa.string(), nullable=False),
        pa.field("tags", TAGS, nullable=False),  # the tags that are visible at the image's GSD
        pa.field("share", pa.float64(), nullable=False),  # part of the tile that it covers, 0 to 1
        pa.field("distance", pa.float64(), nullable=False),  # metres from the tile's centre
    ]
)

META = _table(
    "meta",
    pa.field("object_id", pa.string(), nullable=False),
    pa.field("filepath", pa.string()),  # null if status is not ok
    pa.field("metapath", pa.string()),  # meta3/a12_CH_19.pickle; null likewise
    pa.field("meta_size", pa.int64()),  # bytes of that pickle; null likewise
    pa.field("meta_hash", pa.string()),  # blake2b-128 of that pickle, hex; null likewise
    pa.field("source", pa.string()),
    pa.field("gsd", pa.float64()),
    *_NULLABLE_BOX,
    pa.field("acquired", pa.timestamp("s", tz="UTC")),
    pa.field(
        "center_tags", TAGS, nullable=False
    ),  # today's spelling; a;b if two values are visible
    # all other tags of the focus object, key=value -> reason; null if
    # the image is not ok
    pa.field("left_out", TAGS),
    pa.field("surrounding", pa.list_(NEIGHBOUR), nullable=False),  # nearest first
    # whether the tile lies within the bounds of the OSM extract: of a tile over the edge, objects
    # are missing; null if the image is not ok
    pa.field("surroundings_complete", pa.bool_()),
    *STATUS,
)
"""The images with the visible tags of their OSM objects."""

STATEMENTS = _table(
    "statements",
    pa.field("statement_id", pa.string(), nullable=False),  # object_id/kind/digest
    pa.field("object_id", pa.string(), nullable=False),  # of the image
    pa.field("filepath", pa.string(), nullable=False),
    pa.field("kind", pa.string(), nullable=False),  # count, direction, cover, relation, region
    pa.field("text", pa.string(), nullable=False),
    # what the text says, as its kind's module defines it: count(tennis court) = 3
    pa.field("claim", pa.string(), nullable=False),
    pa.field("rests_on", pa.list_(pa.string()), nullable=False),  # the OSM objects
    # their parts in the image: WKB, x and y in pixels from the top left corner, y downwards
    pa.field("geometry", pa.binary(), nullable=False),
    pa.field("box", pa.list_(pa.float64()), nullable=False),  # left, top, right, bottom in pixels
    pa.field("bins", pa.list_(pa.int32()), nullable=False),  # the same in 0 to 1000
)
"""Sentences on the images that the geometry of their objects proves; many a row of `meta`."""

CAPTIONS = _table(
    "captions",
    pa.field("object_id", pa.string(), nullable=False),
    pa.field("filepath", pa.string()),  # null if status is not ok
    pa.field("title", pa.string()),
    pa.field("title_multi_objects", pa.string()),
    # CLIP's tokens of the two, with both ends; at most, of words that no shipped phrase uses
    pa.field("tokens", pa.int32()),
    pa.field("tokens_multi_objects", pa.int32()),
    *STATUS,
)
"""The images with their two captions."""

_SCORE = [
    pa.field("filepath", pa.string()),  # null if status is not ok upstream
    pa.field(
        "scorer", pa.string(), nullable=False
    ),  # CLIP_openai: part of the names of CSV columns
    # cosines, -1 to 1; null if status is not ok, or if the caption is missing
    pa.field("similarity", pa.float32()),  # of the image and its title
    pa.field("similarity_multi_objects", pa.float32()),
    # whether the caption is longer than the model's context; null if it is missing
    pa.field("cut", pa.bool_()),  # the title
    pa.field("cut_multi_objects", pa.bool_()),
    # cosines of the phrases after "surrounded by", in order; null if not requested
    pa.field("phrases", pa.list_(pa.float32())),
    pa.field("content_hash", pa.string()),  # blake2b-128 of the image file, hex; null if unread
    pa.field("image_hash", pa.string()),  # 64-bit perceptual hash in hex; likewise
    pa.field("vectors", pa.string(), nullable=False),  # their folder below embeddings/
    *STATUS,
]

SCORES = _table("scores", pa.field("object_id", pa.string(), nullable=False), *_SCORE)
"""The similarity of each image to its captions, under one model."""

PAIRS = _table(
    "pairs",
    pa.field("row", pa.int64(), nullable=False),  # of the captions file or shards, from 0
    pa.field("filepath", pa.string(), nullable=False),  # relative to the folder of the images
    pa.field("title", pa.string()),
    pa.field("title_multi_objects", pa.string()),
    pa.field(
        "origin", pa.string()
    ),  # a tar and its content id, or a digest of the images of the part
)
"""Pairs from outside a run: rows of a captions file, or samples of WebDataset shards."""

PAIR_SCORES = _table("pair_scores", pa.field("row", pa.int64(), nullable=False), *_SCORE)
"""The same similarities for pairs from outside a run."""

_NORMALISED = [
    pa.field("scorer", pa.string(), nullable=False),
    pa.field("normalised", pa.float32()),  # of the title's score; null if there is none
]

NORMALISED = _table("normalised", pa.field("object_id", pa.string(), nullable=False), *_NORMALISED)
"""The similarity of image and title minus their mean similarity to random partners."""

PAIR_NORMALISED = _table(
    "pair_normalised", pa.field("row", pa.int64(), nullable=False), *_NORMALISED
)
"""The same differences for pairs from outside a run."""

FILES = _table(
    "files",
    pa.field("filepath", pa.string(), nullable=False),  # relative to the run folder
    pa.field("rows", pa.int64(), nullable=False),
    pa.field("byte_size", pa.int64(), nullable=False),
    pa.field("content_hash", pa.string(), nullable=False),
)
"""The unfiltered CSV, for readers outside the pipeline."""

REPORT = Table("report", FILES.schema, key="filepath")
"""The report's files."""

FILTERED = Table("filtered", FILES.schema, key="filepath")
"""The filtered CSVs and the filter's report."""

SCORED = Table("scored", FILES.schema, key="filepath")
"""The captions file with its scores."""


def files_written(root: Path, rows: Mapping[str, int]) -> pa.Table:
    """Give a table of files in a run folder; ``rows`` maps each path to its number of rows."""
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
    """Give the side files of a stage whose table lists files; see `Owned` for the globs."""
    return tuple(Owned(glob, "filepath", "byte_size", "content_hash") for glob in globs)
