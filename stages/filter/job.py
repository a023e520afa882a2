"""From a captions file with scores to the published files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline.atomic import write_json
from pipeline.errors import InputError
from pipeline.scratch import database, scratch
from stages.filter import cuts
from stages.filter import summary as account
from stages.filter.config import FilterConfig
from stages.filter.files import held_out_name, scorer_name, scorer_of, train_name, write_kept
from stages.filter.input_table import load_boxes, load_csv, make_pairs
from stages.filter.phrases import Dropped, drop_phrases
from stages.filter.splits import HELD_OUT, set_aside

if TYPE_CHECKING:
    import duckdb

REPORT = "filter_report.json"


class Filtered(NamedTuple):
    """What a filter run did."""

    sides: dict[str, int]
    """Pairs by what became of them before the cut."""
    files: list[account.Kept]
    phrases: Dropped | None

    def lines(self) -> list[str]:
        """Say it, a line each."""
        lost = self.phrases
        return [
            *(f"{count:>10,}  {side}" for side, count in self.sides.items()),
            *(
                f"{kept.rows:>10,}  {kept.file}: {kept.tags:,} tags, {kept.captions:,} captions"
                + ("" if kept.like_plain is None else f", {kept.like_plain:.1%} as the plain cut")
                for kept in self.files
            ),
            *(
                [
                    f"{lost.dropped:>10,}  of {lost.phrases:,} phrases dropped, below "
                    f"{lost.below:.4f}, from {lost.captions:,} captions"
                ]
                if lost
                else []
            ),
        ]


def filter_csv(
    captions: Path, out: Path, config: FilterConfig, *, metas: Path | None = None
) -> Filtered:
    """Cut a captions file with scores into the published files, in ``out``; say what each kept.

    Positions, which a leakage-safe split needs, are the file's columns west, south, east and north,
    or come from the meta pickles ``metas``. Raises `InputError` where something is not there.
    """
    if (out / "_run.json").exists():
        raise InputError(f"{out}: is the folder of a run, which has its own files; choose another.")
    with scratch(out, "filter") as folder, database(folder) as connection:
        prepare(connection, folder)
        columns = load_csv(connection, captions)
        if metas is not None:
            load_boxes(connection, metas)
        return write_all(connection, columns, out, config, where=str(captions), not_over=captions)


def prepare(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Make the connection keep its tables on disk, and rows in the order of the file."""
    place = str(folder / "filter.duckdb").replace("'", "''")
    connection.execute(f"ATTACH '{place}' AS work")
    connection.execute("USE work")
    connection.execute("SET preserve_insertion_order = true")
    connection.execute("SET enable_progress_bar = false")


def write_all(
    connection: duckdb.DuckDBPyConnection,
    columns: list[str],
    out: Path,
    config: FilterConfig,
    *,
    where: str,
    not_over: Path | None = None,
) -> Filtered:
    """Set aside, cut and write what the table ``given`` holds."""
    by = make_pairs(connection, columns, config, where)
    scorer = scorer_name(by, config.name)
    training = {percent: train_name(percent, scorer) for percent in config.top}
    held_out = {
        side: (rows, held_out_name(side, rows, scorer))
        for side, rows in zip(HELD_OUT, (config.test_rows, config.val_rows), strict=True)
    }
    names = {*training.values(), *(name for _, name in held_out.values())}
    if not_over is not None and not_over.resolve() in {(out / name).resolve() for name in names}:
        raise InputError(f"{where}: is one of the files to write; choose another --out.")
    phrases = drop_phrases(connection, columns, scorer_of(by[0]), config, where)
    set_aside(connection, config, where)
    sides = account.sides(connection)
    if "train" not in sides:
        raise InputError(f"{where}: no pair with a score is left for training: {sides}.")
    cuts.rank(connection, config)
    files = []
    for percent, file in training.items():
        cuts.cut(connection, percent, config)
        write_kept(connection, columns, by, out / file)
        files.append(account.kept(connection, file, plain=True))
    for side, (rows, file) in held_out.items():
        cuts.hold_out(connection, side, rows, config)
        write_kept(connection, columns, by, out / file)
        files.append(account.kept(connection, file, plain=False))
    done = Filtered(sides, files, phrases)
    write_json(out / REPORT, _report(done, config))
    return done


def _report(done: Filtered, config: FilterConfig) -> dict[str, Any]:
    return {
        "options": config.model_dump(mode="json"),
        "pairs": done.sides,
        "files": [kept._asdict() for kept in done.files],
        "phrases": done.phrases._asdict() if done.phrases else None,
    }
