"""Vectors that are kept: on disk, or in memory, found by the same keys."""

import numpy as np
import pytest

from skyscript.clip.vectors.store import MemoryStore, Store, content_key, text_key


@pytest.mark.parametrize("kind", ["disk", "memory"])
def test_vectors_are_found_again_by_key_and_others_are_not_there(kind, tmp_path):
    store = Store(tmp_path, 3, np.float32) if kind == "disk" else MemoryStore()
    keys = [content_key(bytes([number])) for number in range(5)]
    vectors = np.arange(15, dtype=np.float32).reshape(5, 3)
    assert not store.get(keys).is_stored.any()
    store.add(keys[:2], vectors[:2], [10, 11])
    store.add(keys[2:4], vectors[2:4], [12, 13])
    found = store.get([keys[3], keys[4], keys[0], keys[3]])
    assert found.is_stored.tolist() == [True, False, True, True]
    assert np.array_equal(found.vectors, vectors[[3, 3, 0, 3]] * found.is_stored[:, None])
    assert found.likeness.tolist() == [13, 0, 10, 13]


def test_a_text_is_known_by_its_bytes():
    assert text_key("road") == content_key(b"road")
    assert len(text_key("")) == 16
