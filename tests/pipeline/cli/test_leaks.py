"""The commands leakage and normsim: what is wrong with their inputs is said in one sentence."""

from pathlib import Path

import pytest

from tests.conftest import answered

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["leakage", "run"], "run: there is no such folder of a run"),
        (["leakage", "run", "--correlation", "2"], "correlation: input should be less than or"),
        (["leakage", "run", "--leave-out", "copy"], "leave_out.0: input should be 'bytes'"),
        (["normsim", "run"], "run: there is no such folder of a run"),
        (["normsim", "run", "--keep", "0"], "keep: input should be greater than or equal to 1"),
    ],
)
def test_a_wrong_input_is_one_sentence(tmp_path: Path, words: list[str], sentence: str) -> None:
    done = answered(*words, cwd=tmp_path)
    assert done.returncode == 2
    (said,) = done.stderr.splitlines()
    assert sentence in said
    assert not list(tmp_path.iterdir())
