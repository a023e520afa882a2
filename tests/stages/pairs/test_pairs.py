"""The record of a pair: joined part by part, from tables that belong together."""

from pathlib import Path

import pyarrow as pa
import pytest

from pipeline.errors import InputError
from stages.pairs.places import CsvPlaces, Reasons


def csv(path: Path, *names: str) -> Path:
    path.write_text("filepath,title\n" + "".join(f"{name},x\n" for name in names))
    return path


def rows(root: Path, *parts: str) -> list[list[int]]:
    """Give the rows in ``some.csv`` of pairs whose names are single letters, part by part."""
    places = CsvPlaces(root, ["some.csv"])
    found = [places.of(pa.array(list(part), pa.string()))["some.csv"].tolist() for part in parts]
    places.finish()
    return found


def test_rows_are_found_over_the_borders_of_parts(tmp_path: Path) -> None:
    csv(tmp_path / "some.csv", *"bcfg")
    assert rows(tmp_path, "abc", "", "de", "fgh") == [[0, 1, 2], [], [0, 0], [3, 4, 0]]


def test_a_file_that_holds_every_pair_or_none(tmp_path: Path) -> None:
    csv(tmp_path / "some.csv", *"abc")
    assert rows(tmp_path, "ab", "c") == [[1, 2], [3]]
    csv(tmp_path / "some.csv")
    assert rows(tmp_path, "ab", "c") == [[0, 0], [0]]


@pytest.mark.parametrize("names", ["abx", "ba"])
def test_a_file_with_another_pair_or_another_order_is_named(tmp_path: Path, names: str) -> None:
    csv(tmp_path / "some.csv", *names)
    with pytest.raises(InputError, match=r"some\.csv: row \d names '[xba]', which is no further"):
        rows(tmp_path, "a", "bc")


def test_reasons_follow_the_pairs_over_the_borders_of_parts(tmp_path: Path) -> None:
    (tmp_path / "dropped.csv").write_text('filepath,reason\nb,late\nc,"cloud, haze"\nf,copy\n')
    reasons = Reasons(tmp_path / "dropped.csv")
    found = [reasons.of(pa.array(list(part), pa.string())).to_pylist() for part in ("abc", "def")]
    reasons.finish()
    assert found == [[None, "late", "cloud, haze"], [None, None, "copy"]]
    assert Reasons(None).of(pa.array(["a"])).to_pylist() == [None]
