"""The judged precision of a run's captions and statements, as `judge` wrote it, for the card."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipeline.errors import InputError
from skyscript.files.verdicts import FIGURES, VERDICTS, Text, read_verdicts

if TYPE_CHECKING:
    import duckdb

_MOST = 10
"""Concepts that the card lists, the worst ones."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, allow_inf_nan=False)


class Precision(_Part):
    """The share of right texts, with its interval, overall or of a group."""

    judged: int
    precision: float = Field(ge=0, le=1)
    low: float
    high: float
    source: str = ""
    concept: str = ""
    kind: str = ""

    def words(self) -> str:
        """Give the precision in per cent, with its interval."""
        return f"{100 * self.precision:.1f} % ({100 * self.low:.1f} to {100 * self.high:.1f})"


class _Options(_Part):
    what: Literal["captions", "statements"] = "captions"
    caption: Literal["title", "title_multi_objects"]
    confidence: float


class Judged(_Part):
    """The figures of `judge`, as far as a card states them."""

    judge: str
    """A person, or the name of the model."""
    options: _Options
    sample: int
    unsure: int
    overall: Precision | None
    by_source: tuple[Precision, ...]
    by_concept: tuple[Precision, ...]
    by_kind: tuple[Precision, ...] = ()
    """The precision for each kind of statement."""

    @property
    def about(self) -> str:
        """Name what was judged: a column of captions, or the statements."""
        what, caption = self.options.what, self.options.caption
        return what if what == "statements" else f"{what} {caption}"

    @property
    def worst(self) -> tuple[Precision, ...]:
        """Some concepts, that with the lowest interval first."""
        return self.by_concept[:_MOST]

    def sentence(self) -> str:
        """State the precision with its interval in one sentence."""
        if self.options.what == "statements":
            drawn = "statements, drawn by kind, source, GSD and concept"
        else:
            drawn = f"{self.options.caption} captions, drawn by concept, source and GSD"
        result = (
            f"{self.overall.words()} are right (interval of {100 * self.options.confidence:g} % "
            "confidence)"
            if self.overall
            else "none could be decided"
        )
        return f"Judged by {self.judge}: {self.sample:,} {drawn}; {result}, {self.unsure:,} unsure."

    def as_json(self) -> dict[str, object]:
        """Give what the card states."""
        return self.model_dump(mode="json", exclude={"by_concept"})


def read_judged(connection: duckdb.DuckDBPyConnection, folders: Sequence[Path]) -> Sequence[Judged]:
    """Read the figures of folders that `judge` wrote, captions first.

    Raises `InputError` if a folder has none, if none of its texts is of the view ``pairs``, or if
    two folders judge the same.
    """
    found: dict[str, tuple[Path, Judged]] = {}
    for folder in folders:
        judged = _read(folder)
        if judged.about in found:
            raise InputError(
                f"{found[judged.about][0]} and {folder}: both hold the judged {judged.about}; "
                "name one of them."
            )
        _refuse_others(connection, folder, judged.options)
        found[judged.about] = folder, judged
    return [found[about][1] for about in sorted(found)]


def _read(folder: Path) -> Judged:
    path = folder / FIGURES
    try:
        return Judged.model_validate_json(path.read_bytes())
    except OSError:
        raise InputError(
            f"{folder}: contains no {FIGURES}; name the folder that judge wrote."
        ) from None
    except ValidationError as error:
        where = ".".join(map(str, error.errors()[0]["loc"]))
        raise InputError(f"{path}: is not what judge writes ({where or 'no JSON'}).") from None


_CAPTIONS = """
    SELECT count(*) FROM pairs JOIN judged USING (filepath) WHERE judged.statement = {caption}
"""
_STATEMENTS = """
    SELECT count(*) FROM (
        SELECT filepath, unnest(statements) AS said FROM pairs SEMI JOIN judged USING (filepath)
    ) AS stated JOIN judged USING (filepath)
    WHERE judged.kind = said.kind AND starts_with(judged.statement, said.text)
"""
"""The judged text of a question ends with its answer, that of a phrase with its box."""


def _refuse_others(connection: duckdb.DuckDBPyConnection, folder: Path, options: _Options) -> None:
    """Raise `InputError` if no judged text is one of this export."""
    rows = [text._asdict() for text in read_verdicts(folder / VERDICTS, lambda _: None)]
    schema = pa.schema([(name, pa.string()) for name in Text._fields])
    connection.register("judged", pa.Table.from_pylist(rows, schema))

    def count(query: str) -> int:
        (found,) = connection.execute(query).fetchall()[0]
        return int(found)

    if not count("SELECT count(*) FROM pairs SEMI JOIN judged USING (filepath)"):
        raise InputError(f"{folder}: is of another run: no image of this export was judged.")
    query = _STATEMENTS if options.what == "statements" else _CAPTIONS
    if not count(query.format(caption=options.caption)):
        raise InputError(
            f"{folder}: its {options.what} are not those of this export, which has other texts of "
            "the same images; judge them anew."
        )
