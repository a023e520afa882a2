"""The objects among which the stage chooses: those of which the sources can show something."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from pipeline.schema import STATUS_OK
from pipeline.scratch import ScratchParquet
from skyscript import chance
from skyscript.geo.tile import Box, project
from skyscript.osm.underground import hidden_from_above
from stages.sample.config import SampleConfig
from tag_vocab import Vocabulary

_CANDIDATES = pa.schema(
    [
        pa.field("row", pa.int64()),  # among the rows of the table of objects that are ok
        pa.field("cell", pa.string()),
        pa.field("draw", pa.float64()),
        pa.field("tags", pa.list_(pa.string())),  # those that can be seen, as key=value
    ]
)


def write_candidates(
    objects: ds.Dataset, words: Vocabulary, gsd: float, config: SampleConfig, path: Path
) -> int:
    """Write a scratch row for each candidate and give their number."""
    start = count = 0
    with ScratchParquet(path, _CANDIDATES) as file:
        for batch in scan(objects, ["object_id", "kind", *Box._fields, "tags"]):
            visible = [_seen(tags, words, gsd / config.gsd_slack) for tags in _tags(batch)]
            large_enough = _longer_sides(batch) >= gsd * config.min_extent
            rows = np.flatnonzero(large_enough & [bool(tags) for tags in visible])
            ids = batch.column("object_id").take(rows).to_pylist()
            cells = _cells(batch.take(rows), config.cell_degrees)
            file.write(
                {
                    "row": pa.array(start + rows, pa.int64()),
                    "cell": pa.array(cells, pa.string()),
                    "draw": pa.array(
                        [chance.uniform(config.seed, name, "sample") for name in ids], pa.float64()
                    ),
                    "tags": pa.array([visible[row] for row in rows], _CANDIDATES.field(3).type),
                }
            )
            start += len(batch)
            count += len(rows)
    return count


def _seen(tags: Mapping[str, str], words: Vocabulary, gsd: float) -> list[str]:
    """Give an object's tags that are visible at a GSD as ``key=value``; none if it is hidden."""
    if hidden_from_above(tags):
        return []
    return [f"{key}={value}" for key, value, _ in words.seen(tags, gsd)]


def _tags(batch: pa.RecordBatch) -> Iterator[dict[str, str]]:
    """Give the tags of each object."""
    column = batch.column("tags")
    keys, values = column.keys.to_pylist(), column.items.to_pylist()
    for first, last in itertools.pairwise(column.offsets.to_pylist()):
        yield dict(zip(keys[first:last], values[first:last], strict=True))


def why_none(objects: ds.Dataset, words: Vocabulary, gsd: float) -> str:
    """Say why no object is a candidate for sources of a finest GSD."""
    open_to_sky = (
        tags
        for batch in scan(objects, ["tags"])
        for tags in _tags(batch)
        if not hidden_from_above(tags)
    )
    coarsest = max((words.max_gsd(tags) or 0.0 for tags in open_to_sky), default=0.0)
    if not coarsest:
        return (
            "no object of the extract carries a tag that can be seen from above: take a larger "
            "extract or another place"
        )
    if coarsest >= gsd:
        return (
            "no object of the extract fills enough pixels of any source: the finest GSD is "
            f"{gsd:g} m. Add a sharper source, or lower `min_extent`"
        )
    slack = math.ceil(10 * gsd / coarsest) / 10
    return (
        f"no source is sharp enough for any object of the extract: the finest GSD is {gsd:g} m, "
        f"and no tag can be seen above {coarsest:g} m. Add a sharper source, or set `gsd_slack` "
        f"to {slack:g} or more"
    )


def _longer_sides(batch: pa.RecordBatch) -> npt.NDArray[np.float64]:
    """Give the longer side of each area in metres, a hundredth too long; infinite if it is none."""
    west, south, east, north = (batch.column(side).to_numpy() for side in Box._fields)
    scale = np.cos(np.radians((south + north) / 2))
    size = project(np.column_stack([east, north])) - project(np.column_stack([west, south]))
    is_area = np.isin(batch.column("kind").to_numpy(zero_copy_only=False), ["a", "r"])
    longer: npt.NDArray[np.float64] = np.where(is_area, 1.01 * size.max(axis=1) * scale, np.inf)
    return longer


def _cells(batch: pa.RecordBatch, degrees: float) -> list[str]:
    lon, lat = (
        (batch.column(low).to_numpy() + batch.column(high).to_numpy()) / 2
        for low, high in (("west", "east"), ("south", "north"))
    )
    across = np.floor(lon / degrees).astype(np.int64).tolist()
    up = np.floor(lat / degrees).astype(np.int64).tolist()
    return [f"{x}/{y}" for x, y in zip(across, up, strict=True)]


def scan(objects: ds.Dataset, columns: list[str]) -> Iterator[pa.RecordBatch]:
    """Read the rows that are ok in order, at most a few parts ahead."""
    is_ok = pc.field("status") == STATUS_OK
    yield from objects.to_batches(
        columns=columns, filter=is_ok, batch_size=20_000, batch_readahead=2, fragment_readahead=1
    )
