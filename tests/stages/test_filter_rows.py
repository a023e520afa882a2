"""Sets of rows, and the rows of a set in the order of the file."""

import duckdb
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.filter.rows import combine, select_rows

MASKS = st.integers(0, 9).flatmap(
    lambda rows: st.lists(
        st.lists(st.booleans(), min_size=rows, max_size=rows), min_size=1, max_size=70
    )
)


@given(MASKS)
def test_the_number_of_a_row_says_which_sets_hold_it(lists):
    masks = {f"set {at}": np.array(values, np.bool_) for at, values in enumerate(lists)}
    sets = combine(masks)
    assert list(sets.of) == list(masks)
    for name, mask in masks.items():
        assert sets.of[name][sets.numbers].tolist() == mask.tolist()
        assert np.isin(sets.numbers, sets.holding([name])).tolist() == mask.tolist()
    assert len(set(sets.numbers.tolist())) == len({tuple(row) for row in zip(*lists, strict=True)})


@pytest.fixture
def connection():
    with duckdb.connect() as connection:
        connection.execute("SET preserve_insertion_order = true")
        yield connection


def test_rows_of_some_numbers_come_in_file_order_with_their_numbers(connection):
    rows = 300_000
    connection.execute(
        f"CREATE TABLE input_rows AS SELECT 'a' || range AS filepath, 1 AS other FROM range({rows})"
    )
    numbers = np.random.default_rng(0).integers(0, 4, rows).astype(np.int32)
    numbers[20_000:40_000] = np.arange(20_000) % 100 == 0  # a few rows, then many
    found = list(select_rows(connection, ["filepath"], numbers, [1, 3, 7]))
    wanted = np.flatnonzero((numbers == 1) | (numbers == 3))
    paths = [path for batch in found for path in batch.column(0).to_pylist()]
    assert paths == [f"a{row}" for row in wanted]
    assert np.array_equal(np.concatenate([batch.column(1) for batch in found]), numbers[wanted])
    assert not sum(map(len, select_rows(connection, ["filepath"], numbers, [])))
