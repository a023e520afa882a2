"""How a scorer is named: the name is part of CSV columns and of file names."""

import pytest
from pydantic import ValidationError

from stages.score.config import PairScoreConfig, RunScoreConfig


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ({}, "CLIP_openai"),  # the published name
        ({"model": "tiny"}, "CLIP_tiny"),
        ({"model": "ViT-B-32", "pretrained": "laion2b_s34b_b79k"}, "CLIP_laion2b_s34b_b79k"),
        ({"model": "ViT-L-14", "pretrained": "weights/SkyCLIP top 30.pt"}, "CLIP_SkyCLIP_top_30"),
        ({"model": "local-dir:models/mine/"}, "CLIP_mine"),
        ({"model": "hf-hub:owner/RemoteCLIP"}, "CLIP_RemoteCLIP"),
        ({"model": "tiny", "name": "CLIP_openai"}, "CLIP_openai"),
    ],
)
def test_a_scorer_is_named_after_its_weights_unless_the_user_names_it(model, name):
    pairs = {"images": "images", "captions": "pairs.csv"}
    assert PairScoreConfig(**pairs, **model).name == name
    if model:
        assert RunScoreConfig(**model).name == name


def test_the_two_scores_of_a_check_may_differ_by_little_but_not_by_nothing():
    assert RunScoreConfig(tolerance=1e-6).tolerance == 1e-6
    with pytest.raises(ValidationError, match="tolerance"):
        RunScoreConfig(tolerance=0)
