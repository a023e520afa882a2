"""Extract: the objects of an OSM file with a key of the vocabulary, each with its geometry.

Rows go to a scratch file as they are read. DuckDB then joins the assembled areas to their relations
and sorts all rows by place, out of core. So memory holds the index of node places, the ways that
libosmium keeps for its assembler, and little else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

import tag_vocab
from pipeline.atomic import content_id
from pipeline.errors import InputError
from pipeline.identity import identify
from pipeline.scratch import cut_into_parts, database, scratch, view
from pipeline.stage import DatasetStage
from skyscript.geo.tile import Box
from skyscript.osm.bounds import with_bounds
from skyscript.osm.file import NotInOrderError, OsmFile, check_file
from skyscript.vocabulary import own_labels
from stages import tables
from stages.extract.by_blocks import read_by_blocks
from stages.extract.config import ExtractConfig
from stages.extract.rows import Rows

if TYPE_CHECKING:
    import duckdb

SAME_OBJECT = "tagged on its multipolygon, too, which stands for it"

_SAME = """
    CREATE TABLE same AS
    SELECT w.kind, w.osm_id, w.tags, m.relation, m.is_only
    FROM outers m
    JOIN objects w ON w.osm_id = m.way AND (w.kind = 'a' OR w.geom_rule = 'open way')
    JOIN shapes s ON s.osm_id = m.relation AND s.geometry IS NOT NULL
    WHERE w.reason IS NULL
        AND list_has_any(m.tags, [x.key || '=' || x.value FOR x IN map_entries(w.tags)])
