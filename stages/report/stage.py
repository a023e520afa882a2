"""The stage `report`: it writes the explorer of a run and a contact sheet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from importlib.resources import files
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from pipeline.atomic import write_bytes
from pipeline.scratch import database, scratch
from pipeline.stage import DatasetStage
from pipeline.storage import Place
from skyscript.files.names import IMAGE_FILES
from skyscript.files.tar_places import images_in_tars
from stages import tables
from stages.report.charts import Spec, all_charts
from stages.report.config import ReportConfig
from stages.report.contact_sheet import draw_contact_sheet
from stages.report.figures import Figures, compute_figures
from stages.report.lost import count_lost
from stages.report.packing import script
from stages.report.page import render_page, render_review
from stages.report.reach import Reach, compute_reach, reach_csv
from stages.report.rows import DETAILS, Gallery, fill
from stages.report.scored import Scored, compute_scored
from stages.report.sheet_tiles import choose_objects, read_cards
from stages.report.shifts import Shifts, compute_shifts
from stages.report.spread import compute_spread
from stages.report.vendor import library_files, versions
from stages.tables import files_written

PAGE = "report/index.html"
REVIEW = "report/review.html"
SHEET = "report/gallery.jpg"
TAGS = "report/tags.csv"
SHEET_TILES = 12
_READS = (
    tables.BOXES,
    tables.WANTED,
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
    tables.RUN_PAIRS,
)


def report(
    objects: ds.Dataset,
    meta: ds.Dataset,
    images: ds.Dataset,
    captions: ds.Dataset,
    pairs: ds.Dataset,
    *,
    config: ReportConfig,
    root: Place,
    **others: ds.Dataset,
) -> Iterator[pa.Table]:
    """Write the explorer, a contact sheet and a CSV of how the sample reaches each tag.

    ``rows`` counts their pairs and images, and the tags of the CSV.

    If the run was scored and filtered, the page has two more sections. DuckDB counts out of core.
    Memory holds what the gallery searches, which the config limits. Without tiles there is no
    contact sheet.
    """
    given = {"objects": objects, "meta": meta, "images": images, "captions": captions}
    folder = _Folder(root)
    in_tars = bool(images.head(1, columns=["tar"], filter=pc.field("tar").is_valid()).num_rows)
    gallery = Gallery(has_filter="filtered" in others, in_tars=in_tars)
    for name, content in fill(gallery, {**given, **others, "pairs": pairs}, config):
        folder.write(f"report/data/{name}.js", content, DETAILS)
    for name, content in gallery.scripts(config.seed):
        folder.write(f"report/data/{name}.js", content, len(gallery))
    for path, image in sorted(images_in_tars(root, images, gallery.filepaths()).items()):
        folder.write(f"report/{path}", image.read_bytes(), 1)
    counted = _count(root, given | others | {"pairs": pairs}, gallery)
    figures, charts = counted.figures, counted.charts
    overview = {"charts": charts, "cover": _cover(figures), "arrows": counted.shifts.arrows}
    folder.write("report/data/overview.js", script("overview", overview), figures.captioned)
    for name, content in {**library_files(), **_own_files()}.items():
        folder.write(f"report/{name}", content, 0)
    page = render_page(
        config.title, figures, counted.reach, counted.shifts,
        pairs=gallery.pairs, lost=(len(gallery) - gallery.pairs, count_lost(captions)),
        charts=charts.keys(), scored=counted.scored,
    )  # fmt: skip
    folder.write(PAGE, page.encode(), figures.captioned)
    folder.write(REVIEW, render_review(config.title).encode(), 0)
    folder.write(TAGS, *counted.tags)
    if sheet := read_cards(choose_objects(meta, config.seed, SHEET_TILES), captions):
        inside = images_in_tars(root, images, (card.filepath for card in sheet))
        folder.write(SHEET, draw_contact_sheet(sheet, root, inside), len(sheet))
    yield files_written(root, folder.rows)


class _Counted(NamedTuple):
    """What DuckDB counts in the tables."""

    figures: Figures
    reach: Reach
    shifts: Shifts
    tags: tuple[bytes, int]
    """A CSV, and its number of rows."""
    charts: dict[str, Spec]
    scored: Scored | None


def _count(root: Place, given: Mapping[str, ds.Dataset], gallery: Gallery) -> _Counted:
    with scratch(root, "report") as place, database(place) as connection:
        for name, dataset in given.items():
            connection.register(name, dataset)
        figures = compute_figures(connection)
        return _Counted(
            figures,
            compute_reach(connection),
            compute_shifts(connection),
            reach_csv(connection),
            all_charts(figures, compute_spread(connection), gallery.concepts()),
            compute_scored(connection, root) if {"scores", "filtered"} <= {*given} else None,
        )


class _Folder:
    """The files of the report, and the rows that each stands for."""

    def __init__(self, root: Place) -> None:
        self._root = root
        self.rows: dict[str, int] = {}

    def write(self, name: str, content: bytes, rows: int) -> None:
        write_bytes(self._root / name, content)
        self.rows[name] = rows


def _cover(figures: Figures) -> dict[str, Any] | None:
    return asdict(figures.cover) if figures.cover else None


def _own_files() -> dict[str, bytes]:
    """Give the explorer's own scripts and its style."""
    folder = files("stages.report") / "explorer"
    return {
        f"explorer/{one.name}": one.read_bytes()
        for one in sorted(folder.iterdir(), key=lambda one: one.name)
        if one.name.endswith((".js", ".css"))
    }


def _external(config: ReportConfig) -> Mapping[str, str]:  # noqa: ARG001 - any stage's config
    return versions()


REPORT = DatasetStage(
    "report",
    report,
    ReportConfig,
    reads=_READS,
    may_read=(tables.SCORES, tables.FILTERED),
    writes=tables.REPORT,
    external=_external,
    owns=tables.owned_files(
        *(PAGE, REVIEW, SHEET, TAGS, "report/data/*.js", "report/vendor/*", "report/explorer/*"),
        f"report/{IMAGE_FILES}",
    ),
    version=12,
)
