"""Damaged files: a part is checked when it is read; the receipts of damaged ones are revoked."""

import logging
from pathlib import Path

import pytest

from pipeline.config import parse_config
from pipeline.damage import revoke_damaged_parts
from pipeline.errors import ConfigError
from pipeline.run import Run
from pipeline.runner import run
from tests.conftest import content_of
from tests.pipeline.recipe import RECIPE


def build(root: Path, *, only: tuple[str, ...] = (), **blocks: object) -> None:
    config = parse_config(
        {"runner": {"executor": "serial"}, **blocks}, RECIPE, base=root, where="test"
    )
    run(RECIPE, config, root, lambda event: None, only=only)


def damage(path: Path, at: int = 40) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def test_a_damaged_part_is_named_and_made_again_before_a_stage_reads_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    build(tmp_path / "other", square={"power": 3})
    root = tmp_path / "run"
    build(root)
    part = root / "tables/numbers/part-00001.parquet"
    damage(part)
    with caplog.at_level(logging.WARNING):
        build(root, square={"power": 3})
    assert content_of(root) == content_of(tmp_path / "other")
    assert [record.getMessage() for record in caplog.records] == [
        f"{part} is damaged: it is made again"
    ]


def test_a_part_that_names_side_files_is_checked_by_every_run(tmp_path: Path) -> None:
    build(tmp_path)
    whole = content_of(tmp_path)
    damage(tmp_path / "tables/squares/part-00001.parquet")
    build(tmp_path)
    assert content_of(tmp_path) == whole


def test_a_damaged_part_of_a_stage_that_may_not_run_stops_the_run(tmp_path: Path) -> None:
    build(tmp_path)
    damage(tmp_path / "tables/numbers/part-00001.parquet")
    with pytest.raises(ConfigError, match=r"square needs the complete table 'numbers'.*run count"):
        build(tmp_path, only=("square",), square={"power": 3})
    build(tmp_path, square={"power": 3})


def test_missing_files_are_found_too_and_an_intact_run_has_none(tmp_path: Path) -> None:
    build(tmp_path)
    owns = {stage.writes.name: stage.owns for stage in RECIPE}
    assert revoke_damaged_parts(Run(tmp_path), owns) == []
    whole = content_of(tmp_path)
    gone = [tmp_path / "files/9.txt", tmp_path / "tables/numbers/part-00002.parquet"]
    for path in gone:
        path.unlink()
    assert set(revoke_damaged_parts(Run(tmp_path), owns)) == set(gone)
    build(tmp_path)
    assert content_of(tmp_path) == whole
