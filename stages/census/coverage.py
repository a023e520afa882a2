"""What each source covers of the occupied cells, by the outlines of its images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import shapely

from skyscript.backends.outlines import Outline, outlines
from skyscript.backends.registry import Sources
from stages.census.config import CensusConfig

if TYPE_CHECKING:
    import duckdb

SCHEMA = pa.schema(
    [
        ("source", pa.string()),  # alias
        ("finest_gsd", pa.float64()),  # metres; 0 if it is unknown
        ("cells", pa.int64()),  # occupied cells whose centre it covers
        ("objects", pa.int64()),  # in these cells; relations have no cell here
        ("shown", pa.int64()),  # of these, the objects that are visible at its finest GSD there
    ]
)
_OCCUPIED = "SELECT x, y, max_gsd, sum(objects)::BIGINT AS objects FROM cells GROUP BY ALL"


def coverage(
    connection: duckdb.DuckDBPyConnection, sources: Sources, config: CensusConfig
) -> pa.Table:
    """Count for each source the cells and objects that it covers, from the view ``cells``."""
    found = outlines(sources) if sources else []
    trees = {alias: _tree(found, alias) for alias in sorted(sources)}
    totals = {alias: np.zeros(3, np.int64) for alias in trees}
    cells: dict[str, set[tuple[int, int]]] = {alias: set() for alias in trees}
    for batch in connection.sql(_OCCUPIED).to_arrow_reader(100_000) if trees else ():
        x, y, max_gsd, objects = (batch.column(name).to_numpy() for name in batch.schema.names)
        centres = shapely.points((x + 0.5) * config.cell_degrees, (y + 0.5) * config.cell_degrees)
        for alias, (tree, gsds) in trees.items():
            point, area = tree.query(centres, predicate="intersects")
            finest = np.full(len(centres), np.inf)
            np.minimum.at(finest, point, gsds[area])
            covered = np.isfinite(finest)
            is_shown = covered & (max_gsd > 0) & (finest <= max_gsd * config.gsd_slack)
            cells[alias].update(zip(x[covered].tolist(), y[covered].tolist(), strict=True))
            totals[alias] += [0, objects[covered].sum(), objects[is_shown].sum()]
    rows = [
        (alias, float(trees[alias][1].min()), len(cells[alias]), *totals[alias][1:].tolist())
        for alias in trees
    ]
    columns = zip(*rows, strict=True) if rows else ([],) * len(SCHEMA)
    arrays = [pa.array(list(c), f.type) for c, f in zip(columns, SCHEMA, strict=True)]
    return pa.Table.from_arrays(arrays, schema=SCHEMA)


def _tree(
    found: list[Outline], alias: str
) -> tuple[shapely.STRtree, np.ndarray[tuple[int], np.dtype[np.float64]]]:
    own = [outline for outline in found if outline.source == alias]
    areas = shapely.from_wkb([outline.geometry for outline in own])
    return shapely.STRtree(areas), np.array([outline.finest_gsd for outline in own])
