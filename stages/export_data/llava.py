"""LLaVA: a JSON of conversations a split, and the images in folders beside it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from stages.export_data.image_files import write_array, write_documents
from stages.export_data.pairs import Pairs

FOLDER = "llava"
QUESTIONS = {
    "title": "Describe the main object of this image of the Earth.",
    "title_multi_objects": "Describe the main object of this image and what surrounds it.",
}
"""The question that each caption answers."""


def write_llava(pairs: Pairs, out: Path, images: Literal["link", "copy"]) -> list[str]:
    """Write ``llava/train.json`` ..., and place the images; give the paths of the JSONs."""

    def document(split: str) -> Iterator[str]:
        return write_array(map(_conversation, pairs.rows(split)))

    return write_documents(pairs, out, f"{FOLDER}/{{}}.json", document, images)


def _conversation(row: dict[str, Any]) -> dict[str, Any]:
    """Give the record of an image: a question and an answer for each of its captions."""
    turns: list[dict[str, str]] = []
    for column, question in QUESTIONS.items():
        if row[column] is not None:
            asked = question if turns else f"<image>\n{question}"
            turns += [{"from": "human", "value": asked}, {"from": "gpt", "value": row[column]}]
    return {
        "id": PurePosixPath(row["filepath"]).stem,
        "image": row["filepath"],
        "conversations": turns,
    }
