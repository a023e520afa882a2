"""A damaged Parquet file of scores: its columns are joined, or one line names the file."""

import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.filter import filter_csv
from tests.hostile import check_reader, damaged, examples
from tests.stages.test_filter import all_for_training, pairs, write

COUNT = 10


def stored(**options) -> bytes:
    buffer = io.BytesIO()
    names = [f"images2/a{number}_US_20.jpg" for number in range(COUNT)]
    columns = {"filepath": names, "rs": [0.5 * number for number in range(COUNT)]}
    pq.write_table(pa.table(columns), buffer, **options)
    return buffer.getvalue()


FILES = [stored(compression="none", use_dictionary=False), stored(), stored(compression="zstd")]


@pytest.fixture(scope="module")
def captions(tmp_path_factory):
    path = tmp_path_factory.mktemp("captions") / "in.csv"
    return write(path, pairs(COUNT, lambda number: number / 10))


@pytest.mark.slow
@examples(60)
@given(data=st.sampled_from(FILES).flatmap(damaged))
def test_a_damaged_parquet_of_scores(tmp_path_factory, captions, data):
    folder = tmp_path_factory.mktemp("any") / "inside"
    folder.mkdir()
    path = folder / "rs.parquet"
    path.write_bytes(data)
    config = all_for_training(join=(path,), by=("rs",), top=(30,))
    check_reader(lambda _: filter_csv(captions, folder / "out", config), path)
