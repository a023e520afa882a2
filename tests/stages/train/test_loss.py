"""Losses that know which texts are the same; in one process and over several."""

import pytest
import torch
from open_clip.loss import ClipLoss, SigLipLoss
from torch import distributed
from torch.nn import functional

from stages.train.adapter import Place
from stages.train.config import TrainConfig
from stages.train.labels import Labels
from stages.train.loss import make_loss, multi_positive_loss
from tests.conftest import assert_close
from tests.stages.train.conftest import of_processes

ALONE = Place("cpu", 0, 1)
KINDS = [(loss, same) for loss in ("clip", "siglip") for same in ("positive", "negative")]

TEXTS = torch.tensor([0, 1, 0, 2, 3, 1, 0, 4])
SAYS = torch.tensor([[1, 0], [0, 1], [1, 0], [1, 1], [0, 0], [0, 1], [1, 0], [0, 1]]).byte()
SHOWS = torch.tensor([[1, 1], [0, 1], [1, 0], [1, 1], [0, 0], [0, 0], [1, 0], [0, 1]]).byte()
LABELS = Labels(TEXTS, SAYS, SHOWS)
"""Text 3 names nothing that is known; image 5 does not certainly show what its caption names."""


def config(loss="clip", same_text="positive", **more):
    return TrainConfig(train_data="a.csv", loss=loss, same_text=same_text, **more)


ROWS = 8


def features(rows=ROWS, seed=0, bias=False):
    draw = torch.Generator().manual_seed(seed)
    images, words = (
        functional.normalize(torch.randn(rows, 16, generator=draw), dim=-1).requires_grad_()
        for _ in range(2)
    )
    found = {
        "image_features": images,
        "text_features": words,
        "logit_scale": torch.tensor(10.0, requires_grad=True),
    }
    return found | ({"logit_bias": torch.tensor(-10.0, requires_grad=True)} if bias else {})


@pytest.mark.parametrize("same_text", ["positive", "negative"])
def test_where_all_texts_differ_both_losses_are_open_clips(same_text):
    given, texts = features(), torch.arange(8)
    found = make_loss(config("clip", same_text), ALONE)(given, Labels.of_texts(texts))
    assert_close(found, ClipLoss()(**given), size=10)
    given = features(bias=True)
    found = make_loss(config("siglip", same_text), ALONE)(given, Labels.of_texts(texts))
    assert_close(found, SigLipLoss()(**given), size=10)


def test_equal_texts_are_no_negatives():
    texts = torch.tensor([0, 1, 0, 2, 3, 1, 0, 4])
    given = features()
    words = given["text_features"].detach()
    given["text_features"] = torch.stack([words[int(text)] for text in texts])
    logits = 10.0 * given["image_features"] @ given["text_features"].T
    expected = []
    for scores in (logits, logits.T):
        for i in range(8):
            against = [j for j in range(8) if j == i or texts[j] != texts[i]]
            expected.append(scores[i, against].logsumexp(0) - scores[i, i])
    found = make_loss(config(), ALONE)(given, Labels.of_texts(texts))
    assert_close(found, sum(expected) / 16, size=10)
    perfect = torch.eye(5)[texts]
    sure = {"image_features": perfect, "text_features": perfect, "logit_scale": torch.tensor(100.0)}
    assert_close(make_loss(config(), ALONE)(sure, Labels.of_texts(texts)), 0, size=100)
    assert make_loss(config("clip", "negative"), ALONE)(sure, Labels.of_texts(texts)).item() > 0.3


def test_to_spread_the_target_over_equal_texts_is_the_plain_loss():
    texts, given = torch.tensor([0, 1, 0, 2, 3, 1, 0, 4]), features()
    given["text_features"] = given["text_features"].detach()[texts]
    logits = 10.0 * given["image_features"] @ given["text_features"].T
    spread = multi_positive_loss(logits, logits.T, texts[:, None] == texts[None, :])
    assert_close(spread, ClipLoss()(**given), size=10)


def test_the_sigmoid_loss_takes_every_equal_text_for_a_positive():
    texts, given = torch.tensor([0, 1, 0, 2]), features(4, bias=True)
    logits = 10.0 * given["image_features"] @ given["text_features"].T - 10.0
    expected = sum(
        -functional.logsigmoid(logits[i, j] * (1 if texts[i] == texts[j] else -1))
        for i in range(4)
        for j in range(4)
    )
    found = make_loss(config("siglip"), ALONE)(given, Labels.of_texts(texts))
    assert_close(found, expected / 4, size=10)


