"""LLaVA: a JSON of conversations a split, and the images in folders beside it.

A conversation asks for the captions, then asks the questions of the statements, and then where
things are: boxes are left, top, right and bottom in 0 to 1000.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from stages.export_data.image_files import write_array, write_documents
from stages.export_data.pairs import Pairs

FOLDER = "llava"
QUESTIONS = {
    "title": "Describe the main object of this image of the Earth.",
    "title_multi_objects": "Describe the main object of this image and what surrounds it.",
    "title_short": "Describe this image in a few sentences.",
    "title_long": "Describe this image in detail.",
}
"""The question that each caption answers."""


def write_llava(pairs: Pairs, out: Path, images: Literal["link", "copy"]) -> list[str]:
    """Write ``llava/train.json`` ..., and place the images; give the paths of the JSONs."""

    def document(split: str) -> Iterator[str]:
        return write_array(map(_conversation, pairs.rows(split)))

    return write_documents(pairs, out, f"{FOLDER}/{{}}.json", document, images)


def _conversation(row: dict[str, Any]) -> dict[str, Any]:
    """Give the record of an image: a question and an answer for each caption and statement."""
    asked = [(text, row[column]) for column, text in QUESTIONS.items() if row[column] is not None]
    turns: list[dict[str, str]] = []
    for question, answer in [*asked, *_asked(row["statements"] or ())]:
        start = "" if turns else "<image>\n"
        turns += [{"from": "human", "value": start + question}, {"from": "gpt", "value": answer}]
    return {
        "id": PurePosixPath(row["filepath"]).stem,
        "image": row["filepath"],
        "conversations": turns,
    }


def _asked(statements: Iterable[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """Yield the questions on the statements of an image, and their answers."""
    for said in statements:
        if said["role"] == "question":
            yield said["text"], said["answer"]
        elif said["kind"] == "referring":
            yield f"Give the box of the {said['text'].removeprefix('the ')}.", str(said["bins"])
        elif said["kind"] == "region":
            yield "Name one thing in this image, and its box in 0 to 1000.", said["text"]
