"""Follows one row through the tables of a run; reads only the parts that may hold it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from pipeline import disabled_stages
from pipeline.errors import InputError
from pipeline.part_ranges import parts_meeting
from pipeline.run import Run
from pipeline.stage import ShardStage, Stage

SIDES = ("west", "south", "east", "north")
"""The columns of a box, in WGS 84 degrees."""


class Step(NamedTuple):
    """What the table of a stage says about the row."""

    stage: Stage
    part: int | None
    """The part with the row."""
    row: Mapping[str, Any] | None
    """The row; None if the table does not hold it."""
    is_complete: bool
    """Whether the table is complete: if not, the row may still come."""


def follow(recipe: Sequence[Stage], run: Run, column: str, key: object) -> list[Step]:
    """Give the steps of a row through all tables of a run that have the key's column, in order.

    A shard stage keeps the rows of a part together, so its table is read in one part. Any other
    table with recorded boxes is searched last: in the part that such a stage names, or in the parts
    that meet the box of the row in another table.
    Raises `InputError` that names a part that cannot be read.
    """
    stages = [
        stage
        for stage in disabled_stages.find_used(recipe, run.disabled_stages())
        if column in stage.writes.schema.names
    ]
    found: dict[str, Step] = {}
    for stage in sorted(stages, key=_by_box):
        found[stage.name] = _find(stage, run, column, key, found)
    return [found[stage.name] for stage in stages]


def _by_box(stage: Stage) -> bool:
    return not isinstance(stage, ShardStage) and set(SIDES) <= {*stage.writes.ranges}


def _source(stage: Stage) -> str:
    """Name the table whose cut into parts a stage keeps."""
    return stage.reads[0].name if isinstance(stage, ShardStage) else stage.writes.name


def _same_cut(stage: Stage, found: Mapping[str, Step]) -> Step | None:
    """Give the step of a table whose parts have the same rows, if one says where the row is."""
    source = _source(stage)
    for step in found.values():
        if step.stage.writes.name == source:
            return step
    alike = (step for step in found.values() if _source(step.stage) == source)
    return next((step for step in alike if step.part is not None), None)


def _find(stage: Stage, run: Run, column: str, key: object, found: Mapping[str, Step]) -> Step:
    folder = run.folder(stage.writes)
    shards: Sequence[int] = folder.shards()
    known = _same_cut(stage, found)
    if known is not None:
        shards = [shard for shard in shards if shard == known.part]
    table = folder.dataset(shards)
    if known is None and stage.writes.ranges:
        table = _near(table, found)
    numbers = {str(folder.part(shard)): shard for shard in shards}
    is_complete = folder.is_whole()
    for fragment in table.get_fragments():
        if row := _row_of(fragment, column, key):
            return Step(stage, numbers[fragment.path], row, is_complete)
    return Step(stage, None, None, is_complete)


def _near(table: ds.Dataset, found: Mapping[str, Step]) -> ds.Dataset:
    """Give the parts of a table that meet the box of the row in the first table that has one."""
    for step in found.values():
        if step.row is not None and all(step.row.get(side) is not None for side in SIDES):
            west, south, east, north = (np.array([step.row[side]]) for side in SIDES)
            return parts_meeting(
                table,
                at_most={"west": east, "south": north},
                at_least={"east": west, "north": south},
            )
    return table


def _row_of(fragment: ds.Fragment, column: str, key: object) -> Mapping[str, Any] | None:
    """Give the row of a part with a key; reads other columns only if the part has the key."""
    wanted = pc.field(column) == key
    try:
        if not fragment.count_rows(filter=wanted):
            return None
        rows = fragment.to_table(filter=wanted).to_pylist()
    except (OSError, pa.ArrowException) as error:
        raise InputError(
            f"{fragment.path}: cannot be read ({error}); skyscript verify names all damaged files"
        ) from None
    return dict(rows[0])


def rows_with(table: ds.Dataset, wanted: ds.Expression, columns: Sequence[str]) -> Iterator[Any]:
    """Yield the rows of a table that fit an expression, as dicts."""
    for batch in table.to_batches(columns=list(columns), filter=wanted):
        yield from batch.to_pylist()
