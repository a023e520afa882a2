"""The judged precision of a run's captions or statements, as `judge` wrote it, for the card."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipeline.errors import InputError
from skyscript.files.verdicts import FIGURES, VERDICTS, read_verdicts

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
    def worst(self) -> tuple[Precision, ...]:
        """Some concepts, that with the lowest interval first."""
        return self.by_concept[:_MOST]

    def as_json(self) -> dict[str, object]:
        """Give what the card states."""
        return self.model_dump(mode="json", exclude={"by_concept"})


def read_judged(connection: duckdb.DuckDBPyConnection, folder: Path) -> Judged:
    """Read the figures of a folder that `judge` wrote.

    Raises `InputError` if there are none, or if none of the judged images is in the view ``pairs``.
    """
    path = folder / FIGURES
    try:
        found = Judged.model_validate_json(path.read_bytes())
    except OSError:
        raise InputError(
            f"{folder}: contains no {FIGURES}; name the folder that judge wrote."
        ) from None
    except ValidationError as error:
        where = ".".join(map(str, error.errors()[0]["loc"]))
        raise InputError(f"{path}: is not what judge writes ({where or 'no JSON'}).") from None
    verdicts = read_verdicts(folder / VERDICTS, lambda _: None)
    query = "SELECT count(*) FROM pairs WHERE filepath IN (SELECT unnest(?))"
    images = list({text.filepath for text in verdicts})
    count = connection.execute(query, [images]).fetchone()
    if not count or not count[0]:
        raise InputError(f"{folder}: is of another run: no image of this export was judged.")
    return found
