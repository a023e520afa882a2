"""Recalls of held-out pairs: an equal text is a right answer."""

from types import SimpleNamespace

import torch

from stages.train import validate
from stages.train.adapter import Place
from stages.train.config import TrainConfig
from stages.train.validate import Features, ZeroShotCheck, is_due, measure_recalls


def plainly(found, k):
    images, words, texts = found
    scores = images @ words.T
    hit = sum(
        any(texts[j] == texts[i] for j in scores[i].argsort(descending=True)[:k].tolist())
        for i in range(len(texts))
    )
    return hit / len(texts)


def test_distinct_texts_are_ranked_as_one_would_by_hand():
    draw = torch.Generator().manual_seed(0)
    found = Features(
        torch.randn(30, 8, generator=draw), torch.randn(30, 8, generator=draw), torch.arange(30)
    )
    values = measure_recalls(found)
    for k in (1, 5, 10):
        assert abs(values[f"image_to_text_R@{k}"] - plainly(found, k)) < 1e-9
        turned = Features(found.words, found.images, found.texts)
        assert abs(values[f"text_to_image_R@{k}"] - plainly(turned, k)) < 1e-9


def test_any_image_of_an_equal_text_is_found_and_a_tie_with_a_wrong_one_is_not():
    axes = torch.eye(4)
    texts = torch.tensor([0, 0, 1, 2])
    words = axes[texts]
    images = torch.stack([axes[3], axes[0], axes[1], axes[2]])  # the first is nowhere near
    values = measure_recalls(Features(images, words, texts))
    assert values["text_to_image_R@1"] == 1  # text 0 finds the second image, which has it too
    assert values["image_to_text_R@1"] == 0.75  # the first image's text ties with the others
    assert values["image_to_text_R@5"] == 1


def test_each_rank_classifies_its_share_alone(monkeypatch):
    asked = []

    def zero_shot(*_, rank, world_size, **__):
        asked.append((rank, world_size))
        return SimpleNamespace(top1=0.25, top5=0.5, unusable=[])

    monkeypatch.setattr(validate, "zero_shot", zero_shot)
    sets = (SimpleNamespace(name="aid"), SimpleNamespace(name="nwpu"))
    check = ZeroShotCheck(sets, "benchmarks", None, None)
    values = check(SimpleNamespace(), TrainConfig(train_data="a.csv"), Place("cpu", 2, 4))
    assert asked == [(2, 4), (2, 4)]
    assert values["mean_top1"] == 0.25
    assert values["nwpu_top5"] == 0.5


def test_the_last_epoch_is_evaluated_whatever_the_frequency():
    assert [epoch for epoch in range(1, 8) if is_due(epoch, 3, 7)] == [3, 6, 7]
    assert [epoch for epoch in range(1, 8) if is_due(epoch, 0, 7)] == []
    assert [epoch for epoch in range(1, 8) if is_due(epoch, 0, 7, always=True)] == [7]
