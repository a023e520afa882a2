"""The index over a store: finds every key, in a time that does not grow with the store."""

import shutil
import time

import numpy as np
import pytest

from skyscript.clip.vectors.index import KeyIndex
from skyscript.clip.vectors.store import Store


def keys_of(rows):
    rows = np.array(rows, np.uint64).reshape(-1, 2)
    return rows[:, 0], rows[:, 1]


def random_keys(count, seed=0):
    return keys_of(np.random.default_rng(seed).integers(0, 2**64, (count, 2), np.uint64))


def test_every_key_is_found_at_its_place_and_no_other_is():
    index, files = KeyIndex(), [random_keys(count, count) for count in (5, 3000, 0, 9000)]
    for number, keys in enumerate(files):
        index.add(keys, number)
    assert len(index) == 12005
    for number, keys in enumerate(files):
        found = index.find(keys)
        assert set(found.file.tolist()) <= {number}
        assert found.row.tolist() == list(range(len(keys[0])))
    assert set(index.find(random_keys(4000, 1)).file.tolist()) == {-1}


def test_keys_that_share_a_slot_or_their_first_half_are_told_apart():
    top = 2**64 - 1  # the last slot: the next one is the first
    rows = [[top, 1], [top, 2], [top - 1, 1], [0, 1], [0, 2], [1, 1]]
    index = KeyIndex()
    index.add(keys_of(rows), 7)
    assert index.find(keys_of(rows)).row.tolist() == [0, 1, 2, 3, 4, 5]
    assert index.find(keys_of([[top, 3], [1, 2]])).row.tolist() == [-1, -1]


def test_of_equal_keys_the_first_stays():
    index = KeyIndex()
    index.add(keys_of([[5, 5], [6, 6], [5, 5]]), 0)
    index.add(keys_of([[6, 6], [7, 7]]), 1)
    found = index.find(keys_of([[5, 5], [6, 6], [7, 7], [7, 7]]))
    assert (found.file.tolist(), found.row.tolist()) == ([0, 0, 1, 1], [0, 1, 1, 1])
    assert len(index) == 3


def bytes_of(numbers):
    return [int(number).to_bytes(16, "big") for number in numbers]


def test_a_store_finds_what_another_process_wrote_and_forgets_removed_files(tmp_path):
    folder = tmp_path / "images"
    reader, writer = (Store(folder, 2, np.float32) for _ in range(2))
    assert not reader.get(bytes_of([1, 2])).is_stored.any()
    for number in (1, 2):
        writer.add(bytes_of([number]), np.full((1, 2), number, np.float32), [number])
    found = reader.get(bytes_of([2, 3, 1]))
    assert found.is_stored.tolist() == [True, False, True]
    assert found.vectors[:, 0].tolist() == [2, 0, 1]
    shutil.rmtree(folder)
    assert not reader.get(bytes_of([1, 2])).is_stored.any()
    writer.add(bytes_of([2]), np.full((1, 2), 9, np.float32), [0])
    assert reader.get(bytes_of([2])).vectors[0, 0] == 9


@pytest.mark.slow
def test_a_look_up_takes_as_long_in_a_large_index_as_in_a_small_one():
    def cost(count):
        index = KeyIndex()
        for start in range(0, count, 50_000):
            index.add(random_keys(50_000, start), start)
        wanted = random_keys(50_000, 0)
        start = time.process_time()
        for _ in range(5):
            index.find(wanted)
        return time.process_time() - start

    assert cost(1_600_000) < 8 * cost(100_000)
