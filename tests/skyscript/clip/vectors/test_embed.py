"""Vectors of texts: computed once, and stored in files that depend on the texts only."""

from pathlib import Path

import numpy as np
import pytest

from skyscript.clip.vectors import embed
from skyscript.clip.vectors.embed import text_vectors
from skyscript.clip.vectors.store import MemoryStore, Store
from tests.conftest import content_of

SHARDS = (["road", "house", "road"], ["tree", "house"], ["house", "lake", "road"])


class Letters:
    """A model whose vector of a text is its length and its first letter; it counts its work."""

    def __init__(self) -> None:
        self.computed: list[str] = []

    def encode_texts(self, texts: list[str], precision: str) -> np.ndarray:
        self.computed += texts
        return np.array([[len(text), ord(text[0])] for text in texts], np.float32)


def vectors_of(folder: Path, shards: list[list[str]]) -> list[list[float]]:
    """Store the texts of shards, one after the other; give all their lengths."""
    model = Letters()
    found = [text_vectors(texts, model, Store(folder, 2, np.float32)) for texts in shards]
    assert sorted(model.computed) == ["house", "lake", "road", "tree"]
    return [(vectors[:, 0] / vectors[:, 1]).tolist() for vectors in found]


@pytest.mark.parametrize("at_once", [2, 4096])
def test_files_and_vectors_do_not_depend_on_the_order_of_shards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(embed, "_TEXTS_AT_ONCE", at_once)
    forwards = vectors_of(tmp_path / "forwards", list(SHARDS))
    backwards = vectors_of(tmp_path / "backwards", list(reversed(SHARDS)))
    assert forwards == backwards[::-1]
    assert content_of(tmp_path / "forwards") == content_of(tmp_path / "backwards")


def test_a_second_call_computes_and_writes_nothing(tmp_path: Path) -> None:
    vectors_of(tmp_path, list(SHARDS))
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    model = Letters()
    text_vectors(SHARDS[0], model, Store(tmp_path, 2, np.float32))
    assert model.computed == []
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before


def test_progress_and_memory(tmp_path: Path) -> None:
    done: list[int] = []
    model, store = Letters(), MemoryStore()
    first = text_vectors(SHARDS[0], model, store, progress=done.append)
    assert sum(done) == 3
    both = text_vectors([*SHARDS[0], "tree"], model, store)
    assert both[:3].tolist() == first.tolist()
    assert model.computed == ["road", "house", "tree"]
    assert len(text_vectors([], model, store)) == 0
