"""LLaVA: a JSON of conversations a split, and the images in folders beside it."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any, Literal

from stages.export_data.image_files import place_images, write_array
from stages.export_data.pairs import Pairs

FOLDER = "llava"
QUESTIONS = {
    "title": "Describe the main object of this image of the Earth.",
    "title_multi_objects": "Describe the main object of this image and what surrounds it.",
}
"""The question that each caption answers."""


def write_llava(pairs: Pairs, out: Path, images: Literal["link", "copy"]) -> list[str]:
    """Write ``llava/train.json`` ..., and place the images; give the paths of the JSONs."""
    folder = out / FOLDER
    folder.mkdir()
    names = []
    for split in pairs.counts:
        name = f"{FOLDER}/{split}.json"
        with (out / name).open("w", encoding="utf-8") as file:
            file.writelines(write_array(map(_conversation, pairs.rows(split))))
        place_images(pairs, split, folder, images)
        names.append(name)
    return names


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
