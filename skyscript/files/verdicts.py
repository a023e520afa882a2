"""The CSV of verdicts on captions, as `judge` writes it and a person fills it in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal, NamedTuple

from pipeline.errors import InputError
from skyscript.files.pairs_csv import PairsCsv

FIGURES, VERDICTS = "judged.json", "verdicts.csv"
"""The files of a folder that `judge` writes: the figures, and the verdicts."""
HEADER = ("filepath", "statement", "verdict", "why")
Word = Literal["right", "wrong", "unsure", ""]
"""A verdict; empty: there is none."""
WORDS: Mapping[str, Word] = {"right": "right", "wrong": "wrong", "unsure": "unsure", "": ""}


class Verdict(NamedTuple):
    """A row of the file."""

    statement: str
    word: Word
    why: str


def read_verdicts(path: Path, problem_of: Callable[[str, str], str | None]) -> dict[str, Verdict]:
    """Give the verdicts by the path of the image, in the order of the file.

    ``problem_of`` says what is wrong with an image and a statement, if anything is. Raises
    `InputError` that names the line of a problem, of another word, or of a second verdict on an
    image.
    """
    file = PairsCsv(path, HEADER[:3])
    columns = [name for name in HEADER if name in file.columns]
    found: dict[str, Verdict] = {}
    for number, (image, statement, verdict, *why) in enumerate(file.rows(columns)):
        word = WORDS.get(verdict.strip().lower())
        problem = problem_of(image, statement)
        if problem is None and image in found:
            problem = "names an image for the second time; remove one of the lines"
        elif problem is None and word is None:
            problem = f"has the verdict {verdict[:40]!r}; write right, wrong, unsure or nothing"
        if problem is not None or word is None:
            raise InputError(f"{path}: line {file.line_of(number)} {problem}.")
        found[image] = Verdict(statement, word, " ".join("".join(why).split()))
    return found
