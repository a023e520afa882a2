"""Side files: those of earlier parts are removed; parts with missing ones are found."""

from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from pipeline.side_files import parts_without_files, sweep
from pipeline.stage import Owned


def test_a_part_is_found_whose_file_was_cut_short(tmp_path: Path) -> None:
    table = pa.table({"filepath": ["a.jpg", "b.jpg", None], "size": [3, 5, None]})
    parts = [tmp_path / f"part-{index}.parquet" for index in range(2)]
    pq.write_table(table.slice(0, 1), parts[0])
    pq.write_table(table.slice(1), parts[1])
    owned, dataset = (Owned("*.jpg", "filepath", "size"),), ds.dataset([str(p) for p in parts])
    (tmp_path / "a.jpg").write_bytes(b"abc")
    (tmp_path / "b.jpg").write_bytes(b"abcde")
    assert parts_without_files(tmp_path, owned, dataset) == set()
    (tmp_path / "b.jpg").write_bytes(b"")
    assert parts_without_files(tmp_path, owned, dataset) == {parts[1]}
    (tmp_path / "b.jpg").unlink()
    assert parts_without_files(tmp_path, owned, dataset) == {parts[1]}


def table_of(root: Path, *parts: list[str | None]) -> ds.Dataset:
    for index, paths in enumerate(parts):
        table = pa.table({"filepath": pa.array(paths, pa.string())})
        pq.write_table(table, root / f"part-{index}.parquet")
    return ds.dataset([str(root / f"part-{index}.parquet") for index in range(len(parts))])


def test_a_sweep_takes_what_earlier_parts_named_and_no_row_names(tmp_path: Path) -> None:
    for name in (
        "images2/a.jpg",
        "images2/old.jpg",
        "images2/mine.jpg",
        "images3/b.jpg",
        "images2/readme",
        "images_old/a.jpg",
        "x.jpg",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "images3/folder.jpg").mkdir()
    sweep(
        tmp_path,
        (Owned("images[2-7]/*.jpg", "filepath"),),
        table_of(tmp_path, ["images2/a.jpg", None]),
        ["images2/a.jpg", "images2/old.jpg", "images2/gone.jpg", "images_old/a.jpg", "x.jpg"],
    )
    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {
        "images2/a.jpg",
        "images2/mine.jpg",
        "images2/readme",
        "images3/b.jpg",
        "images_old/a.jpg",
        "x.jpg",
        "part-0.parquet",
    }


def test_files_in_the_run_folder_itself_are_swept_too(tmp_path: Path) -> None:
    for name in ("new.csv", "old.csv"):
        (tmp_path / name).touch()
    sweep(tmp_path, (Owned("*.csv", "filepath"),), table_of(tmp_path, ["new.csv"]), ["old.csv"])
    assert {path.name for path in tmp_path.glob("*.csv")} == {"new.csv"}


def test_a_part_is_found_whose_file_is_gone(tmp_path: Path) -> None:
    table = table_of(tmp_path, ["a.jpg"], ["b.jpg", None])
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).touch()
    assert parts_without_files(tmp_path, (Owned("*.jpg", "filepath"),), table) == set()
    (tmp_path / "b.jpg").unlink()
    assert parts_without_files(tmp_path, (Owned("*.jpg", "filepath"),), table) == {
        tmp_path / "part-1.parquet"
    }


def test_a_renamed_file_is_missing_though_its_new_name_matches_the_glob(tmp_path: Path) -> None:
    table = table_of(tmp_path, ["a.jpg"])
    (tmp_path / "b.jpg").touch()
    assert parts_without_files(tmp_path, (Owned("*.jpg", "filepath"),), table) == {
        tmp_path / "part-0.parquet"
    }


def test_without_a_glob_files_are_checked_and_none_is_removed(tmp_path: Path) -> None:
    owned, table = (Owned(None, "filepath"),), table_of(tmp_path, ["a.csv"])
    (tmp_path / "old.csv").touch()
    sweep(tmp_path, owned, table, ["old.csv"])
    assert (tmp_path / "old.csv").exists()
    assert parts_without_files(tmp_path, owned, table) == {tmp_path / "part-0.parquet"}
