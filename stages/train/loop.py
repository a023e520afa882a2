"""The training itself: from options to a folder with checkpoints, records and the model."""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import distributed

from pipeline.atomic import storage, write_json
from pipeline.errors import ConfigError, SkyScriptError
from pipeline.events import TaskProgress
from skyscript.clip.export import export_model
from stages.train import adapter, checkpoint
from stages.train.adapter import Place
from stages.train.config import TrainConfig
from stages.train.loading import PairDataset, load_pairs, loader
from stages.train.model import Beginning, begin
from stages.train.record import Record
from stages.train.sampler import Batches, Split
from stages.train.step import Learner
from stages.train.transforms import training_transform
from stages.train.validate import due, find_checks

log = logging.getLogger(__name__)


class Pace:
    """How long some steps took, and how much of it was waiting for data."""

    def __init__(self) -> None:
        self.steps, self.waited = 0, 0.0
        self._begun = time.monotonic()

    @property
    def seconds(self) -> float:
        """Time since the first of these steps began, pauses left out."""
        return max(time.monotonic() - self._begun, 1e-9)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Count what is inside as waiting for data."""
        begun = time.monotonic()
        yield
        self.waited += time.monotonic() - begun

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Leave out what is inside: evaluating and saving."""
        begun = time.monotonic()
        yield
        self._begun += time.monotonic() - begun


Report = Callable[[TaskProgress], None]


def train(config: TrainConfig, report: Report) -> Path:
    """Train, or go on where the run of this name stopped; give the run's folder.

    Raises `InputError` and `ConfigError` for what cannot be trained on or with.
    """
    adapter.check_version()
    place = adapter.join(config.device)
    try:
        return Training(config, place, report).run()
    finally:
        if place.world > 1:
            distributed.destroy_process_group()


