"""What is written down while a model learns."""

import json
import sys
from types import SimpleNamespace

import pytest

from pipeline.errors import ConfigError
from stages.train.config import TrainConfig
from stages.train.record import Record


def config(*report, **more):
    return TrainConfig(train_data="a.csv", report_to=report, **more)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "run/checkpoints").mkdir(parents=True)
    return tmp_path / "run"


def steps(path):
    return [json.loads(line)["step"] for line in path.read_text().splitlines()]


def test_what_came_after_the_checkpoint_is_written_again_and_not_twice(folder):
    record = Record(folder, config(), 0)
    for step in (1, 2, 3):
        record.training(step, {"loss": 1.0 / step})
    record.evaluation(2, 1, {"top1": 0.5})
    with (folder / "progress.jsonl").open("a") as file:
        file.write('{"step": 4, "lo')  # a kill
    again = Record(folder, config(), 2)
    assert steps(folder / "progress.jsonl") == [1, 2]
    assert steps(folder / "checkpoints/results.jsonl") == [2]
    again.training(3, {"loss": 0.3})
    assert steps(folder / "progress.jsonl") == [1, 2, 3]


def test_wandb_is_told_where_it_is_installed(folder, monkeypatch):
    told = []
    fake = SimpleNamespace(
        init=lambda **given: told.append((given["project"], given["name"])),
        log=lambda values, step: told.append((step, values)),
        finish=lambda: told.append("finished"),
    )
    monkeypatch.setitem(sys.modules, "wandb", fake)
    record = Record(folder, config("wandb", wandb_project="roofs"), 0)
    record.training(1, {"loss": 2.0})
    record.evaluation(1, 1, {"top1": 0.5})
    record.close()
    logged = [(1, {"train/loss": 2.0}), (1, {"val/top1": 0.5})]
    assert told == [("roofs", "run"), *logged, "finished"]


@pytest.mark.parametrize("name", ["wandb", "tensorboard"])
def test_what_is_asked_for_and_not_installed_is_named(folder, monkeypatch, name):
    missing = "torch.utils.tensorboard" if name == "tensorboard" else name
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ConfigError, match=f"report_to: {name} is not installed: pip install"):
        Record(folder, config(name), 0)
