"""The stage: asks the tables, writes the page, names it in its own table."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds

from pipeline.atomic import write_bytes
from pipeline.scratch import database, scratch
from pipeline.stage import DatasetStage
from stages import tables
from stages.report.config import ReportConfig
from stages.report.figures import ask
from stages.report.gallery import cards, cards_of
from stages.report.page import Ends, page
from stages.report.scored import ask_scored
from stages.tables import files_written

FILE_NAME = "report/index.html"


def report(
    objects: ds.Dataset,
    focus: ds.Dataset,
    scenes: ds.Dataset,
    tiles: ds.Dataset,
    images: ds.Dataset,
    meta: ds.Dataset,
    captions: ds.Dataset,
    scores: ds.Dataset | None = None,
    filtered: ds.Dataset | None = None,
    *,
    config: ReportConfig,
    root: Path,
) -> Iterator[pa.Table]:
    """Write the page and give its row; ``rows`` counts the captioned images that it is about.

    A run that was scored and filtered has two sections more. All counting is DuckDB's, out of core;
    the page's size does not grow with the run's.
    """
    given = {
        "objects": objects,
        "focus": focus,
        "scenes": scenes,
        "tiles": tiles,
        "images": images,
        "meta": meta,
        "captions": captions,
    }
    with scratch(root, "report") as folder, database(folder) as connection:
        for name, dataset in given.items():
            connection.register(name, dataset)
        figures = ask(connection)
        ends = None
        if scores is not None and filtered is not None:
            connection.register("scores", scores)
            scored = ask_scored(connection, root)
            best, worst = (cards_of([*e], images, captions) for e in (scored.best, scored.worst))
            ends = Ends(scored, best, worst)
    shown = cards(meta, images, captions, seed=config.seed, count=config.gallery)
    data = page(config.title, figures, shown, ends).encode()
    write_bytes(root / FILE_NAME, data)
    yield files_written(root, {FILE_NAME: figures.captioned})


REPORT = DatasetStage(
    "report",
    report,
    ReportConfig,
    reads=(
        tables.OBJECTS,
        tables.FOCUS,
        tables.SCENES,
        tables.TILES,
        tables.IMAGES,
        tables.META,
        tables.CAPTIONS,
    ),
    may_read=(tables.SCORES, tables.FILTERED),
    writes=tables.REPORT,
    owns=tables.owned_files("report/index.html"),
    version=2,
)
