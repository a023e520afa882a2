"""The stage `pairs`: it joins the tables of a run, part by part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from pipeline.errors import InputError
from pipeline.parquet_files import read_part
from pipeline.run_fingerprint import run_fingerprint
from pipeline.schema import STATUS_OK
from pipeline.stage import DatasetStage, StageConfig
from pipeline.storage import Place
from skyscript.files.names import NOT_KEPT
from stages import tables
from stages.pairs.columns import Scenes, pair_columns
from stages.pairs.places import CsvPlaces, Reasons

_READS = (
    tables.OBJECTS,
    tables.FOCUS,
    tables.SCENES,
    tables.IMAGES,
    tables.MATCH,
    tables.META,
    tables.CAPTIONS,
    tables.FILES,
)
_IN_STEP = ("focus", "images", "match", "meta", "captions", "scores", "normalised")
"""Tables whose parts have the same objects in the same order."""


class RunPairsConfig(StageConfig):
    """No options: the record holds everything that the run knows of a pair."""


def run_pairs(
    objects: ds.Dataset,
    scenes: ds.Dataset,
    *,
    config: RunPairsConfig,  # noqa: ARG001 - one signature for all stages
    root: Place,
    **others: ds.Dataset,
) -> Iterator[pa.Table]:
    """Write one record for each pair: its object, image, grid, tags, captions, scores and files.

    Part *i* holds the captioned images of part *i* of ``captions``, in order. Memory holds one part
    of each table, and the table of scenes. Raises `InputError` if the tables do not belong
    together.
    """
    fingerprint = run_fingerprint(root, ["objects", "scenes", *others])
    listed = [
        name
        for table in ("files", "filtered")
        if table in others
        for name in others[table].to_table(["filepath"]).column(0).to_pylist()
        if name.endswith(".csv")
    ]
    places = CsvPlaces(root, [name for name in listed if name != NOT_KEPT])
    reasons = Reasons(root / NOT_KEPT if NOT_KEPT in listed else None)
    known = Scenes(scenes)
    for part in _parts(others):
        paths = part["captions"]["filepath"].combine_chunks()
        columns = pair_columns(part, objects, known, places.of(paths))
        columns["not_kept"] = reasons.of(paths)
        columns["fingerprint"] = pa.array([fingerprint] * len(paths), pa.string())
        yield pa.table(columns, schema=tables.RUN_PAIRS.schema)
    places.finish()
    reasons.finish()


def _parts(datasets: Mapping[str, ds.Dataset]) -> Iterator[dict[str, pa.Table]]:
    """Yield the parts of the tables, with the rows of captioned images only."""
    read = [name for name in (*_IN_STEP, "statements") if name in datasets]
    opened = [datasets[name].get_fragments() for name in read]
    for fragments in zip(*opened, strict=True):
        part = {
            name: read_part(fragment, datasets[name].schema)
            for name, fragment in zip(read, fragments, strict=True)
        }
        ids = part["captions"]["object_id"]
        for name in _IN_STEP:
            if name in part and not part[name]["object_id"].equals(ids):
                raise InputError(f"The tables captions and {name} are of different runs.")
        captioned = pc.equal(part["captions"]["status"], STATUS_OK)
        yield {
            name: table.filter(captioned) if name in _IN_STEP else table
            for name, table in part.items()
        }


RUN_PAIRS = DatasetStage(
    "pairs",
    run_pairs,
    RunPairsConfig,
    reads=_READS,
    may_read=(tables.STATEMENTS, tables.SCORES, tables.NORMALISED, tables.FILTERED),
    writes=tables.RUN_PAIRS,
    version=4,
)
