"""Options that are generated from a config class."""

from pathlib import Path
from typing import Any, Literal

import pytest
import typer
from pydantic import Field
from typer.testing import CliRunner

from pipeline.cli.options import Fields, command
from pipeline.errors import ConfigError
from pipeline.stage import ConfigPath, FromShell, StageConfig


class Size(StageConfig):
    width: int = Field(3, description="The width.")
    shape: str = Field("round", description="The shape.")


class Config(StageConfig):
    source: ConfigPath = Field(description="The file to read.")
    count: int = Field(64, description="How many [red] items to take.")
    mode: Literal["fast", "safe"] = Field("safe", description="How careful to be.")
    strict: bool = Field(False, description="Whether to stop at the first error.")
    top: tuple[int, ...] = Field((20, 30), description="The shares to keep, in percent.")
    files: tuple[ConfigPath, ...] = Field((), description="More files.")
    size: Size = Field(default=Size(), description="The size.")
    ratio: float | None = Field(None, description="The ratio. By default, it is measured.")


CONFIG = "tests.pipeline.cli.test_options:Config"


def called(*words: str, fields: Fields | None = None) -> dict[str, Any]:
    """Call a command with such options; give the values that it receives."""
    received: dict[str, Any] = {}
    app = typer.Typer()

    @command(app, fields or Fields(CONFIG, optional=True), panel="")
    def work(given: dict[str, Any], names: list[str] | None = None) -> None:
        received.update(given)

    app(list(words), standalone_mode=False)
    return received


def help_text(fields: Fields) -> str:
    app = typer.Typer()

    @command(app, fields, panel="")
    def work(given: dict[str, Any]) -> None:
        """Do the work."""

    done = CliRunner().invoke(app, ["--help"])
    assert done.exit_code == 0
    return " ".join(done.stdout.split())


def test_only_what_was_typed_is_received() -> None:
    assert called() == {}
    assert called("--count", "3", "--strict") == {"count": "3", "strict": True}
    assert called("--no-strict") == {"strict": False}


def test_a_typed_path_starts_at_the_working_directory() -> None:
    (path,) = called("--source", "a.csv").values()
    assert isinstance(path, FromShell)
    config = Config.model_validate(called("--source", "a.csv"), context={"base": "/elsewhere"})
    assert config.source == Path("a.csv").absolute()


def test_several_values_are_repeated_or_separated_by_spaces_or_commas() -> None:
    expected = {"top": ["20", "50"]}
    assert called("--top", "20", "--top", "50") == expected
    assert called("--top", "20", "50") == expected
    assert called("--top", "20, 50") == expected
    assert called("--top", "20", "50", "--count", "3") == {**expected, "count": "3"}


def test_a_path_may_hold_a_comma_and_the_option_is_repeated() -> None:
    assert called("--files", "a,b.csv", "--files", "c.csv") == {"files": ["a,b.csv", "c.csv"]}


def test_the_keys_of_a_nested_block_are_words_with_an_equals_sign() -> None:
    assert called("--size", "width=4", "shape=square") == {"size": {"width": 4, "shape": "square"}}
    with pytest.raises(ConfigError, match=r"--size wide: write it as key=value"):
        called("--size", "wide")


def test_values_lie_in_their_block_under_the_name_of_their_field() -> None:
    fields = Fields(CONFIG, "inner", ("count", "mode"), {"mode": "how"})
    assert called("--count", "3", "--how", "fast", fields=fields) == {
        "inner": {"count": "3", "mode": "fast"}
    }


def test_set_replaces_any_key_and_goes_before_the_options() -> None:
    fields = Fields(CONFIG, "inner", optional=True)
    given = called("--count", "3", "--set", "inner.count=4", "--set", "runner.x=[1]", fields=fields)
    assert given == {"inner": {"count": 4}, "runner": {"x": [1]}}
    with pytest.raises(ConfigError, match="inner must be a block of keys, not 3"):
        called("--set", "inner=3", fields=fields)


def test_a_required_field_is_a_required_option_unless_a_file_may_give_it() -> None:
    with pytest.raises(typer.TyperException, match="source"):
        called(fields=Fields(CONFIG))
    assert called(fields=Fields(CONFIG, optional=True)) == {}


def test_the_help_is_the_description_with_the_default() -> None:
    shown = help_text(Fields(CONFIG))
    assert "--source <path> The file to read. [required]" in shown
    assert "--count <int> How many [red] items to take. [default: 64]" in shown
    assert "--mode <fast|safe> How careful to be. [default: safe]" in shown
    assert "--strict / --no-strict Whether to stop at the first error. [default: off]" in shown
    assert "--top <int> The shares to keep, in percent. [default: 20, 30]" in shown
    assert "--size KEY=VALUE The size." in shown
    assert "--ratio <float> The ratio. By default, it is measured." in shown
