"""Extract and its peers, each as a command of its own, so that what each takes can be measured.

``python -m tests.bench.extract_peers ours FILE FOLDER`` prints how many objects come out.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import osmium
import pyarrow as pa
import pyarrow.parquet as pq

import tag_vocab
from pipeline.build import Emit
from pipeline.config import parse_config
from pipeline.receipts import totals
from pipeline.run import Run
from pipeline.runner import run
from stages.extract import ExtractConfig, find_boxes
from stages.tables import OBJECTS
from tests.conftest import REPOSITORY
from tests.stages.extract.everything import RECIPE


class Taken(NamedTuple):
    """What a command took, with all its processes."""

    user: float
    wall: float
    mb: float
    """Peak resident memory of its largest process."""
    said: str


def measured(*command: object) -> Taken:
    """Run a command; give its user CPU seconds, wall seconds, peak resident MB and last line."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    with tempfile.NamedTemporaryFile("r") as file:
        done = subprocess.run(
            [sys.executable, "-m", "tests.bench.usage", file.name, *map(str, command)],
            stdout=subprocess.PIPE,
            env=environment,
            cwd=REPOSITORY,
            check=True,
        )
        took = json.load(file)
    assert took["code"] == 0, command
    said = done.stdout.decode().strip().rpartition("\n")[2]
    return Taken(took["user"], took["wall"], took["mb"], said)


def commands(path: Path, folder: Path) -> dict[str, list[object]]:
    """Give the command of each peer that is installed, by name."""
    found = {
        name: [sys.executable, "-m", "tests.bench.extract_peers", name, path, folder]
        for name in WAYS_TO_READ
    }
    if shutil.which("osmium"):
        keys = folder / "keys.txt"
        keys.write_text("\n".join(f"nwr/{key}" for key in sorted(tag_vocab.groundable_keys())))
        kept = folder / "kept.osm.pbf"
        found["floor"] = ["osmium", "fileinfo", "-e", "--no-progress", path]
        shell = (
            'osmium tags-filter --no-progress -O -e "$1" "$2" -o "$3" && '
            'osmium export --no-progress -O "$3" -f geojsonseq -o /dev/null'
        )
        found["tool"] = ["sh", "-c", shell, "sh", keys, path, kept]
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


def ours(path: Path, folder: Path, workers: int = 1, emit: Emit = print) -> int:
    """Extract as a run does: a large sorted PBF in shards. ``emit`` takes the events."""
    root = folder / f"run{workers}"
    shutil.rmtree(root, ignore_errors=True)
    blocks = {"extract": {"path": str(path)}, "runner": {"workers": workers}}
    run(RECIPE, parse_config(blocks, RECIPE, base=folder, where="bench"), root, emit)
    return totals(Run(root).folder(OBJECTS).receipts()).rows


def ours_2(path: Path, folder: Path) -> int:
    """Extract with two workers."""
    return ours(path, folder, workers=2)


def objects(path: Path, folder: Path) -> int:
    """Extract with libosmium, an object of Python for each row."""
    return _extract(ExtractConfig(path=path, node_index="memory"), folder)


def _extract(config: ExtractConfig, folder: Path) -> int:
    count = 0
    for part in find_boxes(config=config, root=folder):
        pq.write_table(part, folder / "part.parquet", compression="zstd")
        count += len(part)
    return count


def gdal(path: Path, folder: Path) -> int:
    """Read with GDAL's OSM driver, by pyogrio: a pass for each layer, as Arrow into Parquet."""
    import pyogrio

    count = 0
    for layer in ("points", "lines", "multilinestrings", "multipolygons"):
        # By SQL, the driver knows that only this layer is read; else it keeps the others' features.
        with (
            pyogrio.open_arrow(
                path, sql=f"SELECT * FROM {layer}", use_pyarrow=True, batch_size=20_000
            ) as (_, reader),
            pq.ParquetWriter(
                folder / f"{layer}.parquet", reader.schema, compression="zstd"
            ) as writer,
        ):
            for batch in reader:
                writer.write_batch(batch)
                count += len(batch)
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


WAYS_TO_READ = {
    "ours": ours,
    "ours_2": ours_2,
    "objects": objects,
    "processor": processor,
    "gdal": gdal,
}

if __name__ == "__main__":
    name, source, target = sys.argv[1:]
    way = WAYS_TO_READ[name]
    print(f"{way(Path(source), Path(target)):,} objects")
