"""Vectors that are kept: on disk, or in memory, found by the same keys."""

import logging

import numpy as np
import pytest

from pipeline.errors import InputError
from skyscript.clip.vectors.store import (
    MemoryStore,
    Store,
    content_key,
    remove_damaged,
    text_key,
)


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


KEYS = [content_key(bytes([number])) for number in range(4)]
VECTORS = np.arange(12, dtype=np.float32).reshape(4, 3)


@pytest.fixture
def file(tmp_path):
    """A file of vectors in the folder of a run."""
    folder = tmp_path / "embeddings" / "tiny" / "images"
    Store(folder, 3, np.float32).add(KEYS, VECTORS, [0, 1, 2, 3])
    (path,) = folder.iterdir()
    return path


def test_any_flipped_bit_of_a_file_is_found_and_the_file_is_removed(tmp_path, file):
    whole = file.read_bytes()
    assert remove_damaged(tmp_path) == []
    for at in range(0, len(whole), 7):
        file.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << at % 8]) + whole[at + 1 :])
        assert remove_damaged(tmp_path) == [file], at
        assert not file.exists()


@pytest.mark.parametrize("left", [0, 5, 100, -1])
def test_a_file_that_was_cut_off_is_written_again(file, left, caplog):
    whole = file.read_bytes()
    file.write_bytes(whole[:left])
    store = Store(file.parent, 3, np.float32)
    with caplog.at_level(logging.WARNING):
        assert not store.get(KEYS).is_stored.any()
    assert f"{file} is damaged: its vectors are computed again" in caplog.text
    store.add(KEYS, VECTORS, [0, 1, 2, 3])
    assert file.read_bytes() == whole
    assert store.get(KEYS).is_stored.all()


def test_a_file_of_an_earlier_version_is_read_and_not_written_again(tmp_path, file):
    earlier = file.rename(file.with_name(f"{file.stem.partition('-')[0]}.arrow"))
    store = Store(file.parent, 3, np.float32)
    assert np.array_equal(store.get(KEYS).vectors, VECTORS)
    store.add(KEYS, VECTORS, [0, 1, 2, 3])
    assert list(file.parent.iterdir()) == [earlier]
    assert remove_damaged(tmp_path) == []


def test_a_folder_without_readable_vectors_is_named(file):
    assert Store.open_existing(file.parent).width == 3
    file.write_bytes(b"")
    with pytest.raises(InputError, match="images: contains no vectors that can be read"):
        Store.open_existing(file.parent)
