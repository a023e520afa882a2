"""Small OSM files for tests, written as OPL: a line an object, as osmium prints them."""

from pathlib import Path

import osmium
import pyarrow as pa
import shapely

from pipeline.schema import conform
from stages import tables
from stages.extract import ExtractConfig, extract

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
    """Extract a file and give the whole table; each part must keep the contract."""
    parts = extract(config=ExtractConfig(path=path, **config), root=root)
    return pa.concat_tables(conform(part, tables.OBJECTS, where="test") for part in parts)


def by_id(table: pa.Table) -> dict[str, dict]:
    return {row["object_id"]: row for row in table.to_pylist()}


def geometry(row: dict) -> shapely.Geometry:
    return shapely.from_wkb(row["geometry"])
