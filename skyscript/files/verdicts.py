"""The CSV of verdicts on texts, as `judge` writes it and a person fills it in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal, NamedTuple

from pipeline.errors import InputError
from skyscript.files.pairs_csv import PairsCsv

FIGURES, VERDICTS = "judged.json", "verdicts.csv"
"""The files of a folder that `judge` writes: the figures, and the verdicts."""
HEADER = ("filepath", "statement", "verdict", "why", "kind")
NEEDED = HEADER[:3]
CAPTION = "caption"
"""The kind of a caption; statements have kinds of their own. A file without kinds is of captions.
"""
Word = Literal["right", "wrong", "unsure", ""]
"""A verdict; empty: there is none."""
WORDS: Mapping[str, Word] = {"right": "right", "wrong": "wrong", "unsure": "unsure", "": ""}


class Text(NamedTuple):
    """What a row is about."""

    filepath: str
    statement: str
    kind: str


class Verdict(NamedTuple):
    """A verdict and its reason."""

    word: Word
    why: str


def read_verdicts(path: Path, problem_of: Callable[[Text], str | None]) -> dict[Text, Verdict]:
    """Give the verdicts by what they are about, in the order of the file.

    ``problem_of`` says what is wrong with an image and a text, if anything is. Raises `InputError`
    that names the line of a problem, of another word, or of a second verdict on a caption's image
    or on a statement.
    """
    file = PairsCsv(path, NEEDED)
    columns = [name for name in HEADER if name in file.columns]
    found: dict[Text, Verdict] = {}
    seen: set[str | Text] = set()
    for number, cells in enumerate(file.rows(columns)):
        row = dict(zip(columns, cells, strict=True))
        text = Text(row["filepath"], row["statement"], row.get("kind") or CAPTION)
        key = text.filepath if text.kind == CAPTION else text
        word = WORDS.get(row["verdict"].strip().lower())
        problem = problem_of(text)
        if problem is None and key in seen:
            what = "an image" if text.kind == CAPTION else "a statement"
            problem = f"names {what} for the second time; remove one of the lines"
        elif problem is None and word is None:
            problem = (
                f"has the verdict {row['verdict'][:40]!r}; write right, wrong, unsure or nothing"
            )
        if problem is not None or word is None:
            raise InputError(f"{path}: line {file.line_of(number)} {problem}.")
        seen.add(key)
        found[text] = Verdict(word, " ".join(row.get("why", "").split()))
    return found
