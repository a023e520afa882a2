"""The command line: what it answers, and with which exit code."""

from pathlib import Path

import pytest

from pipeline.cli.run import TOY
from stages import PIPELINE
from tests.conftest import answered, skyscript

pytestmark = pytest.mark.slow


SMALL = ["--executor", "serial", "--set", "sample.max_objects=5"]


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("town") / "run"
    done = skyscript("run", TOY, "--out", root, *SMALL, "--until", "extract")
    assert done.returncode == 0, done.stderr
    return root


@pytest.mark.slow
def test_until_ends_with_its_stage_and_from_goes_on(town: Path) -> None:
    assert not (town / "images2").exists()
    assert not (town / "tables/images").exists()
    done = skyscript("run", TOY, "--out", town, *SMALL, "--from", "fetch")
    assert done.returncode == 0
    assert "extract" not in done.stderr
    assert (town / "SkyScript_train_unfiltered.csv").exists()


@pytest.mark.slow
def test_report_writes_the_report_again_with_another_title(town: Path) -> None:
    assert skyscript("run", TOY, "--out", town, *SMALL).returncode == 0
    page = town / "report" / "index.html"
    assert "<title>Tag Island</title>" in page.read_text()
    done = skyscript("report", town, "--title", "Another")
    assert done.returncode == 0, done.stderr
    assert "caption" not in done.stderr
    assert "<title>Another</title>" in page.read_text()


def test_status_names_every_stage_and_what_is_complete(town: Path) -> None:
    said = answered("status", town).stdout
    for stage in PIPELINE:
        assert stage.name in said


@pytest.mark.parametrize("stage", [stage.name for stage in PIPELINE])
def test_show_explains_a_stage(stage: str) -> None:
    said = answered("show", stage)
    assert said.returncode == 0
    assert "writes" in said.stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ["run", TOY, "--only", "fly"],
            "there is no stage 'fly'; the stages are blobs, nodes, ways, boxes, ",
        ),
        (["run", TOY, "--from", "plan", "--until", "index"], "nothing is left to run"),
        (["status", "."], "is not the folder of a run"),
        (["report", "."], "has no _config.yaml: it is not the folder of a run"),
        (["caption", "--meta", "nowhere", "--out", "x.csv"], "nowhere"),
    ],
)
def test_a_mistake_is_one_sentence(arguments: list[str], sentence: str, tmp_path: Path) -> None:
    done = answered(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
