"""Sharded training (FSDP2): the weights of DDP, whole checkpoints, any number of processes.

The processes meet by gloo on the CPU.
"""

import json
import shutil

import open_clip
import pytest
import torch
from safetensors.torch import load_file
from torch import distributed

from stages.train.adapter import Place
from stages.train.config import TrainConfig
from stages.train.labels import Labels
from stages.train.loading import Batch
from stages.train.loop import train
from stages.train.model import load_initial_model
from stages.train.sharding import gather_whole, local
from stages.train.step import Learner
from tests.conftest import assert_close
from tests.stages.train.conftest import (
    kill_at_step,
    losses,
    of_processes,
    train_together,
    weights,
)

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow]

TIMES = 1e-4
"""The relative error after some steps: each of Adam's multiplies that of rounding."""
FEW = {"batch_size": 8, "accum_freq": 2, "epochs": 2, "eps": 1e-3}
"""2 steps an epoch. With a large epsilon, gradients that are only rounding do nothing."""


def learn(options, processes=2, **more):
    return train_together(options | more, processes)


def assert_same_weights(ours, theirs):
    left, right = weights(ours), weights(theirs)
    assert left.keys() == right.keys()
    for name, value in right.items():
        assert_close(left[name], value, TIMES)


@pytest.mark.parametrize(
    "more",
    [
        {"val_data": True, "grad_clip_norm": 0.5},
        {"optimizer": "adamw", "lock_image": True, "lock_image_unlocked_groups": 2},
        {"loss": "siglip", "grad_checkpointing": True},
    ],
    ids=["kahan", "adamw-locked", "siglip"],
)
def test_the_weights_are_those_of_ddp(options, more):
    if "val_data" in more:
        more = more | {"val_data": options["train_data"], "val_frequency": 2}
    both = [learn(options | FEW | more, name=name, parallel=name) for name in ("ddp", "fsdp")]
    assert_close(losses(both[1]), losses(both[0]), TIMES)
    assert_same_weights(both[1], both[0])
    for folder in both:
        exported = load_file(folder / "export/open_clip_model.safetensors")
        saved = weights(folder)
        assert exported.keys() == saved.keys()
        assert all(torch.equal(exported[name], value) for name, value in saved.items())
    results = [(folder / "checkpoints/results.jsonl").read_text() for folder in both]
    measured = [[json.loads(line) for line in text.splitlines()] for text in results]
    assert len(measured[1]) == ("val_data" in more)
    for ours, theirs in zip(*measured, strict=True):
        assert ours == pytest.approx(theirs, rel=TIMES, abs=TIMES)


def test_after_a_kill_it_goes_on_with_any_number_of_processes(options):
    """Two processes are killed; two, four and one go on, the last without sharding."""
    more = {"save_steps": 1, "parallel": "fsdp", "batch_size": 8, "epochs": 3, "eps": 1e-3}
    whole = learn(options | more, name="whole")
    kill_at_step(options | more | {"name": "broken"}, 3, processes=2)
    broken = options["runs"] / "broken"
    begun = torch.load(broken / "checkpoints/epoch_latest.pt", weights_only=True)["step"]
    assert 0 < begun < 12
    copies = {name: options["runs"] / name for name in ("four", "one")}
    for folder in copies.values():
        shutil.copytree(broken, folder, ignore=shutil.ignore_patterns("_lock"))
    learn(options | more, name="broken")
    learn(options | more | {"batch_size": 4}, processes=4, name="four")
    train(TrainConfig(**{**options, **more, "batch_size": 16, "name": "one"}), lambda _: None)
    same, first = weights(broken), weights(whole)
    assert all(torch.equal(same[name], value) for name, value in first.items())
    for folder in copies.values():
        assert_close(losses(folder), losses(whole), TIMES)
        assert_same_weights(folder, whole)


