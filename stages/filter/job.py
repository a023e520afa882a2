"""Turns a captions file with scores into the published files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pipeline.atomic import write_json
from pipeline.errors import InputError
from pipeline.out_folder import refuse_run
from pipeline.scratch import database, scratch
from pipeline.storage import Place
from skyscript.files.names import NOT_KEPT
from stages.filter import cuts, dropped, summary
from stages.filter.blocks import HELD_OUT
from stages.filter.config import FilterConfig
from stages.filter.dates import drop_later
from stages.filter.files import (
    name_held_out_file,
    name_ranking,
    name_scorer,
    name_training_file,
    write_selected,
)
from stages.filter.input_table import BOX, InputTable, load_boxes, load_csv, make_pairs
from stages.filter.joins import join_files
from stages.filter.left_out import leave_out
from stages.filter.mix import Mix
from stages.filter.phrases import DroppedPhrases, drop_phrases
from stages.filter.records import load_records
from stages.filter.rows import Mask, combine, find_mask
from stages.filter.shown import drop_not_shown
from stages.filter.splits import Split, split_pairs

if TYPE_CHECKING:
    import duckdb

REPORT = "filter_report.json"
_ALL = "all pairs for training"


class Filtered(NamedTuple):
    """The result of a filter run."""

    sides: dict[str, int]
    """Number of pairs in each split, or without one for each reason."""
    before: summary.FileSummary
    """The figures of all pairs that the training files are selected from."""
    files: list[summary.FileSummary]
    dropped: int
    """Number of pairs that no file holds."""
    phrases: DroppedPhrases | None
    mix: Mix | None
    notes: list[str]
    """Sentences on files that hold fewer rows than asked for, and on smaller blocks."""

    def lines(self) -> list[str]:
        """Describe the result in lines for the terminal."""
        lines = [f"{count:>10,}  {side}" for side, count in self.sides.items()]
        for one in self.files:
            plain = "" if one.like_plain is None else f", {one.like_plain:.1%} as the plain cut"
            text = f"{one.file}: {one.tags:,} tags, {one.captions:,} captions{plain}"
            lines.append(f"{one.rows:>10,}  {text}")
        if lost := self.phrases:
            lines.append(
                f"{lost.dropped:>10,}  of {lost.phrases:,} phrases dropped, below "
                f"{lost.below:.4f}, from {lost.captions:,} captions"
            )
        lines += self.mix.lines() if self.mix else []
        lines.append(f"{self.dropped:>10,}  in no file: {NOT_KEPT} says why")
        return [*lines, *summary.make_table(self.before, self.files), *self.notes]


def filter_records(
    records: Path, out: Path, config: FilterConfig, *, vectors: Path | None = None
) -> Filtered:
    """Write the published files of a run's records to ``out``, as `filter_csv` does.

    ``records`` is a run folder or its folder ``tables/pairs``; no other table is read.
    """
    with _prepared(out) as connection:
        input_rows = _with_vectors(load_records(connection, records), vectors)
        return write_all(connection, input_rows, out, config)


def filter_csv(
    captions: Path,
    out: Path,
    config: FilterConfig,
    *,
    metas: Path | None = None,
    vectors: Path | None = None,
) -> Filtered:
    """Write the published files of a captions file with scores to ``out``. Returns the figures.

    A leakage-safe split needs positions: the columns west, south, east and north of the file, or
    the meta pickles in ``metas``. The option ``alike`` needs ``vectors``, the folder of a model's
    vectors. Raises `InputError` if a file, column or position is missing.
    """
    with _prepared(out) as connection:
        input_rows = _with_vectors(load_csv(connection, captions), vectors)
        if metas is not None:
            load_boxes(connection, metas)
        return write_all(connection, input_rows, out, config, not_over=captions)


@contextmanager
def _prepared(out: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a database for the files of a folder, which must not be a run."""
    refuse_run(out)
    with scratch(out, "filter") as folder, database(folder) as connection:
        prepare(connection)
        yield connection


def _with_vectors(input_rows: InputTable, model: Path | None) -> InputTable:
    """Name the folder of the images' vectors in the folder of a model."""
    return input_rows if model is None else input_rows._replace(vectors=model / "images")