"""
_SORTED = """
    WITH merged AS (
        SELECT
            o.* REPLACE (
                if(m.osm_id IS NULL, o.reason, coalesce(o.reason, $same_object)) AS reason,
                if(m.osm_id IS NULL, o.geometry, NULL) AS geometry,
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
        coalesce(o.geometry, s.geometry) AS geometry,
        coalesce(o.west, s.west) AS west, coalesce(o.south, s.south) AS south,
        coalesce(o.east, s.east) AS east, coalesce(o.north, s.north) AS north,
        CASE WHEN w.tags IS NULL THEN o.tags ELSE map_from_entries(list_concat(map_entries(o.tags),
            [x FOR x IN map_entries(w.tags) IF NOT list_contains(map_keys(o.tags), x.key)])) END
            AS tags,
        o.osm_version, o.changed, o.geom_rule,
        CASE WHEN coalesce(o.geometry, s.geometry) IS NULL THEN 'filtered' ELSE 'ok' END AS status,
        coalesce(o.reason, s.reason, b.reason) AS reason
    FROM merged o
    LEFT JOIN same w ON o.kind = 'r' AND o.osm_id = w.relation AND w.is_only
    LEFT JOIN shapes s ON o.kind = 'r' AND o.reason IS NULL AND o.osm_id = s.osm_id
    LEFT JOIN broken b ON o.kind = 'r' AND o.osm_id = b.osm_id
    ORDER BY coalesce(o.place, s.place) NULLS LAST, o.kind, o.osm_id
"""
"""All rows in order. A UNION ALL of the rows with and without a multipolygon would not do: DuckDB
2.0 sorts one in memory only."""
_BROKEN = """
    SELECT osm_id FROM objects
    WHERE kind = 'r' AND reason IS NULL AND osm_id NOT IN (SELECT osm_id FROM shapes)
    ORDER BY osm_id
"""
_EXTENT = "SELECT min(west), min(south), max(east), max(north) FROM objects"
_TWICE = "SELECT 1 FROM objects GROUP BY kind, osm_id HAVING count(*) > 1 LIMIT 1"


def extract(*, config: ExtractConfig, root: Path) -> Iterator[pa.Table]:
    """Extract every object that has a key of the vocabulary, sorted by place (Hilbert order).

    Nodes, ways that are lines, closed ways that are areas (`polygon_features.closed_way`) and
    relations of type multipolygon or boundary, assembled by libosmium. An object without a usable
    geometry comes last, filtered, with the reason. Objects keep all their tags, in OSM's order.

    A way that has a tag of its multipolygon is one object with it: the multipolygon, which gets the
    way's other tags if the way is all of its outline.

    Raises `InputError` if the file cannot be read or has no such object.
    """
    with scratch(root, "extract") as folder:
        keys = _keys(config)
        file_format = check_file(config.path, config.format)
        source = read_by_blocks(config.path, file_format, keys, folder) or _read_objects(
            config, keys, folder
        )
        if not pq.read_metadata(folder / "objects.parquet").num_rows:
            raise InputError(
                f"{config.path} holds no object with a key of the vocabulary: is it the right file?"
            )
        with database(folder) as connection:
            for name in ("objects", "shapes", "outers"):
                view(connection, name, folder / f"{name}.parquet")
            connection.execute(_SAME)
            _register_broken(connection, source)
            bounds = _bounds(connection, source)
            rows = connection.sql(_SORTED, params={"same_object": SAME_OBJECT}).to_arrow_reader(
                min(config.part_rows, 20_000)
            )
            for part in cut_into_parts(rows, config.part_rows):
                yield with_bounds(part.cast(tables.OBJECTS.schema), bounds)


def _keys(config: ExtractConfig) -> frozenset[str]:
    """Give the keys with at least one visible value, by the vocabulary or the user's labels."""
    own = own_labels(config.own_labels).items()
    return tag_vocab.groundable_keys() | {key for (key, _), label in own if label.entry.groundable}


def _read_objects(config: ExtractConfig, keys: frozenset[str], folder: Path) -> OsmFile:
    """Read the file with libosmium; give the file that tells why relations are no areas."""
    source = OsmFile(config.path, folder, config.format)
    try:
        _read(source, keys, folder)
    except NotInOrderError:
        source.sort()
        _read(source, keys, folder)
    return source


def _read(source: OsmFile, keys: frozenset[str], folder: Path) -> None:
    """Read the file into scratch files; raise `NotInOrderError` if it must be sorted first."""
    with Rows(folder) as rows:
        source.read(keys, rows)
    with database(folder) as connection:
        view(connection, "objects", folder / "objects.parquet")
        if connection.sql(_TWICE).fetchall():
            raise NotInOrderError
    if rows.lacking and source.holds_node(rows.lacking):
        raise NotInOrderError


def _register_broken(connection: duckdb.DuckDBPyConnection, source: OsmFile) -> None:
    """Register a table of the relations without an assembled area, with the reasons."""
    ids = [row[0] for row in connection.sql(_BROKEN).fetchall()]
    reasons = source.why_no_area(ids)
    table = pa.table(
        {"osm_id": pa.array(reasons, pa.int64()), "reason": pa.array(reasons.values(), pa.string())}
    )
    connection.register("broken", table)


def _bounds(connection: duckdb.DuckDBPyConnection, source: OsmFile) -> list[Box]:
    """Give the box within which the file is complete: its header's, else that of its points.

    A header may claim too much, so the box is cut to that of the nodes and ways. Ways lead out of
    an extract; points do not.
    """
    rows = [connection.sql(f"{_EXTENT} {each}").fetchall()[0] for each in ("WHERE kind = 'n'", "")]
    points, everything = (Box(*row) if row[0] is not None else None for row in rows)
    given = source.bounds() or points or everything
    if given is None or everything is None:
        return []
    west, south = (max(pair) for pair in zip(given[:2], everything[:2], strict=True))
    east, north = (min(pair) for pair in zip(given[2:], everything[2:], strict=True))
    return [Box(west, south, east, north)] if west <= east and south <= north else []


def _external(config: ExtractConfig) -> Mapping[str, str]:
    check_file(config.path, config.format)
    keys = "\n".join(sorted(_keys(config)))
    return {
        "OSM file": identify(config.path),
        "keys of the vocabulary": content_id(keys.encode()),
    }


EXTRACT = DatasetStage(
    "extract",
    extract,
    ExtractConfig,
    reads=(),
    writes=tables.OBJECTS,
    external=_external,
    version=3,
)
