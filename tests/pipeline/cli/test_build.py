"""The commands that build other sets, on a run's folder."""

from pathlib import Path

import pytest

from pipeline.receipts import Receipt
from pipeline.run import Run
from stages import tables
from tests.conftest import answered, skyscript
from tests.stages.classification.test_job import country, rows_of
from tests.stages.classification.towns import run_of

pytestmark = pytest.mark.slow


FEW = ["--classes", "3", "--per-class", "4", "--set", "block=0.01", "--set", "max_held_out=0.3"]


def run_folder(root: Path) -> Path:
    """Write a run of which only the table meta is there."""
    folder = Run(root).folder(tables.META)
    table = run_of(root, country()).to_table()
    folder.begin({})
    output, size = folder.write(0, table)
    folder.write_receipt(Receipt("overlay", 0, "", {}, output, size, len(table), {}, {}, 0.0, ""))
    folder.finish({}, {})
    return root


def test_a_set_is_built_of_a_run(tmp_path: Path) -> None:
    run, out = run_folder(tmp_path / "run"), tmp_path / "bench/SkyScript_cls"
    done = skyscript("build-classification", run, "--out", out, *FEW)
    assert done.returncode == 0, done.stderr
    assert "3  classes, 12 images" in done.stderr
    assert len(rows_of(out)) == 12


def test_no_run_and_too_few_classes_are_one_sentence(tmp_path: Path) -> None:
    done = answered("build-classification", tmp_path, "--out", tmp_path / "out")
    assert done.returncode == 2
    assert "has no complete table 'meta'" in done.stderr
    run, by_object = run_folder(tmp_path / "run"), ["--set", "hold_out=objects"]
    done = answered("build-classification", run, "--out", tmp_path / "x", *by_object)
    assert done.returncode == 2
    assert "the options require 70" in done.stderr
    assert "Traceback" not in done.stderr


def test_laion_rs_without_examples_or_a_table_is_one_sentence(tmp_path: Path) -> None:
    given = ["--images", tmp_path, "--model", "tiny", "--out", tmp_path / "out"]
    examples = ["--remote-sensing", tmp_path / "rs", "--other", tmp_path / "other"]
    done = answered("build-laion-rs", *given, *examples, "--captions", tmp_path / "web.csv")
    assert done.returncode == 2
    assert "rs: there is no such folder of examples" in done.stderr
    assert "Traceback" not in done.stderr
