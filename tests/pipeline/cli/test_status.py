"""`skyscript status`, `--version`, `-v` and `-q`."""

import importlib.metadata
import json
from pathlib import Path

import pytest

from pipeline.run import Run
from tests.conftest import answered, skyscript
from tests.pipeline.cli.small_run import build

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a run of four objects, whose tables after the tiles are missing."""
    return build(tmp_path_factory.mktemp("status"), "--until", "plan")


def test_json_gives_each_stage_with_its_rows(run: Path) -> None:
    state = json.loads(answered("status", run, "--json").stdout)
    stages = {each["stage"]: each for each in state["stages"]}
    assert (state["working"], state["complete"]) == (None, False)
    assert (stages["plan"]["state"], stages["plan"]["rows"]) == ("complete", 2)
    assert (stages["fetch"]["state"], stages["fetch"]["expected_rows"]) == ("incomplete", 2)
    assert stages["boxes"]["status"] == {"filtered": 1, "ok": 3}


def test_status_works_while_a_process_works_in_the_folder(run: Path) -> None:
    with Run(run).locked_unchanged():
        said = answered("status", run)
    assert said.returncode == 0, said.stderr
    assert "working   process " in said.stdout
    assert "0 of 2" in said.stdout


def test_the_folder_keeps_the_command_and_a_log_line_for_each_part(run: Path) -> None:
    assert "--until plan" in (run / "_commands.log").read_text()
    assert "plan part 0: 2 rows" in (run / "_run.log").read_text()


def test_more_or_less_is_said_wherever_the_option_stands(run: Path) -> None:
    command = ["run", run / "_config.yaml", "--out", run, "--only", "plan"]
    usual = skyscript(*command).stderr
    assert "already done" in usual
    assert skyscript("-q", *command).stderr == skyscript(*command, "--quiet").stderr == ""
    made = skyscript(*command, "-v", "--set", "plan.shift=0.1").stderr
    assert "plan part 0: 2 rows" in made


def test_the_version_is_that_of_the_package() -> None:
    done = skyscript("--version")
    assert done.stdout == f"skyscript {importlib.metadata.version('skyscript')}\n"
