"""What a stage is: a plain function on tables, wrapped by a small frozen value.

Two kinds, and there is no third. A `ShardStage` turns part *i* of the tables it reads into part *i*
of the table it writes. A `DatasetStage` sees whole tables and yields parts; it is for the few
stages that must (sampling, a quantile, a CSV).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import pyarrow as pa
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationInfo

from pipeline.schema import Table

EXECUTION: dict[str, Any] = {"identity": False}
"""Pass as ``json_schema_extra``: the field says where or how fast, not what, and is no part of a
result's identity."""


class FromShell(str):
    """A string typed in a shell: as a path it starts at the working directory."""

    __slots__ = ()


def _resolve(value: object, info: ValidationInfo) -> object:
    """Take a relative path from the folder of the config file, given as validation context."""
    if isinstance(value, FromShell):
        return Path(value).expanduser().absolute()
    if isinstance(value, str | Path) and info.context and (base := info.context.get("base")):
        return Path(base) / Path(value).expanduser()
    return value


ConfigPath = Annotated[Path, BeforeValidator(_resolve)]
"""A path in a config: relative ones start at the config file's folder. No path is part of a
result's identity (what it holds is: see ``external``)."""


class StageConfig(BaseModel):
    """Base of every stage's config block: frozen, unknown keys forbidden."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def identity(self) -> dict[str, Any]:
        """Give the fields that decide the result, as plain JSON values, nested blocks included."""
        fields: dict[str, Any] = _identity(self)
        return fields


def _identity(value: Any) -> Any:  # noqa: ANN401 - walks any config value
    if isinstance(value, BaseModel):
        return {
            name: _identity(getattr(value, name))
            for name, info in type(value).model_fields.items()
            if not (
                isinstance(info.json_schema_extra, dict)
                and info.json_schema_extra.get("identity") is False
            )
        }
    if isinstance(value, Mapping):
        return {str(key): _identity(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_identity(item) for item in value]
    if isinstance(value, Path):
        return "a path"
    return value


@dataclass(frozen=True)
class Shard:
    """Which part a stage works on, and the run folder in which it may write files."""

    index: int
    root: Path


class Owned(NamedTuple):
    """Files that a stage writes beside its table.

    What the glob matches and no row names is swept after a rebuild, so it must match no file of a
    user's; a part whose files are gone is made again.
    """

    glob: str
    """From the run folder: ``images[2-7]/*.jpg``."""
    column: str
    """The column of the stage's table that names them."""
    size: str | None = None
    """The column that holds their bytes: a file of another size counts as gone."""


def no_external(config: Any) -> Mapping[str, str]:  # noqa: ANN401, ARG001 - any stage's config
    """Name nothing: the stage reads only tables of the run."""
    return {}


def stays(config: Any) -> str | None:  # noqa: ANN401, ARG001 - any stage's config
    """Leave the stage in."""
    return None


def any_number(config: Any) -> int | None:  # noqa: ANN401, ARG001 - any stage's config
    """Let all workers work at once."""
    return None


@dataclass(frozen=True)
class ShardStage:
    """A stage that works part by part.

    ``run(<one pa.Table for each of reads>, <one pyarrow.dataset.Dataset for each of looks_up>,
    config=..., shard=...) -> pa.Table``, tables and datasets by the names of their contracts.
    Every row of the first table read comes out, with its status.
    """

    name: str
    run: Callable[..., pa.Table]
    config: type[StageConfig]
    reads: tuple[Table, ...]
    """Part *i* of each; the first one decides which shards there are."""
    writes: Table
    looks_up: tuple[Table, ...] = ()
    """Whole tables, for questions about neighbours."""
    owns: tuple[Owned, ...] = ()
    external: Callable[[Any], Mapping[str, str]] = no_external
    """What the stage reads from outside the run: name -> content id. Part of its fingerprint."""
    left_out: Callable[[Any], str | None] = stays
    """Why its config leaves the stage out, in a sentence; none: it runs. What needs its table is
    left out with it."""
    by_row: bool = False
    """Whether failed rows can be made again alone: nothing depends on the others of their part."""
    at_most: Callable[[Any], int | None] = any_number
    """How many shards are worked on at once: as many as there are GPUs, say; none: all workers."""
    version: int = 1
    """Raised when the code's meaning changes: the fingerprint cannot see code."""


@dataclass(frozen=True)
class DatasetStage:
    """A stage that sees whole tables.

    ``run(<one pyarrow.dataset.Dataset for each of reads>, config=..., root=...)`` yields the parts
    of its table, in an order that the data decides. What it may read comes likewise, where it is.
    """

    name: str
    run: Callable[..., Iterator[pa.Table]]
    config: type[StageConfig]
    reads: tuple[Table, ...]
    writes: Table
    may_read: tuple[Table, ...] = ()
    """Tables of stages that a config may leave out."""
    owns: tuple[Owned, ...] = ()
    external: Callable[[Any], Mapping[str, str]] = no_external
    left_out: Callable[[Any], str | None] = stays
    version: int = 1


Stage = ShardStage | DatasetStage
