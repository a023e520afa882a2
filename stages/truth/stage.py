"""Truth: whether each image shows a concept, certainly does not, or nobody can tell.

Yes: enough of an object of the concept is visible. No: there is none in the image or beside it, no
object there could be one, and the map is complete enough. Unknown: all else. Images on a native
grid, which need not be north-up, get no row.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds

from pipeline.schema import STATUS_OK
from pipeline.stage import Shard, ShardStage
from skyscript.geo.nearby import FARTHEST, objects_near
from skyscript.geo.tile import Box, widened
from skyscript.osm.density import cell_of, cells_in, counts_in
from skyscript.vocabulary import run_vocabulary, vocabulary
from stages import tables
from stages.truth.completeness import Completeness
from stages.truth.config import TruthConfig
from stages.truth.showing import showing
from stages.truth.tiles import COLUMNS, NearObjects
from stages.truth.verdicts import Image, Verdict, judge

_GRID = ("width", "crs")


def truth(
    meta: pa.Table,
    images: pa.Table,
    match: pa.Table,
    objects: ds.Dataset,
    vocab: ds.Dataset,
    density: ds.Dataset,
    *,
    config: TruthConfig,
    shard: Shard,  # noqa: ARG001
) -> pa.Table:
    """Say of each ok image that is on the EPSG:3857 grid what it shows, and what it does not."""
    rows = _rows(meta, images, match)
    near = objects_near(
        objects, [widened(Box.of(row), FARTHEST + config.margin) for row in rows], COLUMNS
    )
    pieces = NearObjects(near, run_vocabulary(vocab)).pieces(rows, config)
    side = cell_of(density)
    cells = {cell for row in rows for cell in cells_in(Box.of(row), side, config.reach)}
    completeness = Completeness(counts_in(density, sorted(cells)), side, config)
    return _table(
        (row, verdict)
        for row, there in zip(rows, pieces, strict=True)
        for verdict in judge(_image(row), there, completeness, config)
    )


def _rows(meta: pa.Table, images: pa.Table, match: pa.Table) -> list[dict[str, Any]]:
    """Give the rows of the images to judge, with their width and their match."""
    grid = {row["object_id"]: row for row in images.select(["object_id", *_GRID]).to_pylist()}
    fits = dict(zip(match["object_id"].to_pylist(), match["match"].to_pylist(), strict=True))
    return [
        row | {"width": grid[row["object_id"]]["width"], "match": fits.get(row["object_id"])}
        for row in meta.to_pylist()
        if row["status"] == STATUS_OK and grid[row["object_id"]]["crs"] is None
    ]


def _image(row: Mapping[str, Any]) -> Image:
    acquired = int(row["acquired"].timestamp())
    return Image(Box.of(row), bool(row["surroundings_complete"]), row["match"], acquired)


def _own_concepts(row: Mapping[str, Any]) -> frozenset[str]:
    """Give the most specific concepts of an image's own object: what its caption names."""
    return showing(row["object_id"][0], tuple(row["center_tags"])).specific


def _table(judged: Iterator[tuple[Mapping[str, Any], Verdict]]) -> pa.Table:
    pairs = list(judged)
    ids = [row["object_id"] for row, _ in pairs]
    own = {row["object_id"]: _own_concepts(row) for row, _ in pairs}
    columns = {
        "truth_id": [
            f"{one}/{verdict.concept}" for one, (_, verdict) in zip(ids, pairs, strict=True)
        ],
        "object_id": ids,
        "filepath": [row["filepath"] for row, _ in pairs],
        "focus": [verdict.concept in own[row["object_id"]] for row, verdict in pairs],
        **{name: [getattr(verdict, name) for _, verdict in pairs] for name in Verdict._fields},
    }
    return pa.table(columns, schema=tables.TRUTH.schema)


TRUTH = ShardStage(
    "truth",
    truth,
    TruthConfig,
    reads=(tables.META, tables.IMAGES, tables.MATCH),
    looks_up=(tables.OBJECTS, tables.VOCAB, tables.DENSITY),
    writes=tables.TRUTH,
    may_be_empty=True,
    external=vocabulary,
)
