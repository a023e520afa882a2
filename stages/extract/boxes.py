"""Boxes: kind, tags and box of every object of an OSM file with a key of the vocabulary.

Nodes and ways come from the shards that read them, or go to a scratch file as libosmium reads them.
DuckDB then joins the assembled areas to their relations and sorts all rows by place, out of core.
What can be read again, or follows from the box, is not written: see `skyscript.osm.shapes`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.dataset as ds

from pipeline.errors import InputError
from pipeline.parquet_files import local_parts
from pipeline.scratch import cut_into_parts, database, scratch, view
from pipeline.stage import DatasetStage
from pipeline.storage import Place
from skyscript.geo.tile import Box
from skyscript.osm.blocks.shard_rows import SHARD
from skyscript.osm.bounds import with_bounds
from stages import tables
from stages.extract.by_blocks import Shards
from stages.extract.config import ExtractConfig
from stages.extract.inputs import checked_inputs, external, wanted_keys
from stages.extract.reading import SCRATCH, Reading, read_files

if TYPE_CHECKING:
    import duckdb

log = logging.getLogger(__name__)

SAME_OBJECT = "tagged on its multipolygon, too, which stands for it"

REPAIRED = "repaired by the even-odd rule"
NO_OBJECT = "{} holds no object with a key of the vocabulary: is it the right file?"

_WITH_AREA = """
    CREATE VIEW with_area AS
    SELECT osm_id FROM shapes WHERE geometry IS NOT NULL
    UNION ALL SELECT osm_id FROM rejected WHERE geometry IS NOT NULL
"""
_SAME = """
    CREATE TABLE same AS
    SELECT w.kind, w.osm_id, w.tags, m.relation, m.is_only
    FROM outers m
    JOIN objects w ON w.osm_id = m.way AND (w.kind = 'a' OR w.geom_rule = 'open way')
    JOIN with_area s ON s.osm_id = m.relation
    WHERE w.reason IS NULL
        AND list_has_any(m.tags, [x.key || '=' || x.value FOR x IN map_entries(w.tags)])
"""
_SORTED = """
    WITH merged AS (
        SELECT
            o.* REPLACE (
                if(m.osm_id IS NULL, o.reason, coalesce(o.reason, $same_object)) AS reason,
                if(m.osm_id IS NULL AND o.kind <> 'n', o.geometry, NULL) AS geometry,
                if(m.osm_id IS NULL, o.west, NULL) AS west,
                if(m.osm_id IS NULL, o.south, NULL) AS south,
                if(m.osm_id IS NULL, o.east, NULL) AS east,
                if(m.osm_id IS NULL, o.north, NULL) AS north,
                if(m.osm_id IS NULL, o.place, NULL) AS place
            )
        FROM objects o
        LEFT JOIN (SELECT DISTINCT kind, osm_id FROM same) m
            ON o.kind = m.kind AND o.osm_id = m.osm_id
    )
    SELECT
        o.kind || o.osm_id AS object_id, o.kind, o.osm_id,
        coalesce(o.geometry, s.geometry, x.geometry) AS geometry,
        coalesce(o.west, s.west, x.west) AS west, coalesce(o.south, s.south, x.south) AS south,
        coalesce(o.east, s.east, x.east) AS east, coalesce(o.north, s.north, x.north) AS north,
        CASE WHEN w.tags IS NULL THEN o.tags ELSE map_from_entries(list_concat(map_entries(o.tags),
            [x FOR x IN map_entries(w.tags) IF NOT list_contains(map_keys(o.tags), x.key)])) END
            AS tags,
        o.osm_version, o.changed,
        CASE WHEN x.is_repaired THEN o.geom_rule || ', ' || $repaired ELSE o.geom_rule END
            AS geom_rule,
        CASE WHEN coalesce(o.place, s.place, x.place) IS NULL THEN 'filtered' ELSE 'ok'
            END AS status,
        coalesce(o.reason, s.reason, x.reason) AS reason
    FROM merged o
    LEFT JOIN same w ON o.kind = 'r' AND o.osm_id = w.relation AND w.is_only
    LEFT JOIN shapes s ON o.kind = 'r' AND o.reason IS NULL AND o.osm_id = s.osm_id
    LEFT JOIN rejected x ON o.kind = 'r' AND o.osm_id = x.osm_id
    ORDER BY coalesce(o.place, s.place, x.place) NULLS LAST, o.kind, o.osm_id
