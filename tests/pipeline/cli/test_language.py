"""The commands judge and polish: what is wrong with their options is said in one sentence."""

from pathlib import Path

import pytest

from tests.conftest import answered

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["judge", "run", "--sheet", "a", "--verdicts", "b"], "give either --sheet, to write a"),
        (["judge", "run", "--budget", "3"], "a budget needs input_price or output_price"),
        (["polish", "run", "--batch", "0"], "polish: batch: input should be greater than"),
        (["polish", "run"], "run: has no complete table 'meta'"),
    ],
)
def test_a_wrong_option_is_one_sentence(tmp_path: Path, words: list[str], sentence: str) -> None:
    done = answered(*words, cwd=tmp_path)
    assert done.returncode == 2
    (said,) = done.stderr.splitlines()
    assert sentence in said
    assert not list(tmp_path.iterdir())
