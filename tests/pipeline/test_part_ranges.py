"""Look-ups open only the parts that can hold a row that they want."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from pipeline.config import parse_config
from pipeline.damage import revoke_damaged_parts
from pipeline.part_ranges import NAME, parts_meeting, write_ranges
from pipeline.run import Run
from pipeline.runner import run
from pipeline.schema import Table
from pipeline.stage import DatasetStage, StageConfig

SCHEMA = pa.schema([pa.field("west", pa.float64()), pa.field("east", pa.float64())])
PLACES = Table("places", SCHEMA, "west", ranges=("west", "east"))


def spans(*pairs: tuple[float | None, float | None]) -> pa.Table:
    return pa.table({"west": [p[0] for p in pairs], "east": [p[1] for p in pairs]}, schema=SCHEMA)


@pytest.fixture
def table(tmp_path: Path) -> ds.Dataset:
    """Four parts: around 0, around 10, only nulls, and wide spans with nulls among them."""
    parts = (
        spans((0, 1), (2, 3)),
        spans((10, 11)),
        spans((None, None)),
        spans((None, None), (None, None), (5, 20), (float("nan"), 6)),
    )
    files = [tmp_path / f"part-{number:05d}.parquet" for number in range(len(parts))]
    for file, part in zip(files, parts, strict=True):
        pq.write_table(part, file, row_group_size=2)
    write_ranges(tmp_path, files, ("west", "east"))
    return ds.dataset([str(file) for file in files], schema=SCHEMA, format="parquet")


def opened(table: ds.Dataset, *queries: tuple[float, float]) -> list[int]:
    """Give the parts that are opened for spans that meet one of some spans."""
    west, east = np.array(queries, dtype=float).reshape(-1, 2).T
    parts = parts_meeting(table, at_most={"west": east}, at_least={"east": west})
    return [int(Path(file).stem.removeprefix("part-")) for file in parts.files]


def test_only_parts_that_meet_a_query_are_opened(table: ds.Dataset) -> None:
    assert opened(table, (3, 4)) == [0]
    assert opened(table, (3.5, 4)) == []
    assert opened(table, (3, 4), (10.5, 10.6)) == [0, 1, 3]
    assert opened(table, (-5, 50)) == [0, 1, 3]
    assert opened(table) == []


def test_a_part_that_only_touches_is_opened(table: ds.Dataset) -> None:
    assert opened(table, (20, 30)) == [3]
    assert opened(table, (-1, 0)) == [0]


def test_many_queries_are_answered_in_pieces(
    table: ds.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.part_ranges._COMPARISONS", 8)
    far = [(100.0 + n, 101.0 + n) for n in range(7)]
    assert opened(table, *far) == []
    assert opened(table, *far, (2.5, 2.6)) == [0]


def test_without_the_record_or_statistics_every_part_is_opened(
    table: ds.Dataset, tmp_path: Path
) -> None:
    pq.write_table(spans((90, 91)), tmp_path / "part-00001.parquet", write_statistics=False)
    write_ranges(tmp_path, [Path(file) for file in table.files], ("west", "east"))
    assert opened(table, (3, 4)) == [0, 1]
    data = bytearray((tmp_path / NAME).read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / NAME).write_bytes(data)
    assert opened(table, (3, 4)) == [0, 1, 2, 3]
    (tmp_path / NAME).unlink()
    assert opened(table, (3, 4)) == [0, 1, 2, 3]


def test_a_part_that_the_record_does_not_name_is_opened(table: ds.Dataset, tmp_path: Path) -> None:
    write_ranges(tmp_path, [Path(file) for file in table.files[:2]], ("west", "east"))
    assert opened(table, (3, 4)) == [0, 2, 3]


def test_texts_are_keys_too(tmp_path: Path) -> None:
    files = [tmp_path / "part-00000.parquet", tmp_path / "part-00001.parquet"]
    for file, keys in zip(files, (["A/1", "A/é"], ["B/1", "Ü"]), strict=True):
        pq.write_table(pa.table({"key": keys}), file)
    write_ranges(tmp_path, files, ("key",))
    table = ds.dataset([str(file) for file in files], format="parquet")
    for key, parts in (("A/é", 1), ("Ü", 1), ("ü", 0), ("A/2", 1)):
        wanted = {"key": np.array([key])}
        assert len(parts_meeting(table, at_most=wanted, at_least=wanted).files) == parts, key


def test_a_dataset_in_memory_is_given_back() -> None:
    table = ds.dataset(spans((0, 1)))
    one = {"west": np.array([5.0])}
    assert parts_meeting(table, at_most=one, at_least={}) is table


class NoConfig(StageConfig):
    upto: int = 3


def places(*, config: NoConfig, root: Path) -> Iterator[pa.Table]:
    for number in range(config.upto):
        yield spans((number, number + 0.5))


def test_a_run_records_the_ranges_and_makes_them_again(tmp_path: Path) -> None:
    stage = DatasetStage("places", places, NoConfig, reads=(), writes=PLACES)
    record = tmp_path / "tables/places" / NAME

    def build(upto: int = 3) -> None:
        blocks = {"runner": {"executor": "serial"}, "places": {"upto": upto}}
        config = parse_config(blocks, (stage,), base=tmp_path, where="test")
        run((stage,), config, tmp_path, lambda event: None)

    build()
    whole = record.read_bytes()
    assert opened(Run(tmp_path).folder(PLACES).dataset(), (1.1, 1.2)) == [1]
    record.write_bytes(whole.replace(b"0.5", b"0.4"))
    assert revoke_damaged_parts(Run(tmp_path), {}) == [record]
    build()
    assert record.read_bytes() == whole
    record.unlink()
    build()
    assert record.read_bytes() == whole
    build(upto=2)
    assert opened(Run(tmp_path).folder(PLACES).dataset(), (0.1, 9)) == [0, 1]
