"""The answers that were paid for, in a small database: a request that is in it is not sent."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Self

from pipeline.atomic import content_id, make_folder
from pipeline.errors import InputError

ANSWERS = "answers.sqlite"
"""The name of the file in an output folder."""
_SCHEMA = """CREATE TABLE IF NOT EXISTS answers (
    key TEXT PRIMARY KEY, asked_of TEXT, task TEXT, characters INTEGER, images INTEGER,
    text TEXT, input_tokens INTEGER, output_tokens INTEGER)"""
_INSERT = "INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_TOTALS = """SELECT COUNT(*), SUM(characters), SUM(images), SUM(input_tokens), SUM(output_tokens)
    FROM answers WHERE asked_of = ? AND task = ? AND input_tokens > 0"""
_PATIENCE = 60.0
"""Seconds to wait for another process that writes."""


@dataclass(frozen=True)
class Request:
    """What the model is asked."""

    task: str
    """Requests of one task resemble each other: their cost is estimated together."""
    rules: str
    """What to do, as the system's message."""
    text: str
    most_tokens: int
    """The length of the answer at most, in tokens."""
    image: bytes | None = field(default=None, repr=False)
    """A JPEG to look at."""
    seed: int = 0

    @property
    def characters(self) -> int:
        """The length of its text."""
        return len(self.rules) + len(self.text)

    def key(self, asked_of: str) -> str:
        """Give the id under which its answer is stored."""
        image = content_id(self.image) if self.image else None
        parts = [asked_of, self.rules, self.text, self.most_tokens, image, self.seed]
        return content_id(json.dumps(parts).encode())


class Answer(NamedTuple):
    """What the model said, and its length as the endpoint counts it (0 if it does not)."""

    text: str
    input_tokens: int = 0
    output_tokens: int = 0


class Totals(NamedTuple):
    """The sums over the stored answers of a task."""

    answers: int = 0
    characters: int = 0
    images: int = 0
    input_tokens: int = 0
    output_tokens: int = 0


def find_json(text: str, brackets: str) -> object:
    """Give the JSON between the first and the last of two brackets; None if there is none.

    Models put it into a fence, or between sentences.
    """
    start, end = text.find(brackets[0]), text.rfind(brackets[1])
    try:
        return json.loads(text[start : end + 1])
    except (ValueError, RecursionError):
        return None


class Answers:
    """The stored answers; threads and processes can share the file."""

    def __init__(self, path: Path) -> None:
        """Open the file, or make it. Raises `InputError` if it is no such file."""
        self._path, self._lock = path, threading.Lock()
        make_folder(path.parent)
        try:
            self._file = sqlite3.connect(path, _PATIENCE, check_same_thread=False)
            self._file.execute("PRAGMA journal_mode = WAL")
            self._file.execute("PRAGMA synchronous = NORMAL")
            self._file.execute(_SCHEMA)
            self._file.execute(f"{_TOTALS} LIMIT 0", ("", ""))
        except sqlite3.Error as error:
            raise self._unusable(error) from error

    def __enter__(self) -> Self:
        """Give the open file."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self._file.close()

    def find(self, key: str) -> Answer | None:
        """Give the stored answer to a request."""
        found = self._ask(
            "SELECT text, input_tokens, output_tokens FROM answers WHERE key = ?", key
        )
        return Answer(*found) if found else None

    def totals(self, asked_of: str, task: str) -> Totals:
        """Give the sums over the answers of a model to the requests of a task."""
        found = self._ask(_TOTALS, asked_of, task)
        return Totals(*(number or 0 for number in found)) if found else Totals()

    def store(self, asked_of: str, request: Request, answer: Answer) -> None:
        """Store an answer immediately."""
        row = (request.key(asked_of), asked_of, request.task, request.characters)
        self._insert([(*row, int(request.image is not None), *answer)])

    def store_texts(self, texts: Mapping[str, str]) -> None:
        """Store the parts of an answer under ids of their own: all of them, or none."""
        self._insert([(key, "", "", 0, 0, text, 0, 0) for key, text in texts.items()])

    def _insert(self, rows: Sequence[tuple[str | int, ...]]) -> None:
        try:
            with self._lock, self._file:
                self._file.executemany(_INSERT, rows)
        except sqlite3.Error as error:
            raise self._unusable(error) from error

    def _ask(self, query: str, *values: str) -> tuple[Any, ...] | None:
        try:
            with self._lock:
                found: tuple[Any, ...] | None = self._file.execute(query, values).fetchone()
        except sqlite3.Error as error:
            raise self._unusable(error) from error
        return found

    def _unusable(self, error: sqlite3.Error) -> InputError:
        return InputError(
            f"{self._path}: cannot be used as the file of answers ({error}); move it away, or name "
            "another file."
        )