class Training:
    """A model that learns, in one of several processes."""

    def __init__(self, config: TrainConfig, place: Place, report: Report) -> None:
        config = _resolved(config, place)
        self.config, self.place, self.report = config, place, report
        self.folder = config.runs / (config.name or "train")
        self.checkpoints = self.folder / "checkpoints"
        pairs = load_pairs(config.train_data, config)
        split = Split(config.batch_size, config.accum_freq, place.world, place.rank)
        self.batches = Batches(pairs.texts, split, config.epochs, config.seed, config.batches)
        self.steps = self.batches.steps * config.epochs
        self.beginning = begin(config, place.device)
        preprocess = self.beginning.preprocess
        self.identity = _identity(config, self.beginning, pairs.identity, split)
        transform = training_transform(preprocess, config)
        record = self.folder / "unreadable.jsonl" if config.bad_images == "skip" else None
        self.data = PairDataset(pairs, transform, self.beginning.tokenizer, config.seed, record)
        self.learner = Learner(self.beginning, config, place)
        self.state = self.learner.state
        self.schedule = adapter.schedule(self.state.optimiser, config, self.steps)
        self.checks = find_checks(config, self.beginning)

    @property
    def first(self) -> bool:
        """Whether this process writes."""
        return self.place.rank == 0

    def run(self) -> Path:
        """Train to the end."""
        with storage(self.folder):
            self.checkpoints.mkdir(parents=True, exist_ok=True)
        self.batches.begin = checkpoint.resume(self.checkpoints, self.state, self.identity)
        self._say_what_begins()
        record = None
        if self.first:
            checkpoint.sweep(self.checkpoints)
            write_json(self.folder / "config.json", self.config.model_dump(mode="json"))
            record = Record(self.folder, self.config, self.batches.begin)
        if self.batches.begin < self.steps:
            self._learn(record)
        if record is not None:
            record.close()
            begun, folder = self.beginning, self.folder / "export"
            export_model(self.state.model, begun.settings, folder, begun.tokenizer)
        self._wait()
        return self.folder

    def _say_what_begins(self) -> None:
        if not self.first:
            return
        done = self.batches.begin
        if self.beginning.identity["weights"].startswith("random") and not done:
            log.info("no --pretrained: begins from random weights")
        if done:
            log.info("%s: goes on after step %s of %s", self.folder, f"{done:,}", f"{self.steps:,}")
        if self.config.warmup >= self.steps:
            log.warning(
                "warmup: %s steps are no fewer than the whole training's %s: the learning rate "
                "never becomes whole",
                f"{self.config.warmup:,}",
                f"{self.steps:,}",
            )

    def _learn(self, record: Record | None) -> None:
        given = loader(self.data, self.batches, self.config, self.place.device)
        config, pace = self.config, Pace()
        for step in range(self.batches.begin, self.steps):
            rate = self.schedule(step)
            with pace.waiting():
                some = [next(given) for _ in range(config.accum_freq)]
            loss = self.learner.take(some, step)
            done = step + 1
            pace.steps += 1
            if done % config.log_every_n_steps == 0 or done == self.steps:
                self._tell(record, done, loss, rate, pace)
                pace = Pace()
            with pace.paused():
                self._after(done, record)

    def _tell(
        self, record: Record | None, done: int, loss: torch.Tensor, rate: float, pace: Pace
    ) -> None:
        """Report a step, with the loss over all devices."""
        if self.place.world > 1:
            loss = loss.clone()
            distributed.all_reduce(loss)
            loss /= self.place.world
        value = float(loss)
        if not math.isfinite(value):
            raise SkyScriptError(
                f"step {done:,}: the loss is {value}: lower --lr, or use another --precision. The "
                "checkpoints before it stay."
            )
        if record is None:
            return
        seconds = pace.seconds / pace.steps
        speed = self.batches.step / seconds
        scale = float(self.state.model.logit_scale.detach().exp())
        written = {"loss": value, "lr": rate, "scale": scale}
        record.training(done, {**written, "samples_per_second": round(speed, 1)})
        note = (
            f"epoch {(done - 1) // self.batches.steps + 1} of {self.config.epochs}, "
            f"loss {value:.4f}, LR {rate:.2e}, logit scale {scale:.2f}, {speed:,.0f} samples/s, "
            f"{pace.waited / pace.seconds:.0%} waiting for data, "
            f"{seconds * (self.steps - done) / 60:,.0f} min left"
        )
        self.report(TaskProgress("train", "", done, self.steps, "steps", note))

    def _after(self, done: int, record: Record | None) -> None:
        """Evaluate and save where an epoch ends, and save where it was asked for."""
        epoch, within = divmod(done, self.batches.steps)
        config = self.config
        if within:
            if config.save_steps and done % config.save_steps == 0:
                self._save(done, epoch)
            return
        values = self.checks.of(self.learner, config, self.place, epoch)
        if record is not None and values:
            record.evaluation(done, epoch, values)
            said = ", ".join(f"{name} {value:.4f}" for name, value in values.items())
            log.info("epoch %d of %d: %s", epoch, config.epochs, said)
        if config.save_frequency or epoch == config.epochs:
            self._save(done, epoch)
        if self.first and due(epoch, config.save_frequency, config.epochs, always=True):
            checkpoint.keep(self.checkpoints, epoch)

    def _save(self, done: int, epoch: int) -> None:
        if self.first:
            checkpoint.save(
                self.checkpoints,
                self.state,
                name=self.folder.name,
                step=done,
                epoch=epoch,
                identity=self.identity,
            )
        self._wait()

    def _wait(self) -> None:
        if self.place.world > 1:
            distributed.barrier()


def _resolved(config: TrainConfig, place: Place) -> TrainConfig:
    """Settle what depends on the machine."""
    precision = config.precision
    on_gpu = place.device.startswith("cuda")
    if precision == "auto":
        precision = "amp" if on_gpu else "fp32"
    if precision == "amp" and not on_gpu:
        if config.protocol == "skyclip":
            log.warning("precision amp needs a GPU: fp32 instead, which is not as published")
            precision = "fp32"
        else:
            raise ConfigError("precision: amp needs a GPU; on a CPU use fp32 or amp_bf16.")
    return config.model_copy(update={"precision": precision})


def _identity(
    config: TrainConfig, beginning: Beginning, pairs: str, split: Split
) -> dict[str, Any]:
    """Give all that decides the weights; how the work is shared out does not."""
    found = {**config.identity(), **beginning.identity, "pairs": pairs, "pairs a step": split.step}
    for name in ("model", "pretrained", "train_data", "val_data", "root_data_dir"):
        found.pop(name)
    if config.gather == "own-rank":
        found["devices"] = split.world
    plain: dict[str, Any] = json.loads(json.dumps(found))
    return plain
