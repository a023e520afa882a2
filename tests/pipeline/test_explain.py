"""A stage in words."""

import pytest

from pipeline.explain import explain
from pipeline.stage import Stage
from stages import RECIPES
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


@pytest.mark.parametrize("stage", [stage for recipe in RECIPES.values() for stage in recipe])
def test_every_key_of_every_stage_is_explained_in_sentences(stage: Stage) -> None:
    for line in explain(stage).partition("config, in the block")[2].splitlines()[1:]:
        key, _, text = line.partition("): ")
        if "(" in key:
            assert text[:1].isupper(), line
            assert text.endswith("."), line
