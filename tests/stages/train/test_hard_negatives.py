"""False statements on an image as further texts of this image: the loss, and training with it."""

import csv

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from torch import distributed
from torch.nn import functional

from pipeline.errors import ConfigError
from skyscript.clip.model import load_clip
from skyscript.clip.source import ClipConfig, find_clip
from stages.train.adapter import Place
from stages.train.config import TrainConfig
from stages.train.labels import Labels
from stages.train.loading import Batch
from stages.train.loop import train
from stages.train.loss import HARD, IS_HARD, make_loss
from stages.train.model import load_initial_model
from stages.train.towers import Towers
from tests.conftest import assert_close
from tests.stages.train.conftest import CSV, losses, of_processes, train_together, weights
from tests.stages.train.test_loss import ALONE, LABELS, config, features, partners_by_hand

THERE = torch.tensor([[1, 1], [1, 0], [0, 0], [1, 1], [0, 1], [0, 0], [1, 0], [1, 1]]).bool()


def hard_features(bias=False):
    """The features of eight pairs; six images have false statements."""
    draw = torch.Generator().manual_seed(9)
    cosines = (torch.rand((8, 2), generator=draw) - 0.5).requires_grad_()
    return features(bias=bias) | {HARD: cosines, IS_HARD: THERE}


def test_the_false_statements_on_an_image_are_further_texts_of_it_alone():
    given = hard_features()
    logits = 10.0 * given["image_features"] @ given["text_features"].T
    expected = 0
    for i in range(8):
        texts = [j for j in range(8) if j == i or not partners_by_hand(i, j)]
        images = [j for j in range(8) if j == i or not partners_by_hand(j, i)]
        more = 10.0 * given[HARD][i][THERE[i]]
        expected += torch.cat([logits[i, texts], more]).logsumexp(0)
        expected += logits[images, i].logsumexp(0) - 2 * logits[i, i]
    found = make_loss(config(), ALONE)(given, LABELS)
    assert_close(found, expected / 16, size=10)


def test_the_sigmoid_loss_sets_each_false_statement_against_its_image():
    given = hard_features(bias=True)
    plain = make_loss(config("siglip"), ALONE)(features(bias=True), LABELS)
    more = -functional.logsigmoid(-(10.0 * given[HARD] - 10.0))[THERE].sum() / 8
    assert_close(make_loss(config("siglip"), ALONE)(given, LABELS), plain + more, size=10)


@pytest.mark.parametrize("loss", ["clip", "siglip"])
def test_a_statement_that_is_not_there_has_no_gradient(loss):
    given = hard_features(bias=loss == "siglip")
    make_loss(config(loss), ALONE)(given, LABELS).backward()
    assert (given[HARD].grad[~THERE] == 0).all()
    assert (given[HARD].grad[THERE] > 0).all()
    assert given["logit_scale"].grad.isfinite()


KINDS = [("clip", "whole"), ("clip", "own-rank"), ("siglip", "whole")]


def shared(rank, world, file, results):
    distributed.init_process_group("gloo", f"file://{file}", rank=rank, world_size=world)
    own = slice(rank * 4, rank * 4 + 4)
    for loss, gather in KINDS:
        mine = {
            name: (value[own] if value.ndim else value).detach()
            for name, value in hard_features(bias=loss == "siglip").items()
        }
        for name, value in mine.items():
            value.requires_grad_(name != IS_HARD)
        made = make_loss(config(loss, gather=gather), Place("cpu", rank, world))
        found = made(mine, Labels(*(of[own] for of in LABELS)))
        found.backward()
        results[rank, loss, gather] = found.item(), mine[HARD].grad.numpy()
    distributed.destroy_process_group()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_over_two_devices_the_loss_and_its_gradients_are_those_of_one(tmp_path):
    results = of_processes(shared, 2, tmp_path)
    for loss, gather in KINDS:
        whole = hard_features(bias=loss == "siglip")
        value = make_loss(config(loss), ALONE)(whole, LABELS)
        value.backward()
        parts = [results[rank, loss, gather] for rank in range(2)]
        assert_close(sum(part[0] for part in parts) / 2, value, size=10)
        grads = torch.cat([torch.from_numpy(part[1]) for part in parts])
        averaged = grads / (1 if gather == "own-rank" else 2)  # there, each has the whole loss
        assert_close(averaged, whole[HARD].grad, size=10)


