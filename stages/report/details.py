"""What the explorer shows of one pair when it is opened."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from skyscript.files.names import OSM_TYPES
from skyscript.geo.tile import Box
from stages.report.drawings import Drawing

_PRECISION = {"year": "%Y", "range": "%Y", "day": "%Y-%m-%d"}
_SCORES = ("similarity", "similarity_multi_objects", "normalised")
_MATCH = ("match", "match_confidence", "dx_m", "dy_m", "edge_m", "date_gap_days", "built_gap_days")
_GATE = ("nodata_share", "blank_share", "cloud_share", "broken_cloud_share", "haze", "sharpness")
_SIZES = ("", "_multi_objects", "_short", "_long")
_PROVENANCE = (
    *("scene_id", "backend", "scene_name", "scene_content", "time_precision", "crs"),
    *("chosen_by", "chosen_for", "content_hash", "meta_hash", "image_hash", "fingerprint"),
    *("licence", "attribution"),
)


def detail(row: Mapping[str, Any], drawings: Iterable[Drawing]) -> dict[str, Any]:
    """Give what is shown of a row of the table ``pairs``, as plain JSON values."""
    tags = {one["object_id"]: one["tags"] for one in row["surrounding"]}
    tags[row["object_id"]] = row["center_tags"]
    return {
        "object": row["object_id"],
        "osm": f"{OSM_TYPES[row['kind']]}/{row['osm_id']}",
        "version": row["osm_version"],
        "changed": day_of(row["osm_changed"]),
        "file": row["filepath"],
        "size": [row["width"], row["height"]],
        "gsd": row["gsd"],
        "box": [round(row[side], 7) for side in Box._fields],
        "time": row["acquired"].strftime(_PRECISION.get(row["time_precision"], "%Y-%m-%d %H:%M")),
        "tags": row["center_tags"],
        "leftOut": row["left_out"],
        "title": row["title"],
        "captions": [
            [text, row[f"tokens{size}"]]
            for size in _SIZES
            if (text := row[f"title{size}"]) is not None
        ],
        "statements": [_statement(one) for one in row["statements"] or ()],
        "scorer": row["scorer"],
        "scores": _present(row, _SCORES),
        "match": _present(row, (*_MATCH, "no_match")),
        "gate": _present(row, _GATE),
        "split": row["split"],
        "notKept": row["not_kept"],
        "files": [[place["file"], place["row"]] for place in row["files"]],
        "provenance": _present(row, _PROVENANCE)
        | {"transform": [round(number, 9) for number in row["transform"]]}
        | ({"hrefs": row["hrefs"]} if row["hrefs"] else {}),
        "drawings": [
            [one.object_id, one.path, one.is_area, _name(tags.get(one.object_id, ()))]
            for one in drawings
        ],
    }


def _statement(one: Mapping[str, Any]) -> dict[str, Any]:
    """Give what is shown of a statement: a question with its answer, a negative as false."""
    return {
        "kind": one["kind"],
        "text": one["text"] if one["answer"] is None else f"{one['text']} {one['answer']}",
        "isFalse": one["role"] == "negative",
        "on": one["rests_on"],
        "box": [round(side, 1) for side in one["box"]],
    }


def _present(row: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {
        name: round(value, 5) if isinstance(value, float) else value
        for name in names
        if (value := row[name]) is not None
        and not (isinstance(value, float) and not math.isfinite(value))
    }


def _name(tags: Iterable[tuple[str, str]]) -> str:
    return ", ".join(f"{key}={value}" for key, value in tags)


def day_of(time: datetime | None) -> str | None:
    """Give the day of a time."""
    return time.strftime("%Y-%m-%d") if time else None
