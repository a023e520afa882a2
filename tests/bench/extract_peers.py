"""Extract and its peers, each as a command of its own, so that what each takes can be measured.

``python -m tests.bench.extract_peers ours FILE FOLDER`` prints how many objects come out.
"""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import osmium
import pyarrow as pa
import pyarrow.parquet as pq

import tag_vocab
from stages.extract import ExtractConfig, extract
from tests.conftest import REPOSITORY


class Taken(NamedTuple):
    """What a command took."""

    user: float
    wall: float
    mb: float
    said: str


def measured(*command: object) -> Taken:
    """Run a command; give its user CPU seconds, wall seconds, peak resident MB and last line."""
    started = time.perf_counter()
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    with subprocess.Popen(
        [str(each) for each in command], stdout=subprocess.PIPE, env=environment
    ) as process:
        output = process.stdout.read().decode()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, command
    said = output.strip().rpartition("\n")[2]
    return Taken(used.ru_utime, time.perf_counter() - started, used.ru_maxrss / 1024, said)


def commands(path: Path, folder: Path) -> dict[str, list[object]]:
    """Give the command of each peer that is installed, by name."""
    found = {
        name: [sys.executable, "-m", "tests.bench.extract_peers", name, path, folder]
        for name in ("ours", "objects", "processor")
    }
    if shutil.which("osmium"):
        keys = folder / "keys.txt"
        keys.write_text("\n".join(f"nwr/{key}" for key in sorted(tag_vocab.groundable_keys())))
        kept = folder / "kept.osm.pbf"
        found["floor"] = ["osmium", "fileinfo", "-e", path]
        found["tool"] = [
            *("sh", "-c", 'osmium tags-filter -O -e "$1" "$2" -o "$3" && '),
            *(keys, path, kept),
        ]
        found["tool"][2] += 'osmium export -O "$3" -f geojsonseq -o /dev/null'
        found["tool"].insert(3, "sh")
    if shutil.which("ogr2ogr"):
        found["ogr2ogr"] = ["ogr2ogr", "-overwrite", "-f", "GPKG", folder / "out.gpkg", path]
    return found


def replicated(path: Path, folder: Path, times: int) -> Path:
    """Write a sorted file of the objects ``times`` over, with ids of their own, by osmium-tool."""
    copies = [folder / f"copy{number}.osm.pbf" for number in range(times)]
    for number, copy in enumerate(copies):
        starts = ",".join(str(number * step + 1) for step in (2_200_000, 320_000, 8_000))
        measured("osmium", "renumber", "-O", "-s", starts, path, "-o", copy)
    measured("osmium", "merge", "-O", *copies, "-o", folder / "replicated.osm.pbf")
    for copy in copies:
        copy.unlink()
    return folder / "replicated.osm.pbf"


def ours(path: Path, folder: Path) -> int:
    """Extract as the stage does: a large sorted PBF by blocks."""
    return _extract(ExtractConfig(path=path), folder)


def objects(path: Path, folder: Path) -> int:
    """Extract with libosmium, an object of Python for each row."""
    return _extract(ExtractConfig(path=path, node_index="memory"), folder)


def _extract(config: ExtractConfig, folder: Path) -> int:
    count = 0
    for part in extract(config=config, root=folder):
        pq.write_table(part, folder / "part.parquet", compression="zstd")
        count += len(part)
    return count


SCHEMA = pa.schema(
    {
        "object_id": pa.string(),
        "geometry": pa.binary(),
        "tags": pa.map_(pa.string(), pa.string()),
    }
)


def processor(path: Path, folder: Path) -> int:
    """Read as pyosmium's manual advises: a `FileProcessor`, filtered and with areas in C++."""
    factory, count = osmium.geom.WKBFactory(), 0
    rows: list[tuple[str, bytes, list[tuple[str, str]]]] = []
    reader = osmium.FileProcessor(str(path)).with_areas()
    reader.with_filter(osmium.filter.KeyFilter(*sorted(tag_vocab.groundable_keys())))
    with pq.ParquetWriter(folder / "peer.parquet", SCHEMA, compression="zstd") as writer:
        for thing in reader:
            rows += _row(factory, thing)
            if len(rows) >= 20_000:
                count += _write(writer, rows)
        count += _write(writer, rows)
    return count


def _row(factory, thing):
    if thing.is_relation() or (thing.is_way() and thing.is_closed()):
        return
    try:
        if thing.is_node():
            wkb = factory.create_point(thing)
        elif thing.is_way():
            wkb = factory.create_linestring(thing)
        else:
            wkb = factory.create_multipolygon(thing)
    except (RuntimeError, osmium.InvalidLocationError):
        return
    tags = [(tag.k, tag.v) for tag in thing.tags]
    yield f"{thing.type_str()}{thing.id}", bytes.fromhex(wkb), tags


def _write(writer, rows) -> int:
    count = len(rows)
    columns = zip(*rows, strict=True) if rows else ([], [], [])
    arrays = [
        pa.array(list(column), field.type) for column, field in zip(columns, SCHEMA, strict=True)
    ]
    writer.write_table(pa.Table.from_arrays(arrays, schema=SCHEMA))
    rows.clear()
    return count


if __name__ == "__main__":
    name, source, target = sys.argv[1:]
    way = {"ours": ours, "objects": objects, "processor": processor}[name]
    print(f"{way(Path(source), Path(target)):,} objects")
