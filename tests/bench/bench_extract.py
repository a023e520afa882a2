"""Extract against a plain pyosmium script on the same file, in the same run.

Run with ``pytest -m bench -s tests/bench/bench_extract.py``.
"""

import time

import osmium
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import tag_vocab
from stages.extract import ExtractConfig, extract
from tests.bench.record import record

ROUNDS = 3


class Plain(osmium.SimpleHandler):
    """What one writes first: callbacks, a test of the tags in Python, areas by libosmium."""

    def __init__(self):
        super().__init__()
        self.keys = tag_vocab.groundable_keys()
        self.factory = osmium.geom.WKBFactory()
        self.rows = {"object_id": [], "geometry": [], "tags": []}

    def take(self, letter, osm_id, thing, create):
        tags = [(tag.k, tag.v) for tag in thing.tags]
        if not any(key in self.keys for key, _ in tags):
            return
        try:
            wkb = bytes.fromhex(create(thing))
        except (RuntimeError, osmium.InvalidLocationError):
            wkb = None
        self.rows["object_id"].append(f"{letter}{osm_id}")
        self.rows["geometry"].append(wkb)
        self.rows["tags"].append(tags)

    def node(self, node):
        self.take("n", node.id, node, self.factory.create_point)

    def way(self, way):
        if not way.is_closed():
            self.take("w", way.id, way, self.factory.create_linestring)

    def area(self, area):
        letter = "a" if area.from_way() else "r"
        self.take(letter, area.orig_id(), area, self.factory.create_multipolygon)


def plain(path, folder):
    handler = Plain()
    handler.apply_file(str(path))
    schema = pa.schema(
        {
            "object_id": pa.string(),
            "geometry": pa.binary(),
            "tags": pa.map_(pa.string(), pa.string()),
        }
    )
    table = pa.table(handler.rows, schema=schema)
    pq.write_table(table, folder / "plain.parquet", compression="zstd")
    return len(table)


def ours(path, folder):
    count = 0
    for index, part in enumerate(extract(config=ExtractConfig(path=path), root=folder)):
        pq.write_table(part, folder / f"{index}.parquet", compression="zstd")
        count += len(part)
    return count


@pytest.mark.bench
def test_objects_a_second(tmp_path, shared_data):
    path = shared_data / "osm/liechtenstein.osm.pbf"
    rates = {ours: 0.0, plain: 0.0}
    for _ in range(ROUNDS):
        for way in rates:
            started = time.perf_counter()
            count = way(path, tmp_path)
            rates[way] = max(rates[way], count / (time.perf_counter() - started))
    print(
        f"\nLiechtenstein: extract {rates[ours]:,.0f} objects/s (sorted and checked), "
        f"plain pyosmium {rates[plain]:,.0f} objects/s: {rates[ours] / rates[plain]:.2f} x"
    )
    what, against = "`extract`, Liechtenstein", "pyosmium handler writing Parquet"
    record("extract", what=what, against=against, ratio=rates[ours] / rates[plain])
