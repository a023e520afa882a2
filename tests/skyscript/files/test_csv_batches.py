"""Columns of text become the lines that the writer of rows writes."""

import io

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from skyscript.files.csv_batches import make_header, make_lines, write_lines
from skyscript.files.pairs_csv import csv_writer

TEXT = st.none() | st.text(st.sampled_from("ab ,;\"\n\r#'\t\u2028é🛰"), max_size=6)
ROWS = st.lists(st.tuples(TEXT, TEXT, TEXT), max_size=8)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("csv") / "by_rows.csv"


@given(ROWS, st.integers(0, 3))
@example([('say "a, b"', "", None), ("line\nend", "return\rend", '"')], 0)
@example([(None, None, None)], 0)
def test_lines_are_those_of_the_writer_of_rows(path, rows, skipped):
    header = ["filepath", "title, long", "score"]
    with csv_writer(path, header) as write_row:
        for row in rows[skipped:]:
            write_row(row)
    columns = [pa.array([row[at] for row in rows], pa.string())[skipped:] for at in range(3)]
    file = io.BytesIO(make_header(header))
    file.seek(0, io.SEEK_END)
    write_lines(file, make_lines(columns))
    assert file.getvalue() == path.read_bytes()


def test_a_selection_of_lines_is_written():
    lines = make_lines([pa.array(["a", "b,c", "d"]), pa.array(["1", None, "3"])])
    file = io.BytesIO()
    write_lines(file, lines.filter(pa.array([False, True, True])))
    assert file.getvalue() == b'"b,c",\nd,3\n'