def prepare(connection: duckdb.DuckDBPyConnection) -> None:
    """Set the connection to keep the order of rows.

    The tables are in memory; DuckDB moves what is beyond its limit to disk. Creates an empty
    ``boxes``, for positions that the input lacks, and the lists of `dropped`.
    """
    connection.execute("SET preserve_insertion_order = true")
    connection.execute("SET enable_progress_bar = false")
    sides = ", ".join(f"{name} DOUBLE" for name in BOX)
    connection.execute(f"CREATE TABLE boxes (filepath VARCHAR, {sides})")
    dropped.start(connection)


def write_all(
    connection: duckdb.DuckDBPyConnection,
    input_rows: InputTable,
    out: Place,
    config: FilterConfig,
    *,
    not_over: Path | None = None,
) -> Filtered:
    """Split the table ``input_rows``, select pairs and write all files."""
    input_rows = join_files(connection, input_rows, config)
    by, mix = make_pairs(connection, input_rows, config)
    refused = drop_later(connection, input_rows, config)
    refused |= drop_not_shown(connection, input_rows, config)
    scorer = config.name or name_ranking(by, config.cut)
    training = {percent: name_training_file(percent, scorer) for percent in config.top}
    held_out = {
        side: (rows, name_held_out_file(side, rows, scorer))
        for side, rows in zip(HELD_OUT, (config.test_rows, config.val_rows), strict=True)
    }
    names = {NOT_KEPT, *training.values(), *(name for _, name in held_out.values())}
    if not_over is not None and not_over.resolve() in {(out / name).resolve() for name in names}:
        raise InputError(f"{input_rows.name}: is one of the files to write; choose another --out.")
    phrases = drop_phrases(connection, input_rows, name_scorer(by[0]), config)
    split = split_pairs(connection, config, input_rows)
    leave_out(connection, input_rows, config)
    sides = summary.count_sides(connection) | refused
    if "train" not in sides:
        counts = ", ".join(f"{count:,} {side}" for side, count in sides.items())
        raise InputError(
            f"{input_rows.name}: no pair with a score is left for training ({counts})."
        )
    cuts.rank(connection, config, input_rows.vectors)
    selected = _select(connection, config, training, held_out)
    candidates = find_mask(connection, "SELECT row FROM candidates")
    sets = combine({_ALL: candidates, **selected})
    write_selected(
        connection, input_rows.columns, by, sets, {file: out / file for file in selected}
    )
    before, *files = summary.summarise(connection, sets, training.values(), config)
    lost = dropped.write_dropped(connection, out, config, np.any([*selected.values()], axis=0))
    notes = _describe_blocks(split, config)
    wanted = {file: rows for rows, file in held_out.values()}
    notes += [note for one in files for note in _describe_short(one, wanted, config)]
    done = Filtered(sides, before, files, lost, phrases, mix, notes)
    write_json(out / REPORT, _make_report(done, config))
    return done


def _select(
    connection: duckdb.DuckDBPyConnection,
    config: FilterConfig,
    training: Mapping[int, str],
    held_out: Mapping[str, tuple[int, str]],
) -> dict[str, Mask]:
    """Give the pairs of each file: those for training by percent, the others by side and rows."""
    return {
        file: cuts.select_best(connection, percent, config) for percent, file in training.items()
    } | {
        file: cuts.select_held_out(connection, side, rows, config)
        for side, (rows, file) in held_out.items()
    }


def _describe_blocks(split: Split, config: FilterConfig) -> list[str]:
    if split.block in {None, config.block}:
        return []
    return [
        f"blocks are {split.block:g} degrees wide instead of {config.block:g}: the region is too "
        "small to set enough larger ones aside"
    ]


def _describe_short(
    file: summary.FileSummary, wanted: Mapping[str, int], config: FilterConfig
) -> list[str]:
    rows = wanted.get(file.file, 0)
    if file.rows >= rows:
        return []
    return [
        f"{file.file} holds {file.rows:,} of the {rows:,} rows asked for: they are the best "
        f"{config.held_out_top} % of what is set aside, which is at most "
        f"{config.max_held_out:.0%} of all pairs (filter.max_held_out)"
    ]


def _make_report(done: Filtered, config: FilterConfig) -> dict[str, Any]:
    return {
        "options": config.model_dump(mode="json"),
        "pairs": done.sides,
        "before": done.before._asdict(),
        "files": [one._asdict() for one in done.files],
        "dropped": done.dropped,
        "phrases": done.phrases._asdict() if done.phrases else None,
        "mix": done.mix.report() if done.mix else None,
        "notes": done.notes,
    }
