"""COCO captions: one JSON a split, and the images in folders beside it."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

from stages.export_data.image_files import write_array, write_documents
from stages.export_data.pairs import Pairs

FOLDER = "coco"


def write_coco(pairs: Pairs, out: Path, images: Literal["link", "copy"]) -> list[str]:
    """Write ``coco/captions_train.json`` ..., and place the images; give the paths of the JSONs.

    Each image has one annotation for each of its captions, and the concepts that it ``shows`` and
    ``lacks`` if the run knows them. Ids count from 1 in the order of the export.
    """
    document = functools.partial(_document, pairs)
    return write_documents(pairs, out, f"{FOLDER}/captions_{{}}.json", document, images)


def _document(pairs: Pairs, split: str) -> Iterator[str]:
    licences = [
        {"id": number, "name": one.licence, "source": one.source, "attribution": one.attribution}
        for number, one in enumerate(pairs.licences, 1)
    ]
    ids = {one["source"]: one["id"] for one in licences}
    yield '{"info": {"description": "OpenStreetMap captions"},\n"licenses": '
    yield json.dumps(licences, ensure_ascii=False)
    yield ',\n"images": '
    yield from write_array(
        _image(number, row, ids) for number, row in enumerate(pairs.rows(split), 1)
    )
    yield ',\n"annotations": '
    yield from write_array(_annotations(pairs.rows(split)))
    yield "}\n"


def _image(number: int, row: dict[str, Any], licences: dict[Any, Any]) -> dict[str, Any]:
    return {
        "id": number,
        "file_name": row["filepath"],
        "width": row["width"],
        "height": row["height"],
        "license": licences[row["source"]],
        "date_captured": row["acquired"].strftime("%Y-%m-%d %H:%M:%S"),
        **{name: row[name] for name in ("shows", "lacks") if row[name] is not None},
    }


def _annotations(rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    number = 0
    for image, row in enumerate(rows, 1):
        for column in ("title", "title_multi_objects", "title_short", "title_long"):
            if row[column] is not None:
                number += 1
                yield {"id": number, "image_id": image, "caption": row[column]}
