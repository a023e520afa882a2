"""Scratch files, and cutting a stream of rows into parts."""

import errno

import pyarrow as pa
import pytest

from pipeline.errors import StorageError
from pipeline.scratch import ScratchParquet, cut_into_parts, database, scratch, view

NUMBERS = pa.schema([pa.field("number", pa.int64())])


def numbers(first, last):
    return pa.table({"number": pa.array(range(first, last), pa.int64())})


@pytest.mark.parametrize("rows", [1, 3, 4, 10, 11])
def test_parts_have_the_asked_number_of_rows_however_the_stream_comes(rows):
    pieces = [numbers(0, 1), numbers(1, 1), numbers(1, 9), numbers(9, 10).to_batches()[0]]
    parts = list(cut_into_parts(pieces, rows))
    assert all(len(part) == rows for part in parts[:-1])
    assert 0 < len(parts[-1]) <= rows
    assert pa.concat_tables(parts).equals(numbers(0, 10))


def test_an_empty_stream_has_no_part():
    assert list(cut_into_parts([numbers(0, 0)], 5)) == []


def test_the_folder_is_empty_at_first_and_gone_in_the_end(tmp_path):
    with scratch(tmp_path, "work") as folder:
        (folder / "left over").touch()
        with scratch(tmp_path, "work") as again:
            assert again == folder
            assert not list(again.iterdir())
            folder.mkdir(exist_ok=True)
        folder.mkdir()
    with pytest.raises(ValueError, match="mine"), scratch(tmp_path, "work"):
        raise ValueError("mine")
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_one_sentence(tmp_path):
    with pytest.raises(StorageError, match="free some space"), scratch(tmp_path, "work"):
        raise OSError(errno.ENOSPC, "No space left on device")


def test_queries_read_a_file_in_a_folder_of_any_name(tmp_path):
    path = tmp_path / "run [a]*?" / "numbers.parquet"
    path.parent.mkdir()
    with ScratchParquet(path, NUMBERS) as file:
        file.write({"number": pa.array([1, 2], pa.int64())})
        file.write({"number": pa.array([3], pa.int64())})
    with database(tmp_path) as connection:
        view(connection, "numbers", path)
        assert connection.sql("SELECT sum(number) FROM numbers").fetchall() == [(6,)]
