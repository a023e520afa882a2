"""Any byte of a finished run: `verify` names the file, and the next run mends it.

``FLIPS=1000`` flips as many bytes; by default some.
"""

import os
import random
from pathlib import Path

import pytest

from pipeline.cli.kept_files import remove_damaged_files
from pipeline.cli.run import TOY
from pipeline.damage import revoke_damaged_parts
from pipeline.run import Run
from stages import RECIPES
from tests.conftest import content_of, skyscript

pytestmark = pytest.mark.slow

FLIPS = int(os.environ.get("FLIPS", "40"))
FOR_PEOPLE = {"_config.yaml", "_commands.log", "_run.log", "_lock"}
OPTIONS = [
    *("--executor", "serial", "--set", "sample.max_objects=14", "--set", "sample.shard_rows=4"),
    *("--set", "score.model=tiny", "--set", "score.threads=1"),
]
OWNS = {stage.writes.name: stage.owns for recipe in RECIPES.values() for stage in recipe}


def state_of(root: Path) -> dict[Path, bytes]:
    files = (path for path in root.rglob("*") if path.is_file())
    return {path: path.read_bytes() for path in files if path.name not in FOR_PEOPLE}


def restore(root: Path, state: dict[Path, bytes]) -> None:
    for path, data in state.items():
        if not path.exists() or path.read_bytes() != data:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)


def flipped(data: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    changed[chance.randrange(len(changed))] ^= chance.randrange(1, 256)
    return bytes(changed)


def verify(root: Path) -> list[Path]:
    return revoke_damaged_parts(Run(root), OWNS) + remove_damaged_files(root)


def test_every_flipped_byte_of_any_file_is_named_and_mended(tmp_path: Path) -> None:
    pytest.importorskip("open_clip")
    root = tmp_path / "run"
    build = ["run", TOY, "--out", root, *OPTIONS]
    assert skyscript(*build).returncode == 0
    state, whole, chance = state_of(root), content_of(root), random.Random(13)
    assert verify(root) == []
    files = sorted(path for path, data in state.items() if data)
    assert any("embeddings" in path.parts for path in files)
    chosen = [chance.choice(files) for _ in range(FLIPS)]
    for path in chosen:
        path.write_bytes(flipped(state[path], chance))
        assert verify(root) == [path]
        restore(root, state)
    for path in chosen:
        path.write_bytes(flipped(path.read_bytes(), chance))
    named = verify(root)
    assert named and set(named) <= set(chosen)
    assert skyscript(*build).returncode == 0
    assert content_of(root) == whole
    assert verify(root) == []
