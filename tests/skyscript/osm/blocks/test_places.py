"""Places of nodes in several files: what is looked up is what was added, and nothing else."""

import numpy as np
import pytest

pytest.importorskip("numba")

from skyscript.osm.blocks.places import NOWHERE, NewPlaces, Places


def store(path, *batches):
    """Write batches of nodes; each node's place is its id and the negative of it."""
    new = NewPlaces()
    for ids in batches:
        new.add(np.array(ids, np.int64), np.array([[each, -each] for each in ids], np.int32))
    new.write(path)
    return batches[0][0], path


def test_places_are_found_in_the_file_that_holds_them_in_any_order(tmp_path):
    # A page of 4,096 ids lies in two files; between the files, ids are missing.
    files = [
        store(tmp_path / "0", [1, 2, 4000], [4001, 4096, 5000]),
        store(tmp_path / "1", [5001, 5003, 8192]),
        store(tmp_path / "2", [9_000_000, 9_000_001]),
    ]
    held = [1, 2, 4000, 4001, 4096, 5000, 5001, 5003, 8192, 9_000_000, 9_000_001]
    absent = [-5, 0, 3, 4097, 5002, 8191, 8193, 20_000, 9_000_002, 1 << 50]
    refs = np.array([*held, *absent])[np.random.default_rng(3).permutation(21)]
    found = Places(files).of(refs)
    for ref, place in zip(refs.tolist(), found.tolist(), strict=True):
        assert place == ([ref, -ref] if ref in held else [NOWHERE, NOWHERE])


def test_a_place_off_the_globe_is_nowhere(tmp_path):
    new = NewPlaces()
    off = [[1_800_000_001, 0], [0, -900_000_001], [1_800_000_000, 900_000_000]]
    new.add(np.array([1, 2, 3]), np.array(off, np.int32))
    new.write(tmp_path / "0")
    found = Places([(1, tmp_path / "0")]).of(np.array([1, 2, 3]))
    assert found.tolist() == [[NOWHERE] * 2, [NOWHERE] * 2, off[2]]


def test_without_nodes_nothing_is_found(tmp_path):
    NewPlaces().write(tmp_path / "0")
    assert Places([]).of(np.array([1])).tolist() == [[NOWHERE, NOWHERE]]
    assert Places([(1, tmp_path / "0")]).of(np.array([1, 7])).tolist() == [[NOWHERE] * 2] * 2
    assert Places([]).of(np.array([], np.int64)).shape == (0, 2)
