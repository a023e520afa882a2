"""Identity: what decides a result and what does not."""

from pathlib import Path

from tests.pipeline.recipe import CountConfig, SquareConfig


def test_paths_and_execution_fields_are_no_part_of_identity() -> None:
    assert CountConfig(source=Path("/a")).identity() == CountConfig(source=Path("/b")).identity()
    assert SquareConfig(pause=3).identity() == SquareConfig().identity()
    assert SquareConfig(power=3).identity() != SquareConfig().identity()
