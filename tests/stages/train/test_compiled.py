"""Compiled training: the losses and the checkpoints of plain training, and few programs."""

import pytest
import torch

from skyscript.clip.compiling import require_compiler
from stages.train.config import TrainConfig
from stages.train.loop import train
from tests.conftest import assert_close
from tests.stages.train.conftest import losses, train_together, weights

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow]


def learn(options, **more):
    return train(TrainConfig(**{**options, **more}), lambda _: None)


def test_compiled_steps_lose_what_plain_ones_do(options):
    from torch._dynamo.utils import counters

    more = {"epochs": 2, "eps": 1e-3, "val_data": options["train_data"], "batch_size": 16}
    plain = learn(options, name="plain", **more)
    require_compiler("cpu")  # its own program is made once in a process
    counters.clear()
    compiled = learn(options, name="compiled", compile=True, **more)
    # Images and texts. Validation is not compiled.
    assert counters["stats"]["unique_graphs"] == 2
    assert len(losses(plain)) == 8
    assert_close(losses(compiled), losses(plain))
    ours, theirs = weights(compiled), weights(plain)
    assert ours.keys() == theirs.keys()
    for name, value in theirs.items():
        assert_close(ours[name], value, 1e-4)
    again = learn(options, name="compiled", extend=True, **(more | {"epochs": 3}))
    assert len(losses(again)) == 12  # without compile: the checkpoint is a plain one


def test_sharded_processes_compile_too(options):
    more = {"epochs": 1, "eps": 1e-3, "batch_size": 8, "parallel": "fsdp"}
    plain = learn(options | more | {"batch_size": 16}, name="plain")
    together = train_together(options | more | {"compile": True, "name": "two"})
    assert_close(losses(together), losses(plain), 1e-4)
    names = weights(plain).keys()
    assert weights(together).keys() == names
    assert not any("_orig_mod" in name for name in names)
    assert torch.isfinite(weights(plain)["logit_scale"])
