"""Small OSM files for tests, written as OPL: a line an object, as osmium prints them."""

from collections.abc import Iterable
from pathlib import Path

import osmium
import pyarrow as pa
import pyarrow.dataset as ds
import shapely

from pipeline.schema import STATUS_OK, conform
from stages import tables
from stages.extract import ExtractConfig, extract, find_boxes
from tests.stages.stored import stored

CORNERS = """\
n1 x7.000 y43.000
n2 x7.001 y43.000
n3 x7.001 y43.001
n4 x7.000 y43.001
n5 x7.0004 y43.0004
n6 x7.0006 y43.0004
n7 x7.0006 y43.0006
"""
"""A square of about 100 m and, within it, three corners of a triangle."""


def write_opl(path: Path, *texts: str) -> Path:
    """Write lines of OPL to a file; indentation goes."""
    lines = [line.strip() for text in texts for line in text.splitlines() if line.strip()]
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def convert(source: Path, target: Path, options: str = "") -> Path:
    """Copy an OSM file into the format that the target's name says, object by object."""
    with osmium.SimpleWriter(osmium.io.File(str(target), options)) as writer:
        for thing in osmium.FileProcessor(str(source)):
            writer.add(thing)
    return target


def extracted(path: Path, root: Path, **config: object) -> pa.Table:
    """Read a file and give all its objects, as if tiles showed every one of them."""
    settings = ExtractConfig(path=path, **config)
    return every_object(find_boxes(config=settings, root=root), settings, root)


def every_object(
    boxes: Iterable[pa.Table], config: ExtractConfig, root: Path, **read: ds.Dataset
) -> pa.Table:
    """Give the objects of a table of boxes, those without a geometry last; all parts are checked.

    ``read`` are the tables ``ways`` and ``nodes``, if shards have read them.
    """
    given = stored(tables.BOXES, root, boxes)
    parts = (fragment.to_table() for fragment in given.get_fragments())
    names = tables.WANTED.schema.names
    wanted = stored(tables.WANTED, root, (part.select(names) for part in parts))
    made = extract(given, wanted, config=config, root=root, **read)
    found = [conform(part, tables.OBJECTS, where="test") for part in made]
    lost = given.to_table(filter=ds.field("status") != STATUS_OK)
    assert lost["geometry"].null_count == len(lost)
    schema = found[0].schema if found else tables.OBJECTS.schema
    nulls = pa.nulls(len(lost), tables.BBOX)
    found.append(lost.append_column("bbox", nulls).select(schema.names).cast(schema))
    return pa.concat_tables(found)


def by_id(table: pa.Table) -> dict[str, dict]:
    return {row["object_id"]: row for row in table.to_pylist()}


def geometry(row: dict) -> shapely.Geometry:
    return shapely.from_wkb(row["geometry"])
