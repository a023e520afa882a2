"""Defines a stage: a function on tables, and a frozen value that describes it.

There are two kinds. A `ShardStage` turns part *i* of the tables it reads into part *i* of the table
it writes. A `DatasetStage` sees whole tables and yields parts; only stages that need whole tables
(sampling, a quantile, a CSV) are of this kind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import pyarrow as pa
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetPydanticSchema,
    PlainSerializer,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from pipeline.addresses import is_address
from pipeline.bucket import BucketPath
from pipeline.errors import ConfigError
from pipeline.schema import Table
from pipeline.storage import Place

EXECUTION: dict[str, Any] = {"identity": False}
"""Pass as ``json_schema_extra`` of a field that decides where or how fast a stage works, but not
its result. The field is then not part of the result's identity."""


TOP_LEVEL: dict[str, Any] = {"top_level": True}
"""Pass as ``json_schema_extra`` of a field that several stages share and that must have one value:
it is a top-level key of a config, and no key of a stage's block."""


class FromShell(str):
    """A string typed in a shell; as a path, it is relative to the working directory."""

    __slots__ = ()


def _resolve(value: object, info: ValidationInfo) -> object:
    """Resolve a relative path against ``base`` of the context, the config file's folder."""
    if isinstance(value, str) and is_address(value):
        raise ValueError(
            "this is an address, but this key takes only files and folders of this machine: copy "
            "it here"
        )
    if isinstance(value, FromShell):
        return _expand(value).absolute()
    if isinstance(value, str | Path) and info.context and (base := info.context.get("base")):
        return Path(base) / _expand(value)
    return value


def _expand(path: str | Path) -> Path:
    try:
        return Path(path).expanduser()
    except RuntimeError:
        user = Path(path).parts[0]
        raise ValueError(f"{user} is no user's home folder: write the whole path") from None


ConfigPath = Annotated[Path, BeforeValidator(_resolve)]
"""A path in a config, relative to the config file's folder. The path is not part of a result's
identity, but the content of the file is (see ``external``)."""


def _place(value: object, check: ValidatorFunctionWrapHandler, info: ValidationInfo) -> object:
    """Read an address of a bucket; resolve anything else as a path."""
    if isinstance(value, BucketPath) or not (isinstance(value, str) and is_address(value)):
        return value if isinstance(value, BucketPath) else check(_resolve(value, info))
    try:
        place = BucketPath.parse(value)
    except ConfigError as error:
        raise ValueError(str(error)) from None
    if place is None:
        raise ValueError("this is an address of no bucket (s3://, gs://, az://): copy it here")
    return place


def _file_or_object(
    value: object, check: ValidatorFunctionWrapHandler, info: ValidationInfo
) -> object:
    """Read the address of an object; resolve anything else as a path."""
    place = _place(value, check, info)
    if isinstance(place, BucketPath):
        is_folder = not place.key or str(value).endswith("/")
        if is_folder or "*" in place.key:
            raise ValueError("name one object: folders and patterns in a bucket are not read")
    return place


ConfigPlace = Annotated[
    Place,
    GetPydanticSchema(lambda _, handler: handler(Path)),
    WrapValidator(_place),
    PlainSerializer(str, when_used="json"),
]
"""As `ConfigPath`, for a folder: it may also be the address of a folder in a bucket."""
ConfigFile = Annotated[
    Place,
    GetPydanticSchema(lambda _, handler: handler(Path)),
    WrapValidator(_file_or_object),
    PlainSerializer(str, when_used="json"),
]
"""As `ConfigPath`, for what is read as a whole file: it may also be the address of an object in a
bucket, of which stages read a copy (`pipeline.inputs.local_input`)."""


