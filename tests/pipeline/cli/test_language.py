"""The commands judge and polish: what is wrong with their options is said in one sentence."""

from pathlib import Path

import pytest

from pipeline.cli.run import TOY
from tests.conftest import answered, skyscript

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["judge", "run", "--sheet", "a", "--verdicts", "b"], "give either --sheet, to write a"),
        (["judge", "run", "--budget", "3"], "a budget needs input_price or output_price"),
        (["polish", "run", "--batch", "0"], "polish: batch: input should be greater than"),
        (["polish", "run"], "run: there is no such folder of a run"),
    ],
)
def test_a_wrong_option_is_one_sentence(tmp_path: Path, words: list[str], sentence: str) -> None:
    done = answered(*words, cwd=tmp_path)
    assert done.returncode == 2
    (said,) = done.stderr.splitlines()
    assert sentence in said
    assert not list(tmp_path.iterdir())


def test_a_run_without_statements_is_refused_with_the_remedy(tmp_path: Path) -> None:
    made = skyscript(
        "run", TOY, "--out", tmp_path / "run", "--until", "caption", "--executor", "serial",
        "--set", "sample.max_objects=5",
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    done = answered("judge", "run", "--what", "statements", "--sheet", "sheet.csv", cwd=tmp_path)
    assert done.returncode == 2
    said = " ".join(done.stderr.split())
    assert "has no statements to judge; name kinds in statements.kinds of its config" in said
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