def partners_by_hand(image, text):
    named = SAYS[text].nonzero()
    shown = len(named) > 0 and bool(SHOWS[image][named].all())
    return shown or bool(TEXTS[image] == TEXTS[text])


def test_an_image_that_shows_what_a_text_names_is_no_negative_of_it():
    given = features()
    logits = 10.0 * given["image_features"] @ given["text_features"].T
    expected = 0
    for i in range(8):
        texts = [j for j in range(8) if j == i or not partners_by_hand(i, j)]
        images = [j for j in range(8) if j == i or not partners_by_hand(j, i)]
        expected += logits[i, texts].logsumexp(0) + logits[images, i].logsumexp(0)
        expected -= 2 * logits[i, i]
    found = make_loss(config(), ALONE)(given, LABELS)
    assert_close(found, expected / 16, size=10)
    assert found.item() < make_loss(config(), ALONE)(given, Labels.of_texts(TEXTS)).item() - 0.01


def test_the_sigmoid_loss_leaves_out_images_that_show_what_a_text_names():
    given = features(bias=True)
    logits = 10.0 * given["image_features"] @ given["text_features"].T - 10.0
    expected = 0
    for i in range(8):
        for j in range(8):
            same = bool(TEXTS[i] == TEXTS[j])
            if same or not partners_by_hand(i, j):
                expected -= functional.logsigmoid(logits[i, j] * (1 if same else -1))
    assert_close(make_loss(config("siglip"), ALONE)(given, LABELS), expected / 8, size=10)


def shared(rank, world, file, results):
    """Each loss in one process of several; and open_clip's own where all texts differ."""
    distributed.init_process_group("gloo", f"file://{file}", rank=rank, world_size=world)
    size, place = ROWS // world, Place("cpu", rank, world)
    own = slice(rank * size, (rank + 1) * size)
    differing = Labels.of_texts(torch.arange(ROWS))
    found = {
        (loss, same): (make_loss(config(loss, same), place), LABELS) for loss, same in KINDS
    } | {
        ("siglip", "all differ"): (make_loss(config("siglip"), place), differing),
        ("siglip", "open_clip"): (
            lambda given, _: SigLipLoss(rank=rank, world_size=world)(**given),
            differing,
        ),
    }
    for (loss, same), (compute, labels) in found.items():
        mine = {
            name: (value[own] if value.ndim else value).detach().requires_grad_()
            for name, value in features(bias=loss == "siglip").items()
        }
        value = compute(mine, Labels(*(of[own] for of in labels)))
        value.backward()
        gradients = {name: value.grad.numpy() for name, value in mine.items()}
        results[rank, loss, same] = (value.item(), gradients)
    distributed.destroy_process_group()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("world", [2, 4])
def test_over_several_devices_losses_and_gradients_are_those_of_one(tmp_path, world):
    results = of_processes(shared, world, tmp_path)
    for loss, same in KINDS:
        whole = features(bias=loss == "siglip")
        value = make_loss(config(loss, same), ALONE)(whole, LABELS)
        value.backward()
        parts = [results[rank, loss, same] for rank in range(world)]
        assert_close(sum(part[0] for part in parts) / world, value, size=10)
        for name, of in whole.items():
            grads = [torch.from_numpy(part[1][name]) for part in parts]  # averaged, as by DDP
            found = (torch.cat(grads) if of.ndim else sum(grads)) / world
            assert_close(found, of.grad, size=10)
    for rank in range(world):  # where all texts differ, on each device by itself
        ours, theirs = (results[rank, "siglip", which] for which in ("all differ", "open_clip"))
        assert_close(ours[0], theirs[0])
        assert ours[1].keys() == theirs[1].keys() == features(bias=True).keys()
        for name, gradient in theirs[1].items():
            assert_close(ours[1][name], gradient)


def test_the_gradients_of_the_sigmoid_loss_are_open_clips_with_its_bias():
    ours, theirs = features(bias=True), features(bias=True)
    make_loss(config("siglip"), ALONE)(ours, Labels.of_texts(torch.arange(ROWS))).backward()
    SigLipLoss()(**theirs).backward()
    for name, of in theirs.items():
        assert_close(ours[name].grad, of.grad)
