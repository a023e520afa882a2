"""Writes the captions of a whole run as the published CSV, into the run folder.

It says how many of them are longer than the context of CLIP.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from pipeline.atomic import write_file
from pipeline.schema import STATUS_OK
from pipeline.stage import DatasetStage, StageConfig
from pipeline.storage import Place
from skyscript.captions import CLIP_CONTEXT, COMPOSED
from skyscript.clip.text import describe_cut
from skyscript.files.names import FOLDERS
from skyscript.files.pairs_csv import HEADER, write_pairs
from stages import tables
from stages.tables import files_written

log = logging.getLogger(__name__)

FILE_NAME = "SkyScript_train_unfiltered.csv"


class UnfilteredConfig(StageConfig):
    """No options, because the published format is fixed."""


def unfiltered(
    captions: ds.Dataset,
    *,
    config: UnfilteredConfig,  # noqa: ARG001 - one signature for all stages
    root: Place,
) -> Iterator[pa.Table]:
    """Write ``SkyScript_train_unfiltered.csv`` into the run folder: all ok rows in table order."""
    for folder in FOLDERS:
        (root / folder).mkdir(parents=True, exist_ok=True)
    path = root / FILE_NAME
    counts: list[int] = []
    header = _header(captions)
    rows = _rows(captions, header)
    write_file(path, lambda file: counts.append(write_pairs(file, header, rows)))
    _log_cut(captions)
    yield files_written(root, {FILE_NAME: counts[0]})


def _log_cut(captions: ds.Dataset) -> None:
    for column, what in (("tokens", "titles"), ("tokens_multi_objects", "captions of all objects")):
        total = captions.count_rows(filter=pc.field(column).is_valid())
        cut = captions.count_rows(filter=pc.field(column) > CLIP_CONTEXT)
        if cut:
            log.warning("%s (%.1f %%)", describe_cut(cut, total, what), 100 * cut / total)
        elif total:
            log.info("all %s %s fit within the %d tokens of CLIP", f"{total:,}", what, CLIP_CONTEXT)


def _header(captions: ds.Dataset) -> tuple[str, ...]:
    """Give the published columns, and those of composed captions if the run makes some."""
    composed = captions.count_rows(filter=pc.field(COMPOSED[0]).is_valid())
    return (*HEADER, *COMPOSED) if composed else HEADER


def _rows(captions: ds.Dataset, header: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    ok = pc.field("status") == STATUS_OK
    for batch in captions.to_batches(columns=list(header), filter=ok):
        yield from zip(*(batch.column(name).to_pylist() for name in header), strict=True)


UNFILTERED = DatasetStage(
    "unfiltered",
    unfiltered,
    UnfilteredConfig,
    reads=(tables.CAPTIONS,),
    writes=tables.FILES,
    owns=tables.owned_files(FILE_NAME),
)