def test_each_process_holds_a_part_of_the_weights_and_of_the_optimisers_state(tmp_path, tiny_vit):
    held = of_processes(hold, 2, tmp_path, str(tiny_vit))
    model = open_clip.create_model(f"local-dir:{tiny_vit}")
    every = sum(value.numel() for value in model.parameters())
    for numbers in held.values():
        assert numbers == pytest.approx((every / 2, every / 2), rel=0.01)


def hold(rank, world, file, model, results):
    """Take a step; give the numbers of weights and of the optimiser's rests that this one holds."""
    distributed.init_process_group("gloo", f"file://{file}", rank=rank, world_size=world)
    learner, batch = prepare(model, "fp32", "fsdp", rank, world)
    learner.take_step([batch], 0)
    values = [local(value).numel() for value in learner.state.model.parameters()]
    rests = [local(of["rest"]).numel() for of in learner.state.optimiser.state.values()]
    results[rank] = (sum(values), sum(rests))
    distributed.destroy_process_group()


def prepare(model, precision, parallel, rank, world, **more):
    """Give a learner of this process and its batch, which is the same for each way to train."""
    config = TrainConfig(train_data="a.csv", model=f"local-dir:{model}", parallel=parallel, **more)
    initial = load_initial_model(config, "cpu")
    learner = Learner(
        initial, config.model_copy(update={"precision": precision}), Place("cpu", rank, world)
    )
    tokens = initial.tokenizer(["a pond", "a tree"])
    none = torch.empty((2, 0), dtype=torch.int64)
    torch.manual_seed(rank)
    batch = Batch(
        torch.randn(2, 3, 32, 32),
        tokens,
        Labels.of_texts(torch.arange(2)),
        none,
        none[..., None].expand(2, 0, 77),
    )
    return learner, batch


def test_scaled_gradients_give_the_step_of_ddp_and_an_overflow_stops_all_processes(
    tmp_path, tiny_vit
):
    """In fp16, on the CPU."""
    found = of_processes(scale, 2, tmp_path, str(tiny_vit))
    for rank in (0, 1):
        initial, skipped, stepped, scales = found["fsdp", rank]
        assert scales == [4.0, 2.0, 2.0]  # halved by the overflow in one part of one process
        assert all(torch.equal(skipped[name], value) for name, value in initial.items())
        assert not torch.equal(stepped["logit_scale"], initial["logit_scale"])
        for name, value in found["ddp", rank].items():
            assert_close(stepped[name], value, TIMES)


RATE = {"lr": 1e-2, "eps": 1e-3}
"""Gradients that are only rounding do nothing, and the others are seen in fp32."""


def scale(rank, world, file, model, results):
    """Give the weights and scales of a step that overflows in one process and of one after it."""
    distributed.init_process_group("gloo", f"file://{file}", rank=rank, world_size=world)
    plain, batch = prepare(model, "amp", "ddp", rank, world, **RATE)
    set_scale(plain, 2.0)
    plain.take_step([batch], 1)
    results["ddp", rank] = whole(plain)
    learner, _ = prepare(model, "amp", "fsdp", rank, world, **RATE)
    set_scale(learner, 4.0)
    states, scales = [whole(learner)], [4.0]
    backward = learner._backward
    learner._backward = lambda loss: (backward(loss), overflow(learner) if rank else None)
    for _ in range(2):
        learner.take_step([batch], 1)
        learner._backward = backward
        states.append(whole(learner))
        scales.append(learner.state.scaler.get_scale())
    results["fsdp", rank] = (*states, scales)
    distributed.destroy_process_group()


def set_scale(learner, value):
    """Set the factor by which the scaler multiplies the loss."""
    scaler = learner.state.scaler
    scaler.load_state_dict(scaler.state_dict() | {"scale": value})


def overflow(learner):
    """Make one number infinite of the gradients that this process holds."""
    local(learner.state.model.visual.conv1.weight.grad).view(-1)[0] = torch.inf


def whole(learner):
    """Give a copy of all weights."""
    found = gather_whole(learner.state.model.state_dict())
    return {name: value.clone() for name, value in found.items()}