class StageConfig(BaseModel):
    """Base class of the config blocks: they are frozen and reject unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def identity(self) -> dict[str, Any]:
        """Give the fields that decide the result, with nested blocks, as plain JSON values."""
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
    if isinstance(value, Place):
        return "a path"
    return value


@dataclass(frozen=True)
class Shard:
    """The number of the part to make, and the run folder, in which the stage may write files."""

    index: int
    root: Place


class Owned(NamedTuple):
    """Side files: files that a stage writes beside its table, each named by a row of the table.

    A part (for a DatasetStage: the table) is made again if one of its side files is missing.
    """

    glob: str | None
    """A rebuild removes the files that match and that only rows of earlier parts name. Relative to
    the run folder: ``images[2-7]/*.jpg``. None: nothing is removed."""
    column: str
    """The column with the files' paths, relative to the run folder."""
    size: str | None = None
    """The column with the files' sizes in bytes; a file of another size counts as missing."""
    digest: str | None = None
    """The column with the files' content ids, which ``skyscript verify`` compares."""
    inside: str | None = None
    """The column with the archive that holds a row's file; a row with one has no file itself."""


def no_external(config: Any) -> Mapping[str, str]:  # noqa: ANN401, ARG001 - any stage's config
    """Give no inputs from outside: the stage reads only tables of the run."""
    return {}


def never_disabled(config: Any) -> str | None:  # noqa: ANN401, ARG001 - any stage's config
    """Give no reason to disable the stage."""
    return None


class GpuUse(NamedTuple):
    """How a stage uses GPUs: each of its shards takes one."""

    required: bool
    """False: a shard is made on CPUs where there is no GPU."""
    here: int
    """Number of GPUs of this machine that the stage may use."""


def no_gpus(config: Any) -> GpuUse | None:  # noqa: ANN401, ARG001 - any stage's config
    """Use no GPU."""
    return None


def no_needs(config: Any) -> Mapping[str, str]:  # noqa: ANN401, ARG001 - any stage's config
    """Need no table that other stages' config may disable."""
    return {}


def as_it_is(part: pa.Table, shard: Shard) -> pa.Table:  # noqa: ARG001 - any stage's part
    """Give a part as it is: its side files need no packing."""
    return part


def no_sentence(**inputs: Any) -> str:  # noqa: ANN401, ARG001 - any stage's tables and config
    """Give no sentence: the counted reasons are enough."""
    return ""


@dataclass(frozen=True)
class _AnyStage:
    """The fields that both kinds of stage have."""

    name: str
    run: Callable[..., Any]
    config: type[StageConfig]
    reads: tuple[Table, ...]
    writes: Table
    owns: tuple[Owned, ...] = ()
    stores: tuple[str, ...] = ()
    """Folders of files that no table names, as patterns relative to the run folder. Of them, only
    unfinished files are removed."""
    external: Callable[[Any], Mapping[str, str]] = no_external
    """Gives the inputs from outside the run, name -> content id; they are part of the
    fingerprint."""
    disabled: Callable[[Any], str | None] = never_disabled
    """Gives the reason, in a sentence, why a config disables the stage; None: the stage runs.
    Stages that need its table are then disabled too."""
    why_empty: Callable[..., str] = no_sentence
    """Gives a sentence on why no row of the result is ok, from the stage's inputs as whole datasets
    and its config; empty: the runner counts the rows' reasons instead."""
    may_be_empty: bool = False
    """Whether a result without any row is fine; otherwise it stops the run, as a sign of wrong
    input."""
    may_read: tuple[Table, ...] = ()
    """Tables of stages that a config may disable; they are passed as those of ``reads`` are, unless
    they are missing."""
    needs: Callable[[Any], Mapping[str, str]] = no_needs
    """Gives which tables of ``may_read`` a config needs, each with the key that needs it."""
    version: int = 1
    """Raise it when the stage's result changes, because the fingerprint does not cover the code."""
    block_of: str = ""
    """The stage whose config block this one shares; empty: it has its own."""

    @property
    def block(self) -> str:
        """The name of the stage's config block."""
        return self.block_of or self.name

    @property
    def inputs(self) -> tuple[Table, ...]:
        """The tables that must be complete before the stage runs."""
        return self.reads


@dataclass(frozen=True)
class ShardStage(_AnyStage):
    """A stage that works part by part.

    ``run(<one pa.Table for each of reads>, <one pyarrow.dataset.Dataset for each of looks_up>,
    config=..., shard=...) -> pa.Table``; the arguments have the names of the tables. The stage gets
    part *i* of each table of ``reads``; the shards are the parts of the first one, and the result
    has a row for each row of the first one, in order, with its status. If its
    table has another key, it may have any number of rows for each.
    """

    looks_up: tuple[Table, ...] = ()
    """Tables that the stage gets whole, for queries about neighbours."""
    may_look_up: tuple[Table, ...] = ()
    """Tables of stages that a config may disable; they are passed as those of ``looks_up`` are,
    unless they are missing."""
    by_row: bool = False
    """Whether a failed row can be made again alone: it does not depend on other rows."""
    gpus: Callable[[Any], GpuUse | None] = no_gpus
    """Gives how a config makes the stage use GPUs; None: it uses none."""
    pack: Callable[[pa.Table, Shard], pa.Table] = as_it_is
    """Packs the side files of a whole part, also if only some of its rows were made again, and
    gives the part that is written."""

    @property
    def inputs(self) -> tuple[Table, ...]:
        """The tables that the stage reads or looks up."""
        return (*self.reads, *self.looks_up)


@dataclass(frozen=True)
class DatasetStage(_AnyStage):
    """A stage that sees whole tables.

    ``run(<one pyarrow.dataset.Dataset for each of reads>, config=..., root=...)`` yields the parts
    of its table, in an order that only the data decides.
    """


Stage = ShardStage | DatasetStage
