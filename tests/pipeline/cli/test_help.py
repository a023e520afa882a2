"""The help of every command: it is whole, and quick to appear."""

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from pipeline.cli import app
from tests.conftest import answered, skyscript

pytestmark = pytest.mark.slow


HEAVY = (
    "duckdb",
    "numpy",
    "osmium",
    "pandas",
    "pyarrow",
    "pydantic",
    "rasterio",
    "stages",
    "torch",
)


def commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield each command with its words."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


NAMES = [path for path, _ in commands(typer.main.get_command(app))]


@pytest.mark.parametrize("words", NAMES, ids=" ".join)
def test_every_option_is_explained_in_sentences(words: tuple[str, ...]) -> None:
    done = CliRunner().invoke(app, [*words, "--help"])
    assert done.exit_code == 0, done.output
    assert f"Usage: skyscript {' '.join(words)} " in done.stdout
    command = dict(commands(typer.main.get_command(app)))[words]
    for parameter in command.get_params(typer.Context(command)):
        text = parameter.help.partition("  [default")[0]
        assert text[0].isupper(), f"{parameter.name}: {text}"
        assert text.endswith("."), f"{parameter.name}: {text}"


def test_the_list_of_commands_imports_no_heavy_library() -> None:
    program = "import sys; from pipeline.cli import app; app(['--help'], standalone_mode=False)\n"
    done = subprocess.run(
        [sys.executable, "-c", program + f"print([m for m in {HEAVY} if m in sys.modules])"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "build-classification" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["score", "--out", "x"], "missing option '--images'; see "),
        (["scor"], "no such command 'scor'. Did you mean 'score'?; see "),
        (["status"], "missing argument 'RUN'; see "),
        (["run"], "give either a config, or --bbox W,S,E,N with --osm and --out"),
        (["export", "--out", "x", "--quick-gelu", "maybe"], "quick_gelu: input should be 'auto', "),
        (["filter", "--captions", "a", "--out", "b", "--top", "0"], "filter.top.0: input should "),
        (["build-laion-rs", "--retry=3"], "'--retry' does not take a value"),
    ],
)
def test_a_wrong_option_is_one_sentence(words: list[str], sentence: str) -> None:
    done = skyscript(*words)
    assert done.returncode == 2
    (said,) = done.stderr.splitlines()
    assert said.startswith("error: ")
    assert sentence in said


def test_show_without_a_name_lists_the_stages_of_all_recipes() -> None:
    from stages import RECIPES

    said = answered("show").stdout
    for command, recipe in RECIPES.items():
        assert f"{command}:\n" in said
        assert all(f"\n  {stage.name} " in said for stage in recipe)


def test_show_says_to_which_command_each_of_two_stages_of_one_name_belongs() -> None:
    ours, theirs = answered("show", "pairs").stdout.split("\n\nIn skyscript score:\n\n")
    assert ours.startswith("In skyscript run:\n\nWrite one record for each pair")
    assert theirs.startswith("Read the pairs of a captions file")
    assert not answered("show", "plan").stdout.startswith("In ")


def test_the_shell_completes_commands_and_options() -> None:
    words = {
        "_SKYSCRIPT_COMPLETE": "complete_bash",
        "COMP_CWORD": "1",
        "COMP_WORDS": "skyscript st",
    }
    program = "import sys; sys.argv[0] = 'skyscript'; from pipeline.cli import main; main()"
    for asked, wanted in (("skyscript st", "status"), ("skyscript look --he", "--help")):
        words |= {"COMP_WORDS": asked, "COMP_CWORD": str(asked.count(" "))}
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, **words},
            capture_output=True,
            text=True,
            check=False,
        )
        assert wanted in done.stdout.split(), done.stderr
