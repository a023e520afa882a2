"""Locked towers: the others learn as open_clip's own locks let them, and the locked stay as is."""

import json

import open_clip
import pytest
import torch
from open_clip.loss import ClipLoss

from pipeline.errors import ConfigError
from skyscript.clip.export import export_model
from stages.train.adapter import Place
from stages.train.config import TrainConfig
from stages.train.labels import Labels
from stages.train.loading import Batch
from stages.train.loop import train
from stages.train.model import load_initial_model
from stages.train.optimiser import parameter_groups
from stages.train.step import Learner
from tests.conftest import assert_close
from tests.stages.train.conftest import CONFIG, kill_at_step, losses, train_together, weights

pytestmark = pytest.mark.filterwarnings("ignore")

RESNET = {"image_size": 32, "layers": [1, 1, 1, 1], "width": 8}
TEXTS = ["a pond", "a road of many words", "a tree", "a house and a garden"] * 2
RATE, STEPS = 1e-3, 4
ADAM = {"beta1": 0.9, "beta2": 0.98, "eps": 1e-3}
"""With a large epsilon, gradients that are only rounding (of the keys' biases) do nothing."""
TIMES = 1e-4
"""The relative error after some steps: each of Adam's multiplies that of rounding."""


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Folders of a vision transformer and of a ResNet whose batch norms have seen images."""
    found = {}
    for name, settings in (("vit", CONFIG), ("resnet", {**CONFIG, "vision_cfg": RESNET})):
        torch.manual_seed(0)
        model = open_clip.CLIP(**settings)
        with torch.no_grad():
            model.encode_image(torch.randn(32, 3, 32, 32))
        found[name] = tmp_path_factory.mktemp(name)
        export_model(model, settings, found[name])
    return found


def config(folder, **options):
    rates = {"lr": RATE, "warmup": 0, "lr_scheduler": "const", "wd": 0.1}
    plain = {"optimizer": "adamw", "same_text": "negative"}
    model = f"local-dir:{folder}"
    given = rates | plain | options
    return TrainConfig(train_data="a.csv", device="cpu", model=model, **given)


def some_batches(tokenizer):
    draw = torch.Generator().manual_seed(1)
    tokens, count = tokenizer(TEXTS), len(TEXTS)
    for _ in range(STEPS):
        images = torch.randn(count, 3, 32, 32, generator=draw)
        none = torch.empty((count, 0), dtype=torch.int64)
        nothing = torch.empty((count, 0, tokens.shape[1]), dtype=torch.int64)
        yield Batch(images, tokens, Labels.of_texts(torch.arange(count)), none, nothing)


def learnt(config):
    """Give the learner after some steps."""
    initial = load_initial_model(config, "cpu")
    learner = Learner(initial, config, Place("cpu", 0, 1))
    for step, batch in enumerate(some_batches(initial.tokenizer)):
        learner.take_step([batch], step)
    return learner


def reference(folder, lock):
    """Give open_clip's model before and after the same steps of plain PyTorch."""
    model = open_clip.create_model(f"local-dir:{folder}", output_dict=True)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    lock(model)
    groups = parameter_groups(model.named_parameters(), 0.1)
    optimiser = torch.optim.AdamW(groups, lr=RATE, betas=(0.9, 0.98), eps=1e-3)
    tokenizer = open_clip.get_tokenizer(f"local-dir:{folder}")
    model.train()
    for batch in some_batches(tokenizer):
        optimiser.zero_grad()
        ClipLoss()(**model(batch.images, batch.tokens)).backward()
        optimiser.step()
        with torch.no_grad():
            model.logit_scale.clamp_(0, 4.6052)
    return before, model


