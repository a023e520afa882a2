"""Why no object is eligible: what a user must change in the config, the sources or the extract."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from pipeline.parquet_files import run_of
from pipeline.schema import STATUS_OK
from skyscript.geo.bbox import Sides, pieces_of
from skyscript.geo.tile import Box
from skyscript.imagery.places import (
    bounding_box,
    how_far_apart,
    nothing_near,
    occupied_places,
    places_within,
)
from skyscript.osm.shapes import WaysRead
from skyscript.osm.tags import tags_of
from skyscript.osm.underground import hidden_from_above
from skyscript.vocabulary import run_vocabulary
from stages.eligible.config import EligibleConfig
from stages.eligible.outside import lie_outside

NO_TAG = (
    "no object of the extract carries a tag that can be seen from above: take a larger extract or "
    "another place"
)


def why_none(
    boxes: ds.Dataset,
    outlines: ds.Dataset,
    vocab: ds.Dataset,
    ways: ds.FileSystemDataset | None = None,
    nodes: ds.FileSystemDataset | None = None,
    *,
    config: EligibleConfig,
) -> str:
    """Say in a sentence why no object is eligible."""
    words = run_vocabulary(vocab)
    read = WaysRead.of(ways, nodes, run_of(nodes)) if nodes else None
    if config.bbox is not None and not any(map(len, _batches(boxes, config.bbox, read))):
        return (
            f"no object of the extract lies in `bbox` ({_in_words(config.bbox)}); the objects lie "
            f"in W S E N {_in_words(bounding_box(occupied_places(boxes)))}"
        )
    tags = _tags_of(boxes, config.bbox, read)
    gsds = (words.max_gsd(each) or 0.0 for each in tags if not hidden_from_above(each))
    coarsest = max(gsds, default=0.0)
    if not coarsest:
        return NO_TAG
    areas = outlines.to_table(columns=["source", "geometry", "finest_gsd"])
    gsd = pc.min(areas["finest_gsd"]).as_py()
    if coarsest * config.gsd_slack < gsd:
        slack = math.ceil(10 * gsd / coarsest) / 10
        return (
            f"no source is sharp enough for any object of the extract: the finest GSD is {gsd:g} "
            f"m, and no tag can be seen above {coarsest:g} m. Add a sharper source, or set "
            f"`gsd_slack` to {slack:g} or more"
        )
    if apart := _apart(boxes, areas, config.bbox):
        return nothing_near(apart)
    return (
        "no source can show any object of the extract where the object lies: they are too small or "
        f"too large in its images, or its images are too coarse there (the finest GSD is {gsd:g} "
        "m). Add another source, lower `min_extent`, or raise `max_side` or `gsd_slack`; the table "
        "`eligible` has the reason for each object"
    )


def _tags_of(
    boxes: ds.Dataset, bbox: Sides | None, read: WaysRead | None
) -> Iterator[dict[str, str]]:
    for rows in _batches(boxes, bbox, read):
        yield from map(dict, tags_of(rows["tags"]))


def _batches(boxes: ds.Dataset, bbox: Sides | None, read: WaysRead | None) -> Iterator[pa.Table]:
    """Yield the objects that are ok and in the box of the run, if it has one."""
    is_ok = pc.field("status") == STATUS_OK
    columns = ["tags"] if bbox is None else ["tags", "kind", "osm_id", "geometry", *Box._fields]
    for batch in boxes.to_batches(columns=columns, filter=is_ok, batch_size=20_000):
        rows = pa.Table.from_batches([batch])
        yield rows if bbox is None else rows.filter(pa.array(~lie_outside(rows, bbox, read)))


def _apart(boxes: ds.Dataset, areas: pa.Table, bbox: Sides | None) -> dict[str, str]:
    """Say for each source how far it is from the objects; nothing if one touches them."""
    places = occupied_places(boxes)
    if bbox is not None:
        places = [each for piece in pieces_of(bbox) for each in places_within(places, piece)]
    found = {}
    for alias in sorted(set(areas["source"].to_pylist())):
        own = areas.filter(pc.equal(areas["source"], alias))
        apart = how_far_apart(own["geometry"].to_pylist(), places)
        if apart is None:
            return {}
        found[alias] = apart
    return found


def _in_words(box: Sequence[float]) -> str:
    return " ".join(f"{side:g}" for side in box)
