"""A recipe of three small stages: numbers, their squares (each in a file too), their sum."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
from pydantic import Field

from pipeline.atomic import write_bytes
from pipeline.errors import InputError
from pipeline.schema import Table
from pipeline.stage import (
    EXECUTION,
    ConfigPath,
    DatasetStage,
    Owned,
    Shard,
    ShardStage,
    StageConfig,
)

STATUS = [
    pa.field("error", pa.string()),
    pa.field("status", pa.string(), nullable=False),
    pa.field("reason", pa.string()),
]
NUMBERS = Table("numbers", pa.schema([pa.field("n", pa.int64(), nullable=False)]), key="n")
SQUARES = Table(
    "squares",
    pa.schema(
        [
            pa.field("n", pa.int64(), nullable=False),
            pa.field("square", pa.int64()),
            pa.field("filepath", pa.string()),
            *STATUS,
        ]
    ),
    key="n",
)
SUM = Table("sum", pa.schema([pa.field("sum", pa.int64(), nullable=False)]), key="sum")


class CountConfig(StageConfig):
    upto: int = Field(10, ge=0, description="How many numbers.")
    part_rows: int = Field(3, ge=1, description="Numbers a part.")
    seed: int = Field(0, description="Added to each.")
    source: ConfigPath | None = Field(None, description="A file to read; its content counts.")


class SquareConfig(StageConfig):
    power: int = Field(2, description="The exponent.")
    seed: int = Field(0, description="Unused by the numbers; a shared key.")
    fail_at: tuple[int, ...] = Field((), description="Numbers at which a shard raises.")
    bad_input_at: int | None = Field(None, description="A number that is bad input.")
    flaky: Path | None = Field(
        None, description="Rows fail while this file exists and holds `odd`, `even`, or nothing."
    )
    pause: float = Field(0, description="Seconds a row takes.", json_schema_extra=EXECUTION)
    kill_at: int | None = Field(None, description="A number that kills the process.")
    drop: int | None = Field(None, description="A row that goes missing.")


class SumConfig(StageConfig):
    pass


def count(*, config: CountConfig, root: Path) -> Iterator[pa.Table]:
    if config.source and not config.source.exists():
        raise InputError(f"{config.source}: there is no such file")
    numbers = [n + config.seed for n in range(config.upto)]
    for start in range(0, config.upto, config.part_rows):
        yield pa.table({"n": numbers[start : start + config.part_rows]}, schema=NUMBERS.schema)


def square(numbers: pa.Table, *, config: SquareConfig, shard: Shard) -> pa.Table:
    rows = []
    for n in numbers.column("n").to_pylist():
        if n in config.fail_at:
            raise ValueError(f"{n} cannot be squared")
        if n == config.bad_input_at:
            raise InputError(f"the number {n} is bad")
        time.sleep(config.pause)
        if n == config.kill_at:
            os._exit(9)
        if config.flaky is not None and config.flaky.exists():
            error, words = "odd" if n % 2 else "even", config.flaky.read_text()
            if not words or error in words:
                rows.append((n, None, None, error, "failed", "the service was away"))
                continue
        name = f"files/{n**config.power}.txt"
        write_bytes(shard.root / name, str(n).encode())
        rows.append((n, n**config.power, name, None, "ok", None))
    rows = [row for row in rows if row[0] != config.drop]
    return pa.Table.from_pylist(
        [dict(zip(SQUARES.schema.names, row, strict=True)) for row in rows], schema=SQUARES.schema
    )


def total(squares: ds.Dataset, *, config: SumConfig, root: Path) -> Iterator[pa.Table]:
    values = squares.to_table(columns=["square"]).column(0).to_pylist()
    yield pa.table({"sum": [sum(value or 0 for value in values)]}, schema=SUM.schema)


def _content(config: CountConfig) -> dict[str, str]:
    if config.source is None or not config.source.exists():
        return {}
    return {config.source.name: config.source.read_text()}


COUNT = DatasetStage("count", count, CountConfig, reads=(), writes=NUMBERS, external=_content)
SQUARE = ShardStage(
    "square",
    square,
    SquareConfig,
    reads=(NUMBERS,),
    writes=SQUARES,
    owns=(Owned("files/*.txt", "filepath"),),
    by_row=True,
)
TOTAL = DatasetStage("total", total, SumConfig, reads=(SQUARES,), writes=SUM)
RECIPE = (COUNT, SQUARE, TOTAL)
