"""Extract: the objects of an OSM file with a key of the vocabulary, each with its geometry.

Rows go to a scratch file as they are read. DuckDB then joins the assembled areas to their relations
and sorts all rows by place, out of core. So memory holds the index of node places, the ways that
libosmium keeps for its assembler, and little else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
from pipeline.storage import Place
from skyscript.geo.tile import Box
from skyscript.osm.bounds import with_bounds
from skyscript.osm.inputs import check_file, input_files
from skyscript.vocabulary import own_labels
from stages import tables
from stages.extract.config import ExtractConfig
from stages.extract.reading import SCRATCH, Reading, read_files

if TYPE_CHECKING:
    import duckdb

SAME_OBJECT = "tagged on its multipolygon, too, which stands for it"

REPAIRED = "repaired by the even-odd rule"

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
        coalesce(o.geometry, s.geometry, x.geometry) AS geometry,
        coalesce(o.west, s.west, x.west) AS west, coalesce(o.south, s.south, x.south) AS south,
        coalesce(o.east, s.east, x.east) AS east, coalesce(o.north, s.north, x.north) AS north,
        CASE WHEN w.tags IS NULL THEN o.tags ELSE map_from_entries(list_concat(map_entries(o.tags),
            [x FOR x IN map_entries(w.tags) IF NOT list_contains(map_keys(o.tags), x.key)])) END
            AS tags,
        o.osm_version, o.changed,
        CASE WHEN x.is_repaired THEN o.geom_rule || ', ' || $repaired ELSE o.geom_rule END
            AS geom_rule,
        CASE WHEN coalesce(o.geometry, s.geometry, x.geometry) IS NULL THEN 'filtered' ELSE 'ok'
            END AS status,
        coalesce(o.reason, s.reason, x.reason) AS reason,
        CASE WHEN coalesce(o.place, s.place, x.place) IS NOT NULL THEN struct_pack(
            xmin := coalesce(o.west, s.west, x.west), ymin := coalesce(o.south, s.south, x.south),
            xmax := coalesce(o.east, s.east, x.east), ymax := coalesce(o.north, s.north, x.north)
            ) END AS bbox
    FROM merged o
    LEFT JOIN same w ON o.kind = 'r' AND o.osm_id = w.relation AND w.is_only
    LEFT JOIN shapes s ON o.kind = 'r' AND o.reason IS NULL AND o.osm_id = s.osm_id
    LEFT JOIN rejected x ON o.kind = 'r' AND o.osm_id = x.osm_id
    ORDER BY coalesce(o.place, s.place, x.place) NULLS LAST, o.kind, o.osm_id
"""
"""All rows in order. A UNION ALL of the rows with and without a multipolygon would not do: DuckDB
2.0 sorts one in memory only."""
_EXTENT = "SELECT min(west), min(south), max(east), max(north) FROM objects"


def extract(*, config: ExtractConfig, root: Place) -> Iterator[pa.Table]:
    """Extract every object that has a key of the vocabulary, sorted by place (Hilbert order).

    Nodes, ways that are lines, closed ways that are areas (`polygon_features.closed_way`) and
    relations of type multipolygon or boundary, assembled by libosmium. An object without a usable
    geometry comes last, filtered, with the reason. Objects keep all their tags, in OSM's order.

    A way that has a tag of its multipolygon is one object with it: the multipolygon, which gets the
    way's other tags if the way is all of its outline.

    Raises `InputError` if the file cannot be read or has no such object.
    """
    with scratch(root, "extract") as folder:
        reading = Reading(
            _inputs(config), _keys(config), config.node_index, config.repair is not None
        )
        stated = read_files(reading, folder)
        if not pq.read_metadata(folder / "objects.parquet").num_rows:
            raise InputError(
                f"{reading.names} holds no object with a key of the vocabulary: is it the right "
                "file?"
            )
        with database(folder) as connection:
            for name in SCRATCH:
                view(connection, name, folder / f"{name}.parquet")
            connection.execute(_WITH_AREA)
            connection.execute(_SAME)
            bounds = _bounds(connection, stated)
            params = {"same_object": SAME_OBJECT, "repaired": REPAIRED}
            rows = connection.sql(_SORTED, params=params).to_arrow_reader(
                min(config.part_rows, 20_000)
            )
            for part in cut_into_parts(rows, config.part_rows):
                yield with_bounds(part.cast(tables.OBJECTS.schema), bounds)


def _keys(config: ExtractConfig) -> frozenset[str]:
    """Give the keys with at least one visible value, by the vocabulary or the user's labels."""
    own = own_labels(config.own_labels).items()
    return tag_vocab.groundable_keys() | {key for (key, _), label in own if label.entry.groundable}


def _inputs(config: ExtractConfig) -> list[tuple[Path, str]]:
    """Give the files with their formats, in the order of their contents, whatever their names."""
    files = input_files(config.paths)
    formats = {path: check_file(path, config.format) for path in files}
    return sorted(formats.items(), key=lambda item: identify(item[0]))


def _bounds(connection: duckdb.DuckDBPyConnection, stated: Sequence[Box]) -> list[Box]:
    """Give the boxes within which the files are complete: as stated, else that of the points.

    A header may claim too much, so the boxes are cut to that of the nodes and ways. Ways lead out
    of an extract; points do not.
    """
    rows = [connection.sql(f"{_EXTENT} {each}").fetchall()[0] for each in ("WHERE kind = 'n'", "")]
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


def _external(config: ExtractConfig) -> Mapping[str, str]:
    ids = [identify(path) for path, _ in _inputs(config)]
    keys = "\n".join(sorted(_keys(config)))
    return {
        "OSM file": ids[0] if len(ids) == 1 else content_id(" ".join(ids).encode()),
        "keys of the vocabulary": content_id(keys.encode()),
    }


EXTRACT = DatasetStage(
    "extract",
    extract,
    ExtractConfig,
    reads=(),
    writes=tables.OBJECTS,
    external=_external,
    version=4,
)
