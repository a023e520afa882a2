"""Reads the verdicts on the captions of a run, as `judge` writes them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pipeline.errors import InputError
from skyscript.files.verdicts import read_verdicts


def read_judged(path: Path) -> Mapping[str, tuple[str, str]]:
    """Give the judged caption and the verdict (right, wrong or unsure) of each judged image.

    Raises `InputError` that names the line of another word or of a second verdict on an image.
    """
    if not path.is_file():
        raise InputError(f"{path}: there is no such file.")
    verdicts = read_verdicts(path, lambda _image, _statement: None)
    found = {image: (each.statement, each.word) for image, each in verdicts.items() if each.word}
    if not found:
        raise InputError(f"{path}: contains no verdict.")
    return found
