"""Reads the verdicts on the captions of a run, as `judge` writes them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pipeline.errors import InputError
from skyscript.files.verdicts import CAPTION, Text, read_verdicts


def read_judged(path: Path) -> Mapping[str, tuple[str, str]]:
    """Give the judged caption and the verdict (right, wrong or unsure) of each judged image.

    Raises `InputError` that names the line of another word, of a second verdict on an image, or of
    a verdict on a statement.
    """
    if not path.is_file():
        raise InputError(f"{path}: there is no such file.")
    verdicts = read_verdicts(path, _problem_of)
    found = {
        text.filepath: (text.statement, said.word) for text, said in verdicts.items() if said.word
    }
    if not found:
        raise InputError(f"{path}: contains no verdict.")
    return found


def _problem_of(text: Text) -> str | None:
    if text.kind == CAPTION:
        return None
    return f"judges a statement ({text.kind[:40]}); give verdicts on captions"
