"""The random draw of cells: by a hash of each cell's name, never by the order of the rows."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pyarrow as pa

from skyscript import chance
from stages.sample.config import SampleConfig

if TYPE_CHECKING:
    import duckdb

_OCCUPIED = "SELECT x, y, count(*) AS objects FROM candidates GROUP BY ALL"
Cell = tuple[int, int]


def draw_cells(connection: duckdb.DuckDBPyConnection, count: int, config: SampleConfig) -> pa.Table:
    """Give the columns x and y of ``count`` occupied cells of the view ``candidates``.

    The draw is that of Efraimidis and Spirakis: each cell waits an exponential time at the rate of
    its weight, and the first ones are taken. So each draw is without replacement, and a cell's
    time does not depend on the other cells.
    """
    first = heapq.nsmallest(count, _waits(connection, config))
    columns = [[cell[axis] for _, cell in first] for axis in (0, 1)]
    return pa.table({"x": pa.array(columns[0], pa.int32()), "y": pa.array(columns[1], pa.int32())})


def _waits(
    connection: duckdb.DuckDBPyConnection, config: SampleConfig
) -> Iterator[tuple[float, Cell]]:
    for batch in connection.sql(_OCCUPIED).to_arrow_reader(10_000):
        columns = (batch.column(name).to_pylist() for name in ("x", "y", "objects"))
        for x, y, objects in zip(*columns, strict=True):
            wait = -math.log1p(-chance.uniform(config.seed, f"{x}/{y}", "cell"))
            yield wait / _weight(y, objects, config), (x, y)


def _weight(y: int, objects: int, config: SampleConfig) -> float:
    """Give the relative chance of a cell in a row of cells, with a number of objects."""
    match config.cell_draw:
        case "occupied":
            return 1.0
        case "area":
            south, north = (
                math.sin(math.radians(max(-90.0, min(90.0, row * config.cell_degrees))))
                for row in (y, y + 1)
            )
            return north - south
        case "inverse_density":
            return 1 / objects
