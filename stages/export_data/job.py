"""Exports the pairs of a run: data, card, Croissant and licences in one folder."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from pipeline.atomic import write_json
from pipeline.out_folder import replace_folder
from pipeline.scratch import database, scratch
from skyscript.files.pairs_csv import write_pairs
from stages.export_data.card import render_card
from stages.export_data.choices import write_choices
from stages.export_data.coco import write_coco
from stages.export_data.config import ExportConfig, Format
from stages.export_data.croissant import describe
from stages.export_data.figures import (
    BATCH,
    BLOCK,
    Diversity,
    Figures,
    compute_figures,
    measure_diversity,
)
from stages.export_data.judged import Judged, read_judged
from stages.export_data.licences import NOT_STATED, Licence
from stages.export_data.llava import write_llava
from stages.export_data.pairs import Pairs, RunTables, choose_pairs
from stages.export_data.parquet import write_parquet
from stages.export_data.stac import write_stac
from stages.export_data.webdataset import write_webdataset
from stages.export_data.zips import write_zips

REPORT = "export.json"
LICENCES = "licences.csv"
CARD = "README.md"
CROISSANT = "croissant.json"
MARKS = (REPORT, LICENCES)
"""The files that every export has."""


class Exported(NamedTuple):
    """The figures of an export."""

    counts: Mapping[str, int]
    """Pairs of each split."""
    files: int
    diversity: Diversity
    unlicensed: list[str]
    """The sources whose licence is not known."""
    non_commercial: list[str]

    def lines(self) -> list[str]:
        """Describe the figures in lines for the terminal."""
        pairs = ", ".join(f"{count:,} {split}" for split, count in self.counts.items())
        run, export, blocks = self.diversity
        lines = [
            f"{sum(self.counts.values()):>10,}  pairs ({pairs}) in {self.files:,} files",
            f"of a batch of {BATCH} pairs, {run:.1f} come from one block of {BLOCK}° in the order "
            f"of the run, {export:.1f} after the shuffle ({blocks:,} blocks)",
        ]
        if self.unlicensed:
            lines.append(
                f"the licence of {', '.join(self.unlicensed)} is not stated: name it with "
                "--licence ALIAS=TEXT before you publish the data"
            )
        if self.non_commercial:
            lines.append(f"the images of {', '.join(self.non_commercial)} allow no commercial use")
        return lines


def export_data(run: Path, tables: RunTables, out: Path, config: ExportConfig) -> Exported:
    """Write the export to the folder ``out``, which appears whole. Returns its figures.

    Raises `InputError` if a file of the run is missing or damaged, if a captions file does not
    belong to the run, or if ``out`` holds other files.
    """
    with (
        replace_folder(out, MARKS, "export-data") as folder,
        scratch(out.parent, f"pairs-{out.name}") as temporary,
        database(temporary) as connection,
    ):
        config = config.model_copy(update={"name": config.name or out.name})
        pairs = choose_pairs(connection, temporary, run, tables, config)
        judged = read_judged(connection, config.judged)
        names = [name for kind in config.formats for name in _WRITERS[kind](pairs, folder, config)]
        write_pairs(folder / LICENCES, Licence._fields, pairs.licences)
        figures = compute_figures(connection)
        diversity = measure_diversity(connection, next(iter(pairs.counts)))
        _describe(folder, pairs, config, CardFigures(figures, diversity, judged), names)
    licences = pairs.licences
    return Exported(
        pairs.counts,
        len(names),
        diversity,
        [one.source for one in licences if one.licence == NOT_STATED],
        [one.source for one in licences if one.licence_class == "non_commercial"],
    )


class CardFigures(NamedTuple):
    """The figures that the card states."""

    figures: Figures
    diversity: Diversity
    judged: Sequence[Judged]


def _describe(
    folder: Path,
    pairs: Pairs,
    config: ExportConfig,
    of_card: CardFigures,
    names: list[str],
) -> None:
    """Write the card, Croissant and the report."""
    digests = {name: _sha256(folder / name) for name in names}
    (folder / CARD).write_text(render_card(pairs, config, *of_card), "utf-8")
    write_json(
        folder / CROISSANT, describe(config.name, pairs, of_card.figures, of_card.judged, digests)
    )
    options = config.model_dump(mode="json", exclude={"captions", "judged"})
    report = {
        "options": options | {"captions": pairs.csvs},
        "pairs": pairs.counts,
        "figures": of_card.figures.as_json(),
        "diversity": of_card.diversity._asdict(),
        "judged": [one.as_json() for one in of_card.judged],
        "sha256": digests,
    }
    write_json(folder / REPORT, report)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


_WRITERS: Mapping[Format, Callable[[Pairs, Path, ExportConfig], list[str]]] = {
    "webdataset": lambda pairs, out, config: write_webdataset(pairs, out, config.per_file),
    "parquet": lambda pairs, out, config: write_parquet(pairs, out, config.per_file),
    "zips": lambda pairs, out, _: write_zips(pairs, out),
    "coco": lambda pairs, out, config: write_coco(pairs, out, config.images),
    "llava": lambda pairs, out, config: write_llava(pairs, out, config.images),
    "choices": write_choices,
    "stac": lambda pairs, out, config: write_stac(pairs, out, config.name),
}
