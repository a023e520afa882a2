"""The table ``scenes`` in memory: which scenes show a place, and the scene of an id."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import shapely

from pipeline.part_ranges import parts_meeting
from skyscript.geo.tile import Box, Points
from skyscript.imagery.protocol import Scene
from skyscript.table_cache import cached_by_files

_COLUMNS = ["scene_id", "source", "geometry", "gsd", "acquired", "weight"]

Indices = npt.NDArray[np.intp]


@dataclass(frozen=True)
class SceneIndex:
    """Every scene, by number. Columns instead of objects, because there may be a million."""

    scene_ids: pa.ChunkedArray
    sources: list[str]
    gsds: npt.NDArray[np.float64]
    years: npt.NDArray[np.int64]
    """The year in which each scene was acquired."""
    weights: npt.NDArray[np.float64]
    footprints: npt.NDArray[np.object_]
    tree: shapely.STRtree
    _names: dict[int, str] = field(default_factory=dict)
    """The ids that were asked for: few of a million."""

    def touching(self, box: Box) -> Indices:
        """Give the scenes that show at least a part of a box, in their order."""
        return np.sort(self.tree.query(shapely.box(*box), predicate="intersects"))

    def kind_of(self, number: int) -> tuple[str, float, int]:
        """Give what all images of a mosaic have in common: source, GSD and year."""
        return self.sources[number], float(self.gsds[number]), int(self.years[number])

    def scene_id(self, number: int) -> str:
        """Give a scene's id."""
        if (name := self._names.get(number)) is None:
            name = self._names[number] = str(self.scene_ids[number].as_py())
        return name

    def touching_points(self, points: Points) -> list[Indices]:
        """Give for each point the scenes that show it, in their order."""
        at, scenes = self.tree.query(shapely.points(points), predicate="intersects")
        order = np.lexsort((scenes, at))
        ends = np.cumsum(np.bincount(at, minlength=len(points)))
        return np.split(scenes[order], ends)[: len(points)]


def _scene_index(table: pa.Table) -> SceneIndex:
    footprints = shapely.from_wkb(table.column("geometry").to_numpy())
    shapely.prepare(footprints)
    return SceneIndex(
        scene_ids=table.column("scene_id"),
        sources=table.column("source").to_pylist(),
        gsds=table.column("gsd").to_numpy(),
        years=pc.year(table.column("acquired")).to_numpy(),
        weights=table.column("weight").to_numpy(),
        footprints=footprints,
        tree=shapely.STRtree(footprints),
    )


scene_index = cached_by_files(_scene_index, _COLUMNS)
"""Gives the index of the table ``scenes``."""


def scenes_by_id(scenes: ds.Dataset, ids: Iterable[str]) -> dict[str, Scene]:
    """Give the scenes with these ids."""
    wanted = sorted(set(ids))
    keys = {"scene_id": np.array(wanted, dtype=np.str_)}
    parts = parts_meeting(scenes, at_most=keys, at_least=keys)
    table = parts.to_table(filter=pc.field("scene_id").isin(pa.array(wanted, pa.string())))
    return {row["scene_id"]: _scene(row) for row in table.to_pylist()}


def _scene(row: dict[str, Any]) -> Scene:
    box = Box(*(row.pop(side) for side in Box._fields))
    hrefs = tuple(row.pop("hrefs") or ())
    for name in ("transform", "bands", "offsets"):
        row[name] = row[name] and tuple(row[name])
    return Scene(box=box, hrefs=hrefs, **row)
