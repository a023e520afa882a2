"""Rows of files for readers outside the pipeline."""

from pathlib import Path

from pipeline.atomic import content_id
from stages.tables import files_written


def test_each_file_gets_a_row_that_its_content_fills(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"x\n1\n")
    (tmp_path / "b.json").write_bytes(b"{}")
    assert files_written(tmp_path, {"a.csv": 1, "b.json": 7}).to_pylist() == [
        {"filepath": "a.csv", "rows": 1, "byte_size": 4, "content_hash": content_id(b"x\n1\n")},
        {"filepath": "b.json", "rows": 7, "byte_size": 2, "content_hash": content_id(b"{}")},
    ]