"""
"""All rows in order. A UNION ALL of the rows with and without a multipolygon would not do: DuckDB
2.0 sorts one in memory only."""
_EXTENT = "SELECT min(west), min(south), max(east), max(north) FROM objects"
_NOT_CUT = "WHERE east - west <= 180"
"""The box of an object across the antimeridian says nothing about the extent of the file."""


def find_boxes(
    blobs: ds.FileSystemDataset | None = None,
    nodes: ds.FileSystemDataset | None = None,
    ways: ds.FileSystemDataset | None = None,
    *,
    config: ExtractConfig,
    root: Place,
) -> Iterator[pa.Table]:
    """Give every object that has a key of the vocabulary, sorted by place (Hilbert order).

    Nodes, ways that are lines, closed ways that are areas (`polygon_features.closed_way`) and
    relations of type multipolygon or boundary, assembled by libosmium. An object without a usable
    geometry comes last, filtered, with the reason. Objects keep all their tags, in OSM's order.

    A way that has a tag of its multipolygon is one object with it: the multipolygon, which gets the
    way's other tags if the way is all of its outline.

    Nodes and ways come from the tables of their shards; without these, libosmium reads the files.
    Raises `InputError` if the file cannot be read or has no such object.
    """
    shards = None
    if blobs is not None and nodes is not None and ways is not None:
        shards = Shards(*(local_parts(table) for table in (blobs, nodes, ways)))
    with scratch(root, "boxes") as folder:
        reading = Reading(
            checked_inputs(config),
            wanted_keys(config),
            config.node_index,
            repairs=config.repair is not None,
            shards=shards,
        )
        outcome = read_files(reading, folder)
        if outcome.left is not None:
            log.info("%s is read object by object: %s", reading.names, outcome.left)
        with database(folder) as connection:
            parts = [] if shards is None or outcome.left is not None else shards.objects
            _open(connection, folder, parts)
            if not connection.sql("SELECT 1 FROM objects LIMIT 1").fetchall():
                raise InputError(NO_OBJECT.format(reading.names))
            bounds = _bounds(connection, outcome.bounds)
            params = {"same_object": SAME_OBJECT, "repaired": REPAIRED}
            rows = connection.sql(_SORTED, params=params).to_arrow_reader(
                min(config.part_rows, 20_000)
            )
            for part in cut_into_parts(rows, config.part_rows):
                yield with_bounds(part.cast(tables.BOXES.schema), bounds)


def _open(connection: duckdb.DuckDBPyConnection, folder: Path, parts: Sequence[Path]) -> None:
    """Make the scratch files, and the objects in the parts of shards, available to queries."""
    view(connection, "everything", folder / "objects.parquet", *parts)
    connection.execute(f"CREATE VIEW objects AS SELECT * FROM everything WHERE kind <> '{SHARD}'")
    for name in SCRATCH:
        if name != "objects":
            view(connection, name, folder / f"{name}.parquet")
    connection.execute(_WITH_AREA)
    connection.execute(_SAME)


def _bounds(connection: duckdb.DuckDBPyConnection, stated: Sequence[Box]) -> list[Box]:
    """Give the boxes within which the files are complete: as stated, else that of the points.

    A header may claim too much, so the boxes are cut to that of the nodes and ways. Ways lead out
    of an extract; points do not.
    """
    rows = [
        connection.sql(f"{_EXTENT} {each}").fetchall()[0] for each in ("WHERE kind = 'n'", _NOT_CUT)
    ]
    points, everything = (Box(*row) if row[0] is not None else None for row in rows)
    if everything is None:
        return []
    cut = []
    for given in stated or [points or everything]:
        west, south = (max(pair) for pair in zip(given[:2], everything[:2], strict=True))
        east, north = (min(pair) for pair in zip(given[2:], everything[2:], strict=True))
        if west <= east and south <= north:
            cut.append(Box(west, south, east, north))
    return cut


BOXES = DatasetStage(
    "boxes",
    find_boxes,
    ExtractConfig,
    reads=(),
    writes=tables.BOXES,
    external=external,
    may_read=(tables.BLOBS, tables.NODES, tables.WAYS),
    block_of="extract",
    version=2,
)