LOCKS = [
    ("vit", {"lock_image": True}, lambda m: m.lock_image_tower()),
    (
        "vit",
        {"lock_image": True, "lock_image_unlocked_groups": 2},
        lambda m: m.lock_image_tower(unlocked_groups=2),
    ),
    ("vit", {"lock_text": True}, lambda m: m.lock_text_tower()),
    (
        "vit",
        {"lock_text": True, "lock_text_unlocked_layers": 2},
        lambda m: m.lock_text_tower(unlocked_layers=2),
    ),
    ("resnet", {"lock_image": True}, lambda m: m.lock_image_tower(freeze_bn_stats=True)),
]


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "locks", "lock"), LOCKS)
def test_some_steps_end_where_plain_steps_with_open_clips_lock_do(folders, kind, locks, lock):
    found = learnt(config(folders[kind], **locks, **ADAM)).state.model
    before, expected = reference(folders[kind], lock)
    names = dict(expected.named_parameters())
    moved = {name for name, value in names.items() if value.requires_grad}
    assert moved == {name for name, value in found.named_parameters() if value.requires_grad}
    assert {"logit_scale"} < moved < set(names)
    ours, theirs = found.state_dict(), expected.state_dict()
    for name, value in before.items():
        if name in moved:
            assert_close(ours[name], theirs[name], TIMES)
            assert not torch.equal(ours[name], value)
        else:
            assert torch.equal(ours[name], value), name


def test_a_locked_tower_needs_no_gradient_and_no_state(folders):
    learner = learnt(
        config(folders["vit"], lock_image=True).model_copy(update={"optimizer": "kahan"})
    )
    model, optimiser, _ = learner.state
    assert not model.encode_image(torch.zeros(1, 3, 32, 32)).requires_grad
    trained = sum(value.numel() for value in model.parameters() if value.requires_grad)
    stored = [of["rest"].numel() for of in optimiser.state_dict()["state"].values()]
    assert sum(stored) == trained
    assert trained == sum(p.numel() for p in model.parameters()) - sum(
        p.numel() for p in model.visual.parameters()
    )


@pytest.mark.slow
def test_locked_layers_compute_as_in_evaluation_and_the_others_train(folders):
    learner = learnt(config(folders["resnet"], lock_image=True))
    model = learner.state.model
    assert not any(part.training for part in model.visual.modules())
    assert model.transformer.training
    learner = learnt(config(folders["vit"], lock_image=True, lock_image_unlocked_groups=2))
    first, last = learner.state.model.visual.transformer.resblocks
    assert (first.training, last.training) == (False, True)


@pytest.mark.parametrize(
    ("kind", "locks", "says"),
    [
        ("resnet", {"lock_image_unlocked_groups": 1}, "cannot lock this tower in part"),
        ("vit", {"lock_image_unlocked_groups": 4}, "no more groups, so nothing is locked"),
    ],
)
def test_groups_that_are_not_there_are_named(folders, kind, locks, says):
    options = config(folders[kind], lock_image=True, **locks)
    with pytest.raises(ConfigError, match=rf"lock_image_unlocked_groups: .*{says}"):
        load_initial_model(options, "cpu")


@pytest.mark.slow
def test_a_locked_training_learns_and_after_a_kill_ends_at_the_same_weights(options, tiny_vit):
    locks = {"lock_image": True, "lock_image_unlocked_groups": 1, "epochs": 8, "save_steps": 1}
    whole = train(TrainConfig(**{**options, **locks, "name": "whole"}), lambda _: None)
    assert losses(whole)[-1] < losses(whole)[0]
    broken = options | locks | {"name": "broken"}
    kill_at_step(broken, 5)
    train(TrainConfig(**broken), lambda _: None)
    ours, theirs = weights(whole), weights(options["runs"] / "broken")
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    before = open_clip.create_model(f"local-dir:{tiny_vit}").state_dict()
    same = {name for name in ours if torch.equal(ours[name], before[name])}
    assert same == {name for name in ours if name.startswith("visual.")} - {"visual.proj"}


@pytest.mark.slow
def test_two_processes_train_a_locked_model_as_one_does(options):
    more = {"lock_image": True, "batch_size": 16, "epochs": 2}
    one = train(TrainConfig(**{**options, **more, "accum_freq": 2}), lambda _: None)
    two = train_together(options | more | {"name": "two"})
    assert_close(losses(one), losses(two), TIMES)
    said = json.loads((two / "config.json").read_text())
    assert said["lock_image"] is True
