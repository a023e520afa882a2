"""The tables of texts: the tags and statements of images, captions, pairs, and their scores."""

from __future__ import annotations

import pyarrow as pa

from stages.tables.columns import NULLABLE_BOX, STATUS, TAGS, table

NEIGHBOUR = pa.struct(
    [
        pa.field("object_id", pa.string(), nullable=False),
        pa.field("tags", TAGS, nullable=False),  # the tags that are visible at the image's GSD
        pa.field("share", pa.float64(), nullable=False),  # part of the tile that it covers, 0 to 1
        pa.field("distance", pa.float64(), nullable=False),  # metres from the tile's centre
    ]
)

META = table(
    "meta",
    pa.field("object_id", pa.string(), nullable=False),
    pa.field("filepath", pa.string()),  # null if status is not ok
    pa.field("metapath", pa.string()),  # meta3/a12_CH_19.pickle; null likewise
    pa.field("meta_size", pa.int64()),  # bytes of that pickle; null likewise
    pa.field("meta_hash", pa.string()),  # blake2b-128 of that pickle, hex; null likewise
    pa.field("source", pa.string()),
    pa.field("gsd", pa.float64()),
    *NULLABLE_BOX,
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

STATEMENTS = table(
    "statements",
    pa.field("statement_id", pa.string(), nullable=False),  # object_id/kind/digest
    pa.field("object_id", pa.string(), nullable=False),  # of the image
    pa.field("filepath", pa.string(), nullable=False),
    pa.field("kind", pa.string(), nullable=False),  # count, direction, ask_count, not_count ...
    pa.field("role", pa.string(), nullable=False),  # statement, question, negative (it is false)
    pa.field("text", pa.string(), nullable=False),
    pa.field("answer", pa.string()),  # of a question; null otherwise
    pa.field("true_text", pa.string()),  # what a negative twists; null otherwise
    # what the text says, as its kind's module defines it: count(tennis court) = 3; of a negative,
    # this is false; of a question, it is what the answer says
    pa.field("claim", pa.string(), nullable=False),
    pa.field("rests_on", pa.list_(pa.string()), nullable=False),  # the OSM objects
    # their parts in the image: WKB, x and y in pixels from the top left corner, y downwards
    pa.field("geometry", pa.binary(), nullable=False),
    pa.field("box", pa.list_(pa.float64()), nullable=False),  # left, top, right, bottom in pixels
    pa.field("bins", pa.list_(pa.int32()), nullable=False),  # the same in 0 to 1000
)
"""Sentences on the images that the geometry of their objects proves; many a row of `meta`."""

CAPTIONS = table(
    "captions",
    pa.field("object_id", pa.string(), nullable=False),
    pa.field("filepath", pa.string()),  # null if status is not ok
    pa.field("title", pa.string()),
    pa.field("title_multi_objects", pa.string()),
    # composed of the title and of statements; null if the run makes no statements
    pa.field("title_short", pa.string()),  # at most 77 tokens of CLIP
    pa.field("title_long", pa.string()),  # at most 248
    # CLIP's tokens of each, with both ends; at most, of words that no shipped phrase uses
    pa.field("tokens", pa.int32()),
    pa.field("tokens_multi_objects", pa.int32()),
    pa.field("tokens_short", pa.int32()),
    pa.field("tokens_long", pa.int32()),
    *STATUS,
)
"""The images with their captions."""

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

SCORES = table("scores", pa.field("object_id", pa.string(), nullable=False), *_SCORE)
"""The similarity of each image to its captions, under one model."""

PAIRS = table(
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

PAIR_SCORES = table("pair_scores", pa.field("row", pa.int64(), nullable=False), *_SCORE)
"""The same similarities for pairs from outside a run."""

_NORMALISED = [
    pa.field("scorer", pa.string(), nullable=False),
    pa.field("normalised", pa.float32()),  # of the title's score; null if there is none
]

NORMALISED = table("normalised", pa.field("object_id", pa.string(), nullable=False), *_NORMALISED)
"""The similarity of image and title minus their mean similarity to random partners."""

PAIR_NORMALISED = table(
    "pair_normalised", pa.field("row", pa.int64(), nullable=False), *_NORMALISED
)
"""The same differences for pairs from outside a run."""
