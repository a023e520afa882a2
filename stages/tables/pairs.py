"""The table with one record for each pair of a run: where image and captions come from."""

from __future__ import annotations

import pyarrow as pa

from stages.tables.columns import BOX, TAGS, table
from stages.tables.texts import NEIGHBOUR

PAIR_STATEMENT = pa.struct(
    [
        pa.field("statement_id", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("role", pa.string(), nullable=False),  # statement, question or negative
        pa.field("text", pa.string(), nullable=False),  # false if the role is negative
        pa.field("answer", pa.string()),  # of a question
        pa.field("true_text", pa.string()),  # what a negative twists
        pa.field("claim", pa.string(), nullable=False),
        pa.field("rests_on", pa.list_(pa.string()), nullable=False),  # the OSM objects
        pa.field("box", pa.list_(pa.float64()), nullable=False),  # left, top, right, bottom; pixels
    ]
)

PLACE = pa.struct(
    [
        pa.field("file", pa.string(), nullable=False),  # relative to the run folder
        pa.field("row", pa.int64(), nullable=False),  # below the header, from 1
    ]
)

RUN_PAIRS = table(
    "pairs",
    # the file name without suffix: a12_CH_19; every file that names a pair has it in some form
    pa.field("image_name", pa.string(), nullable=False),
    pa.field("filepath", pa.string(), nullable=False),
    pa.field("metapath", pa.string(), nullable=False),
    # the focus object
    pa.field("object_id", pa.string(), nullable=False),
    pa.field("kind", pa.string(), nullable=False),
    pa.field("osm_id", pa.int64(), nullable=False),
    pa.field("osm_version", pa.int32()),  # null if the extract lacks it
    pa.field("osm_changed", pa.timestamp("s", tz="UTC")),  # null likewise
    pa.field("chosen_by", pa.string(), nullable=False),  # why it has a tile: see `focus`
    pa.field("chosen_for", pa.string()),
    # the image it is cut from
    pa.field("source", pa.string(), nullable=False),
    pa.field("scene_id", pa.string(), nullable=False),
    pa.field("backend", pa.string(), nullable=False),
    pa.field("scene_name", pa.string(), nullable=False),  # a file's path in its folder, an asset
    pa.field("hrefs", pa.list_(pa.string())),  # URLs of its files, if the name is not enough
    pa.field("scene_content", pa.string()),  # id of a local file; null for a remote one
    pa.field("others", pa.list_(pa.string())),  # of a mosaic: the scenes under the first one
    pa.field("acquired", pa.timestamp("s", tz="UTC"), nullable=False),
    pa.field("time_precision", pa.string(), nullable=False),
    # the pixels: exact box in degrees, and grid
    *BOX,
    pa.field("width", pa.int32(), nullable=False),
    pa.field("height", pa.int32(), nullable=False),
    pa.field("gsd", pa.float64(), nullable=False),  # metres
    pa.field("crs", pa.string(), nullable=False),
    pa.field("transform", pa.list_(pa.float64()), nullable=False),  # x = a col + b row + c, y = d …
    pa.field("byte_size", pa.int64(), nullable=False),
    pa.field("content_hash", pa.string(), nullable=False),  # blake2b-128 of the JPEG, hex
    pa.field("meta_hash", pa.string(), nullable=False),  # of the pickle
    # the gate: shares and measures of the pixels, each 0 to 1; see `images`
    pa.field("nodata_share", pa.float64()),
    pa.field("blank_share", pa.float64()),
    pa.field("cloud_share", pa.float64()),
    pa.field("broken_cloud_share", pa.float64()),
    pa.field("haze", pa.float64()),
    pa.field("sharpness", pa.float64()),
    # tags: those that were kept, those that were not with the reason, those of the neighbours
    pa.field("center_tags", TAGS, nullable=False),
    pa.field("left_out", TAGS, nullable=False),
    pa.field("surrounding", pa.list_(NEIGHBOUR), nullable=False),
    pa.field("surroundings_complete", pa.bool_()),
    # captions
    pa.field("title", pa.string(), nullable=False),
    pa.field("title_multi_objects", pa.string()),
    pa.field("title_short", pa.string()),  # composed of statements; null if the run made none
    pa.field("title_long", pa.string()),  # null likewise
    pa.field("tokens", pa.int32()),
    pa.field("tokens_multi_objects", pa.int32()),
    pa.field("tokens_short", pa.int32()),
    pa.field("tokens_long", pa.int32()),
    pa.field("statements", pa.list_(PAIR_STATEMENT)),  # null if the run made none
    # scores; null if the run has none
    pa.field("scorer", pa.string()),
    pa.field("similarity", pa.float32()),
    pa.field("similarity_multi_objects", pa.float32()),
    pa.field("phrases", pa.list_(pa.float32())),
    pa.field("normalised", pa.float32()),
    pa.field("image_hash", pa.string()),  # 64-bit perceptual hash in hex
    # map and image
    pa.field("match", pa.float64()),
    pa.field("dx_m", pa.float64()),
    pa.field("dy_m", pa.float64()),
    pa.field("match_confidence", pa.float64()),
    pa.field("edge_m", pa.float64()),
    pa.field("no_match", pa.string()),
    pa.field("date_gap_days", pa.int32()),
    pa.field("built_gap_days", pa.int32()),
    # what became of it
    pa.field("split", pa.string()),  # train, val or test; null if no filtered file holds it
    pa.field("files", pa.list_(PLACE), nullable=False),  # the CSVs that hold it
    pa.field("licence", pa.string()),  # null if the list of sources does not have the source
    pa.field("licence_class", pa.string()),
    pa.field("attribution", pa.string()),
    pa.field("fingerprint", pa.string(), nullable=False),  # of all tables that the record is from
)
"""One record for each pair of a run, to which every file that names a pair leads back."""
