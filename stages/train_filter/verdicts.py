"""Reads the verdicts on the captions of a run, as `judge` writes them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pipeline.errors import InputError
from skyscript.files.pairs_csv import PairsCsv

_COLUMNS = ("filepath", "statement", "verdict")
_WORDS = frozenset({"right", "wrong", "unsure", ""})


def read_verdicts(path: Path) -> Mapping[str, tuple[str, str]]:
    """Give the judged caption and the verdict (right, wrong or unsure) of each judged image.

    Raises `InputError` that names the line of another word or of a second verdict on an image.
    """
    if not path.is_file():
        raise InputError(f"{path}: there is no such file.")
    file = PairsCsv(path, _COLUMNS)
    found: dict[str, tuple[str, str]] = {}
    for row, (image, statement, verdict) in enumerate(file.rows(_COLUMNS)):
        word = verdict.strip().lower()
        if word not in _WORDS:
            problem = f"has the verdict {verdict[:40]!r}; write right, wrong, unsure or nothing"
        elif image in found:
            problem = "names an image for the second time; remove one of the lines"
        else:
            if word:
                found[image] = (statement, word)
            continue
        raise InputError(f"{path}: line {file.line_of(row)} {problem}.")
    if not found:
        raise InputError(f"{path}: contains no verdict.")
    return found
