"""Multiple choice: a JSON of questions a split, and the images in folders beside it.

A question has a true sentence on its image among up to three false ones: negatives of the table
``statements``. The place of the true one is drawn.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.errors import InputError
from skyscript import chance
from stages.export_data.config import ExportConfig
from stages.export_data.image_files import write_array, write_documents
from stages.export_data.pairs import Pairs

FOLDER = "choices"
_MOST_FALSE = 3


def write_choices(pairs: Pairs, out: Path, config: ExportConfig) -> list[str]:
    """Write ``choices/train.json`` ..., and place the images; give the paths of the JSONs.

    Raises `InputError` if the run has no negatives.
    """
    if not any(next(_questions(pairs, split, config.seed), None) for split in pairs.counts):
        raise InputError(
            "choices: the run has no false sentences; name kinds that begin with not_ in "
            "statements.kinds, and run it again."
        )

    def document(split: str) -> Iterator[str]:
        return write_array(_questions(pairs, split, config.seed))

    return write_documents(pairs, out, f"{FOLDER}/{{}}.json", document, config.images)


def _questions(pairs: Pairs, split: str, seed: int) -> Iterator[dict[str, Any]]:
    for row in pairs.rows(split):
        negatives = [one for one in row["statements"] or () if one["role"] == "negative"]
        for start in range(0, len(negatives), _MOST_FALSE):
            yield _question(row["filepath"], negatives[start : start + _MOST_FALSE], seed)


def _question(path: str, negatives: list[dict[str, Any]], seed: int) -> dict[str, Any]:
    """Give a question on an image: its options, and the place of the true one."""
    first = negatives[0]
    options = list(dict.fromkeys(one["text"] for one in negatives))
    answer = int(chance.uniform(seed, first["statement_id"], "choice") * (len(options) + 1))
    options.insert(answer, first["true_text"])
    return {
        "id": first["statement_id"],
        "image": path,
        "options": options,
        "answer": answer,
        "kind": first["kind"],
    }
