"""The stage `filter`: it filters a run's captions by score and writes the published files."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from pipeline.errors import InputError
from pipeline.identity import identify
from pipeline.inputs import local_input
from pipeline.schema import STATUS_OK
from pipeline.scratch import database, scratch
from pipeline.stage import DatasetStage
from pipeline.storage import Place
from skyscript.captions import COMPOSED
from skyscript.files.names import NOT_KEPT
from stages import tables
from stages.filter.config import FilterConfig
from stages.filter.input_table import BOX, InputTable
from stages.filter.job import REPORT, prepare, write_all
from stages.filter.joins import parts_of
from stages.filter.records import MATCH, SCORES, make_input
from stages.filter.shown import OF_TABLE, TRUTH, VERDICT
from stages.tables import files_written

if TYPE_CHECKING:
    import duckdb


log = logging.getLogger(__name__)


def filter_run(
    captions: ds.Dataset,
    images: ds.Dataset,
    scores: ds.Dataset,
    normalised: ds.Dataset,
    match: ds.Dataset,
    truth: ds.Dataset | None = None,
    *,
    config: FilterConfig,
    root: Place,
) -> Iterator[pa.Table]:
    """Write the published files of a run's pairs, and their figures to ``filter_report.json``.

    The stage first sets test and validation pairs aside. Of the other pairs, it keeps an exact
    percentage: those with the best scores. ``filter_dropped.csv`` names the pairs of no file, each
    with the reason.
    """
    with scratch(root, "filter") as folder, database(folder) as connection:
        prepare(connection)
        columns = _load(connection, captions, images, scores, normalised, match)
        if truth is not None:
            _add_truth(connection, truth)
            columns.append(TRUTH)
        input_rows = InputTable(
            columns, str(root), lambda row: f"{root}: pair {row + 1}", _find_vectors(root, scores)
        )
        done = write_all(connection, input_rows, root, config)
    for note in done.notes:
        log.warning("%s", note)
    rows = {one.file: one.rows for one in done.files}
    yield files_written(root, {**rows, NOT_KEPT: done.dropped, REPORT: sum(done.sides.values())})


def _load(
    connection: duckdb.DuckDBPyConnection,
    captions: ds.Dataset,
    images: ds.Dataset,
    scores: ds.Dataset,
    normalised: ds.Dataset,
    match: ds.Dataset,
) -> list[str]:
    """Create ``input_rows`` like a captions file with scores. Returns its columns."""
    scorer = _read_scorer(scores)
    ok = pc.field("status") == STATUS_OK
    composed = captions.count_rows(filter=pc.field(COMPOSED[0]).is_valid())
    of_caption = ["object_id", "filepath", "title", "title_multi_objects", *COMPOSED]
    connection.register("captions", captions.scanner(columns=of_caption, filter=ok).to_reader())
    connection.execute("CREATE TABLE in_order AS SELECT * FROM captions")
    connection.register("images", images.scanner(columns=["object_id", *BOX], filter=ok))
    of_scores = ["object_id", "content_hash", *(name for name in SCORES if name != "normalised")]
    connection.register("scores", scores.scanner(columns=of_scores))
    connection.register("normalised", normalised.scanner(columns=["object_id", "normalised"]))
    connection.register("match", match.scanner(columns=["object_id", *MATCH]))
    joined = """(
        SELECT c.rowid AS place, c.*, images.*, s.*, n.*, m.* FROM in_order AS c
            JOIN images USING (object_id) LEFT JOIN scores AS s USING (object_id)
            LEFT JOIN normalised AS n USING (object_id) LEFT JOIN match AS m USING (object_id)
    ) ORDER BY place"""
    return make_input(connection, scorer, joined, has_composed=composed > 0)


def _add_truth(connection: duckdb.DuckDBPyConnection, truth: ds.Dataset) -> None:
    """Add the column on whether an image shows what its caption names."""
    own = truth.scanner(columns=["filepath", *OF_TABLE], filter=pc.field("focus"))
    connection.register("truth_rows", own.to_reader())
    connection.execute(
        f"CREATE TABLE truths AS SELECT filepath, {VERDICT} FROM truth_rows GROUP BY filepath"
    )
    connection.execute(f"ALTER TABLE input_rows ADD COLUMN {TRUTH} VARCHAR")
    connection.execute(
        f"UPDATE input_rows SET {TRUTH} = truths.{TRUTH} FROM truths "
        "WHERE input_rows.filepath = truths.filepath"
    )


def _read_scorer(scores: ds.Dataset) -> str:
    for batch in scores.to_batches(columns=["scorer"], batch_size=1):
        if len(batch):
            return str(batch.column(0)[0])
    raise InputError("there is no score to rank by: the run has no captions.")


def _find_vectors(root: Place, scores: ds.Dataset) -> Place | None:
    """Return the folder of the vectors that the scores were computed from; None without any."""
    for batch in scores.to_batches(columns=["vectors"], filter=pc.field("vectors") != ""):
        if len(batch):
            return root / "embeddings" / str(batch.column(0)[0]) / "images"
    return None


def _external(config: FilterConfig) -> Mapping[str, str]:
    """Return the content ids of the files that the options name, which must be readable."""
    files = {f"file {number} to join": path for number, path in enumerate(config.join)}
    files |= {f"file {number} to leave out": path for number, path in enumerate(config.leave_out)}
    if config.labels is not None:
        files["labels"] = config.labels
    return {name: _identify(path) for name, path in files.items()}


def _identify(path: Place) -> str:
    parts = parts_of(local_input(path))
    try:
        return " ".join(map(identify, parts))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}.") from None


def _needs(config: FilterConfig) -> dict[str, str]:
    """Give the table ``truth`` if pairs are kept by it and no joined file holds it."""
    by_run = config.shown == "yes" and not config.join
    return {tables.TRUTH.name: "filter.shown: yes"} if by_run else {}


FILTER = DatasetStage(
    "filter",
    filter_run,
    FilterConfig,
    reads=(tables.CAPTIONS, tables.IMAGES, tables.SCORES, tables.NORMALISED, tables.MATCH),
    may_read=(tables.TRUTH,),
    needs=_needs,
    writes=tables.FILTERED,
    external=_external,
    version=6,
    owns=tables.owned_files("SkyScript_*_filtered_by_*.csv", NOT_KEPT, REPORT),
)