def test_the_towers_give_the_cosines_of_each_image_and_its_statements(tiny_vit):
    found = load_initial_model(TrainConfig(train_data="a", model=f"local-dir:{tiny_vit}"), "cpu")
    towers, encode = Towers(found.model, found.tokenizer), found.model.encode_text
    texts = ["a pond", "a road", "two ponds", "three ponds of many words that follow"]
    tokens = found.tokenizer(texts)
    numbers = torch.tensor([[2, 3], [-1, -1], [1, -1]])
    batch = Batch(
        torch.empty(0),
        tokens[[0, 1, 0]],
        Labels.of_texts(torch.tensor([0, 1, 0])),
        numbers,
        torch.where(numbers[..., None] < 0, tokens[[0, 1, 0]][:, None], tokens[numbers]),
    )
    distinct, where, negatives = towers.shorten(batch)
    assert distinct.shape[0] == 4
    assert distinct.shape[1] < 77
    images = torch.randn(3, 3, 32, 32)
    made = towers(images, distinct, where, negatives)
    cosines = found.model.encode_image(images, normalize=True) @ encode(tokens, normalize=True).T
    assert made[IS_HARD].tolist() == [[True, True], [False, False], [True, False]]
    for image, slot, text in ((0, 0, 2), (0, 1, 3), (2, 0, 1)):
        assert_close(made[HARD][image, slot], cosines[image, text], 1e-4, size=1)


@pytest.fixture
def statements(town, tmp_path):
    """One true and up to two false sentences on each tile of the town."""
    with (town / CSV).open() as file:
        paths = [row["filepath"] for row in csv.DictReader(file)]
    rows = [
        {"filepath": path, "kind": kind, "role": role, "text": f"There are {count} things."}
        for number, path in enumerate(paths)
        for kind, role, count in (
            ("count", "statement", number % 7),
            ("not_count", "negative", number % 7 + 1),
            ("not_relation", "negative", number % 7 + 20),
        )[: 1 + number % 3]
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "statements.parquet")
    return tmp_path / "statements.parquet"


@pytest.fixture
def mixed(options, statements):
    """Options of a training on mixed captions, with false statements and a longer context."""
    return options | {
        "caption_weights": {"title": 2, "title_multi_objects": 1, "statements": 1},
        "statements": statements,
        "hard_negatives": 2,
        "context_length": 96,
        "batch_size": 16,
        "save_steps": 1,
    }


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_training_that_stops_midway_goes_on_to_equal_weights(mixed):
    whole = train(TrainConfig(**mixed | {"name": "whole"}), lambda _: None)

    def stop(step):
        if step.done == 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(TrainConfig(**mixed), stop)
    cut = train(TrainConfig(**mixed | {"workers": 1}), lambda _: None)
    assert losses(cut) == losses(whole)
    expected = weights(whole)
    assert all(torch.equal(value, expected[name]) for name, value in weights(cut).items())
    assert expected["positional_embedding"].shape == (96, 32)
    exported = load_clip(
        find_clip(ClipConfig(model=f"local-dir:{cut / 'export'}", pretrained=None)), "cpu"
    )
    assert exported.tokenizer.context_length == 96
    with pytest.raises(ConfigError, match="a training with other hard_negatives; give"):
        train(TrainConfig(**mixed | {"hard_negatives": 1}), lambda _: None)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_two_processes_and_accumulated_batches_learn_as_one_does(mixed):
    one = train(TrainConfig(**mixed | {"batch_size": 32}), lambda _: None)
    parts = TrainConfig(**mixed | {"name": "parts", "batch_size": 8, "accum_freq": 4})
    assert_close(losses(train(parts, lambda _: None)), losses(one), 1e-4)
    assert_close(losses(train_together(mixed | {"name": "two"})), losses(one), 1e-4)
    plain = TrainConfig(**mixed | {"name": "plain", "hard_negatives": 0, "batch_size": 32})
    assert losses(train(plain, lambda _: None))[0] < losses(one)[0] - 0.01
