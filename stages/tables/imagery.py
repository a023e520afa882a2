"""The tables of images: those of the sources, the tiles, and the shift between map and image."""

from __future__ import annotations

import pyarrow as pa

from stages.tables.columns import BOX, NULLABLE_BOX, SIDES, STATUS, table

SCENES = table(
    "scenes",
    pa.field("scene_id", pa.string(), nullable=False),  # alias/name, unique
    pa.field("source", pa.string(), nullable=False),  # alias: CH, US, SIM ...
    pa.field("backend", pa.string(), nullable=False),  # folder, earth_engine ...
    pa.field("name", pa.string(), nullable=False),  # a file's path in its folder, an asset
    pa.field("geometry", pa.binary(), nullable=False),  # footprint of the readable pixels
    *BOX,
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
        *BOX,  # exact on the EPSG:3857 grid
        # further scenes that fill gaps of the first scene; null if there are no gaps
        pa.field("others", pa.list_(pa.string())),
    ]
)

TILES = table(
    "tiles",
    pa.field("object_id", pa.string(), nullable=False),
    pa.field("part", pa.int8(), nullable=False),  # 2 to 7: the folder's number
    pa.field("centred", pa.bool_(), nullable=False),  # the object is exactly in the centre
    # the drawn one, then the fall-backs; empty if status is not ok
    pa.field("candidates", pa.list_(CANDIDATE), nullable=False),
    *NULLABLE_BOX,  # around the tiles of all candidates; null if status is not ok
    *STATUS,
    ranges=SIDES,
)
"""The tile to fetch for each focus object."""

IN_FILES, IN_TARS = "files", "tars"
LAYOUT = table("layout", pa.field("layout", pa.string(), nullable=False))  # files, or tars
"""How the images of the run are stored: one row."""

IMAGES = table(
    "images",
    pa.field("object_id", pa.string(), nullable=False),
    # these are null if status is not ok
    pa.field("filepath", pa.string()),  # images3/a12_CH_19.jpg, from the run folder
    pa.field("source", pa.string()),
    pa.field("scene_id", pa.string()),
    pa.field("gsd", pa.float64()),
    pa.field("width", pa.int32()),
    pa.field("height", pa.int32()),
    *NULLABLE_BOX,  # box of the pixels; on a native grid, a box inside them
    # of a native grid; null on the EPSG:3857 grid, because the box is enough
    pa.field("crs", pa.string()),
    pa.field("transform", pa.list_(pa.float64())),  # x = a col + b row + c, y = d ...
    pa.field("acquired", pa.timestamp("s", tz="UTC")),
    pa.field("time_precision", pa.string()),
    pa.field("nodata_share", pa.float64()),  # 0 to 1
    # from the pixels alone, each 0 to 1; skyscript.imagery.fitness says what they measure
    pa.field("blank_share", pa.float64()),  # black or white, or all of one colour
    pa.field("cloud_share", pa.float64()),  # bright, grey and even
    pa.field("broken_cloud_share", pa.float64()),  # small clouds over the ground; 0 below 5 m
    pa.field("haze", pa.float64()),  # a grey veil over the tile
    pa.field("sharpness", pa.float64()),  # fine detail over coarse detail
    pa.field("others", pa.list_(pa.string())),  # of a mosaic: the scenes under the first one
    pa.field("byte_size", pa.int64()),
    pa.field("content_hash", pa.string()),  # blake2b-128 of the JPEG, hex
    # if the image is a member of a tar, and no file; else null
    pa.field("tar", pa.string()),  # image_tars/00012.tar, from the run folder
    pa.field("tar_offset", pa.int64()),  # of the first byte of the JPEG
    pa.field("tar_size", pa.int64()),  # bytes of the tar
    pa.field("tar_hash", pa.string()),  # blake2b-128 of the tar, hex
    # class of the error that prevented the fetch: no_imagery, busy ...; null if ok
    pa.field("error", pa.string()),
    *STATUS,
)
"""The fetched images."""

MATCH = table(
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

SCENE_SHIFTS = table(
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
