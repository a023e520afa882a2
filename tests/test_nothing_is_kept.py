"""A filter that keeps no pair for training: each command gives its result or one sentence."""

import csv
import json
from pathlib import Path

import pytest

from pipeline.cli.run import TOY
from skyscript.clip.source import clip_installed
from tests.conftest import answered, skyscript

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not clip_installed(), reason="the extra `clip` is not installed"),
]
CSV = "SkyScript_train_unfiltered.csv"
SETS = ["sample.max_objects=20", "score.model=tiny", "score.name=tiny", "score.threads=1"]
SETS += ["statements.kinds=[count]"]


def words(*sets: str) -> list[str]:
    return ["--executor", "serial", *(word for one in (*SETS, *sets) for word in ("--set", one))]


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a run that ended at its filter: a list leaves all images out."""
    root = tmp_path_factory.mktemp("nothing") / "run"
    done = skyscript("run", TOY, "--out", root, *words(), "--until", "unfiltered")
    assert done.returncode == 0, done.stderr
    names = root.parent / "leave_out.csv"
    with (root / CSV).open(newline="") as file:
        names.write_text(
            "\n".join(["filepath", *(row["filepath"] for row in csv.DictReader(file))])
        )
    done = skyscript("run", TOY, "--out", root, *words(f"filter.leave_out=[{names}]"))
    assert done.returncode == 2
    assert "no pair with a score is left for training (" in done.stderr.splitlines()[-1]
    assert "a list of images to leave out names its image" in done.stderr.splitlines()[-1]
    assert not list(root.glob("*filtered_by*")), "no file of an unfinished filter is left"
    return root


def test_the_report_and_the_records_name_the_stage_that_is_missing(
    town: Path, tmp_path: Path
) -> None:
    for command, sentence in (
        (("report", town), "pairs needs the complete table 'filtered'"),
        (("filter", "--records", town, "--out", tmp_path / "out"), "contains no records"),
        (("leakage", town, "--out", tmp_path / "out"), "has no filtered files"),
    ):
        done = answered(*command)
        assert done.returncode == 2, command
        (said,) = done.stderr.splitlines()
        assert sentence in said
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_the_export_has_all_pairs_and_a_card(town: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = skyscript("export-data", town, "--out", out, "--format", "parquet", "coco")
    assert done.returncode == 0, done.stderr
    count = len((town / CSV).read_text().splitlines()) - 1
    images = json.loads((out / "coco/captions_train.json").read_text())["images"]
    assert len(images) == count > 10
    assert "Nobody has judged whether the captions are true" in (out / "README.md").read_text()


def test_captions_and_statements_can_be_judged(town: Path, tmp_path: Path) -> None:
    for what in ("captions", "statements"):
        sheet = tmp_path / f"{what}.csv"
        done = answered("judge", town, "--what", what, "--sample", "10", "--sheet", sheet)
        assert done.returncode == 0, done.stderr
        assert len(sheet.read_text().splitlines()) == 11
