"""The focus objects of a run without a pair: at which step each was lost, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from pipeline.parquet_files import read_part
from pipeline.schema import STATUS_FAILED, STATUS_OK
from skyscript.files.names import OSM_TYPES
from skyscript.geo.tile import Box
from skyscript.imagery.protocol import Problem
from skyscript.osm.tags import Tags

NO_TILE, NO_IMAGE, UNFIT, FAILED = "no tile", "no image", "unfit image", "fetch failed"
NO_TAG, NO_CAPTION = "no visible tag", "no caption"
_STEPS = {"tiles": NO_TILE, "images": NO_IMAGE, "meta": NO_TAG, "captions": NO_CAPTION}
"""The tables in which a row first is not ok, and what the explorer calls that."""
_UNFIT = {Problem.BLANK, Problem.CLOUDY, Problem.HAZY, Problem.BLURRED}
_COLUMNS = {
    "focus": ("object_id", "kind", "osm_id", "tags", *Box._fields),
    "tiles": ("candidates", "status", "reason"),
    "images": ("filepath", "source", "gsd", "error", *Box._fields, "status", "reason"),
    "meta": ("status", "reason"),
    "captions": ("status", "reason"),
}
_MOST_TAGS, _MOST_SCENES = 5, 5


class Lost(NamedTuple):
    """A focus object without a pair."""

    object_id: str
    osm: str
    tags: Tags
    fate: str
    reason: str
    source: str | None
    """The source of its image, or of the first image that was tried."""
    gsd: float | None
    box: Box
    """The box of its image, of the first tile that was tried, or of the object."""
    filepath: str | None
    """The path of its image, if the image was fetched."""
    scenes: list[str]

    @property
    def name(self) -> str:
        """The name in the explorer's addresses."""
        return PurePosixPath(self.filepath).stem if self.filepath else self.object_id

    @property
    def title(self) -> str:
        """Its first tags."""
        shown = [f"{key}={value}" for key, value in self.tags[:_MOST_TAGS]]
        return ", ".join([*shown, *(["…"] if len(self.tags) > _MOST_TAGS else [])])

    def detail(self) -> dict[str, Any]:
        """Give what is shown of it, as plain JSON values."""
        return {
            "lost": {"step": self.fate, "reason": self.reason, "scenes tried": self.scenes},
            "object": self.object_id,
            "osm": self.osm,
            "tags": self.tags,
            "title": self.title,
            "file": self.filepath,
            "gsd": self.gsd,
            "box": [round(side, 7) for side in self.box],
        }


def count_lost(captions: ds.Dataset) -> int:
    """Count the focus objects without a pair."""
    return int(captions.count_rows(filter=pc.field("status") != STATUS_OK))


def lost_parts(given: Mapping[str, ds.Dataset]) -> Iterator[pa.Table]:
    """Yield the rows of the objects without a pair, part by part: columns ``table.column``."""
    opened = [given[name].get_fragments() for name in _COLUMNS]
    for fragments in zip(*opened, strict=True):
        columns = {
            f"{name}.{column}": values
            for (name, wanted), fragment in zip(_COLUMNS.items(), fragments, strict=True)
            for column, values in _columns(fragment, wanted, given[name].schema).items()
        }
        part = pa.table(columns)
        yield part.filter(pc.not_equal(part["captions.status"], STATUS_OK))


def _columns(
    fragment: ds.Fragment, wanted: tuple[str, ...], schema: pa.Schema
) -> dict[str, pa.ChunkedArray]:
    table = read_part(fragment, schema, list(wanted))
    return dict(zip(wanted, table.columns, strict=True))


def lost_of(row: Mapping[str, Any]) -> Lost:
    """Read a row of `lost_parts`."""
    table = next(name for name in _STEPS if row[f"{name}.status"] != STATUS_OK)
    fate = _STEPS[table]
    if table == "images":
        if row["images.status"] == STATUS_FAILED:
            fate = FAILED
        elif row["images.error"] in _UNFIT:
            fate = UNFIT
    tried = row["tiles.candidates"]
    first = tried[0] if tried else {}
    has_image = row["images.filepath"] is not None
    box = {side: row[f"images.{side}"] for side in Box._fields} if has_image else first
    return Lost(
        object_id=row["focus.object_id"],
        osm=f"{OSM_TYPES[row['focus.kind']]}/{row['focus.osm_id']}",
        tags=row["focus.tags"],
        fate=fate,
        reason=row[f"{table}.reason"] or row[f"{table}.status"],
        source=row["images.source"] or first.get("source"),
        gsd=row["images.gsd"] or first.get("gsd"),
        box=Box.of(box or {side: row[f"focus.{side}"] for side in Box._fields}),
        filepath=row["images.filepath"],
        scenes=[one["scene_id"] for one in tried[:_MOST_SCENES]],
    )
