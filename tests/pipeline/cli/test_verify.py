"""Damage: single flipped bytes are named by `verify` and mended by `run`."""

import random
from collections.abc import Iterable
from pathlib import Path

import pytest

from pipeline.cli.run import TOY
from tests.conftest import answered, content_of, skyscript
from tests.pipeline.cli.small_run import build

pytestmark = pytest.mark.slow

OPTIONS = ["--executor", "serial", "--set", "sample.max_objects=14", "--set", "sample.shard_rows=4"]
SIDE_FILES = {"images?/*.jpg": 4, "meta?/*.pickle": 4, "*.csv": 1, "report/**/*": 2}
TABLES = ["objects", "vocab", "focus", "scenes", "tiles", "images", "meta", "captions"]


def flip(paths: Iterable[Path], chance: random.Random) -> set[str]:
    """Flip a bit of each file; give the files' paths."""
    names = set()
    for path in paths:
        data = bytearray(path.read_bytes())
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        path.write_bytes(data)
        names.add(str(path))
    return names


def side_files(root: Path, chance: random.Random) -> list[Path]:
    return [
        path
        for glob, count in SIDE_FILES.items()
        for path in chance.sample(sorted(filter(Path.is_file, root.glob(glob))), count)
    ]


def parts_and_state(root: Path, chance: random.Random) -> list[Path]:
    """Choose parts, receipts, recipes, manifests and markers: of each table one file."""
    globs = ["part-*", "part-*", "part-*", "_receipts/*", "_receipts/*", "_manifest*", "_recipe*"]
    chance.shuffle(globs)
    tables = chance.sample(TABLES, len(globs))
    chosen = [
        chance.choice(sorted((root / "tables" / table).glob(glob)))
        for table, glob in zip(tables, globs, strict=True)
    ]
    return [*chosen, root / "_run.json", root / "_disabled_stages.json"]


def test_every_flipped_byte_is_named_and_mended(tmp_path: Path) -> None:
    root = tmp_path / "run"
    build = ["run", TOY, "--out", root, *OPTIONS]
    assert skyscript(*build).returncode == 0
    whole = content_of(root)
    checked = answered("verify", root)
    assert (checked.returncode, checked.stderr.split()[0]) == (0, "intact")
    chance = random.Random(13)
    for choose in (side_files, parts_and_state, side_files, parts_and_state):
        damaged = flip(choose(root, chance), chance)
        found = answered("verify", root)
        lines = found.stderr.splitlines()
        assert {line.split()[1] for line in lines if line.startswith("damaged")} == damaged
        assert found.returncode == 1
        assert f"{len(damaged)} files are damaged or missing" in found.stderr
        mended = skyscript(*build)
        assert mended.returncode == 0, mended.stderr
        assert content_of(root) == whole
        assert answered("verify", root).returncode == 0


def test_a_run_that_is_not_complete_is_not_called_intact(tmp_path: Path) -> None:
    root = build(tmp_path, "--until", "caption")
    checked = answered("verify", root)
    assert checked.returncode == 1
    assert "missing   unfiltered: not complete, 0 parts with 0 rows" in checked.stderr
    assert "missing   caption:" not in checked.stderr
    assert "what is there is intact, but the run is not complete" in checked.stderr
    assert skyscript("run", tmp_path / "small.yaml", "--out", root).returncode == 0
    assert answered("verify", root).returncode == 0
    (root / "tables" / "captions" / "_manifest.json").unlink()
    again = answered("verify", root)
    assert again.returncode == 1
    assert "missing   caption: not complete, 1 parts with 2 rows of 2" in again.stderr
