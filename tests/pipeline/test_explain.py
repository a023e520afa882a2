"""A stage in words."""

from pipeline.explain import explain
from stages.fetch import FETCH
from tests.pipeline.recipe import SQUARE


def test_a_stages_keys_come_with_default_and_meaning() -> None:
    assert "  power (default 2): The exponent." in explain(SQUARE)
    assert "  filepath: string" in explain(SQUARE)


def test_the_kinds_of_a_block_come_with_their_own_keys() -> None:
    said = explain(FETCH)
    assert "    FolderSource: " in said
    assert "      backend (always folder)" in said
    assert "      path (required)" in said
