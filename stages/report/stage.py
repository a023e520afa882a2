"""The stage `report`: it writes the page and a contact sheet."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.dataset as ds

from pipeline.atomic import write_bytes
from pipeline.scratch import database, scratch
from pipeline.stage import DatasetStage
from pipeline.storage import Place
from stages import tables
from stages.report.config import ReportConfig
from stages.report.contact_sheet import draw_contact_sheet
from stages.report.figures import compute_figures
from stages.report.gallery import choose_objects, read_cards
from stages.report.page import Ends, render_page
from stages.report.reach import compute_reach, reach_csv
from stages.report.scored import compute_scored
from stages.report.shifts import compute_shifts
from stages.tables import files_written

PAGE = "report/index.html"
SHEET = "report/gallery.jpg"
TAGS = "report/tags.csv"
SHEET_TILES = 12
_READS = (
    tables.OBJECTS,
    tables.ELIGIBLE,
    tables.FOCUS,
    tables.SCENES,
    tables.TILES,
    tables.IMAGES,
    tables.MATCH,
    tables.SCENE_SHIFTS,
    tables.META,
    tables.CAPTIONS,
)


def report(
    objects: ds.Dataset,
    eligible: ds.Dataset,
    focus: ds.Dataset,
    scenes: ds.Dataset,
    tiles: ds.Dataset,
    images: ds.Dataset,
    match: ds.Dataset,
    scene_shifts: ds.Dataset,
    meta: ds.Dataset,
    captions: ds.Dataset,
    scores: ds.Dataset | None = None,
    filtered: ds.Dataset | None = None,
    *,
    config: ReportConfig,
    root: Place,
) -> Iterator[pa.Table]:
    """Write the page, a contact sheet and a CSV of how the sample reaches each tag.

    ``rows`` counts their images, and the tags of the CSV.

    If the run was scored and filtered, the page has two more sections. DuckDB counts out of core,
    and the size of the page does not grow with the run. Without tiles there is no contact sheet.
    """
    early, late = (objects, eligible, focus, scenes, tiles), (images, match, scene_shifts)
    datasets = (*early, *late, meta, captions)
    with scratch(root, "report") as folder, database(folder) as connection:
        for table, dataset in zip(_READS, datasets, strict=True):
            connection.register(table.name, dataset)
        figures, reach = compute_figures(connection), compute_reach(connection)
        shifts = compute_shifts(connection)
        reached, tags = reach_csv(connection)
        ends = None
        if scores is not None and filtered is not None:
            connection.register("scores", scores)
            scored = compute_scored(connection, root)
            best, worst = (read_cards([*e], images, captions) for e in (scored.best, scored.worst))
            ends = Ends(scored, best, worst)
    shown = read_cards(choose_objects(meta, config.seed, config.gallery), images, captions)
    page = render_page(config.title, figures, reach, shown, shifts, ends)
    write_bytes(root / PAGE, page.encode())
    write_bytes(root / TAGS, reached)
    files = {PAGE: figures.captioned, TAGS: tags}
    if sheet := shown[:SHEET_TILES]:
        write_bytes(root / SHEET, draw_contact_sheet(sheet, root))
        files[SHEET] = len(sheet)
    yield files_written(root, files)


REPORT = DatasetStage(
    "report",
    report,
    ReportConfig,
    reads=_READS,
    may_read=(tables.SCORES, tables.FILTERED),
    writes=tables.REPORT,
    owns=tables.owned_files(PAGE, SHEET, TAGS),
    version=5,
)
