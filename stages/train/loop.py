"""The training loop. It writes a folder with checkpoints, records and the exported model."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import distributed

from pipeline.atomic import storage, write_json
from pipeline.errors import ConfigError, SkyScriptError
from pipeline.events import TaskProgress
from pipeline.interrupts import hold_back
from pipeline.locks import exclusive_lock
from skyscript.clip.export import export_model
from skyscript.clip.text import describe_cut, find_cut
from stages.train import adapter, checkpoint
from stages.train.adapter import Place
from stages.train.config import TrainConfig
from stages.train.identity import make_identity
from stages.train.loading import PairDataset, load_batches, load_training_pairs
from stages.train.model import load_initial_model
from stages.train.pace import Pace
from stages.train.pairs import Pairs
from stages.train.published import describe_differences
from stages.train.record import Record
from stages.train.sampler import Batches, Split
from stages.train.step import Learner
from stages.train.transforms import training_transform
from stages.train.unreadable import Unreadable
from stages.train.validate import find_checks, is_due

log = logging.getLogger(__name__)


Report = Callable[[TaskProgress], None]


def train(config: TrainConfig, report: Report) -> Path:
    """Train, or resume the run of this name. Returns the run's folder.

    Raises `InputError` if data or a model cannot be used, and `ConfigError` if options cannot.
    """
    adapter.check_version()
    place = adapter.join(config.device)
    try:
        return Training(config, place, report).run()
    finally:
        if place.world > 1:
            distributed.destroy_process_group()


class Training:
    """One training run, in one of its processes."""

    def __init__(self, config: TrainConfig, place: Place, report: Report) -> None:
        config = _resolve_precision(config, place)
        self.config, self.place, self.report = config, place, report
        self.folder = config.runs / (config.name or "train")
        self.checkpoints = self.folder / "checkpoints"
        pairs = load_training_pairs(config)
        split = Split(config.batch_size, config.accum_freq, place.world, place.rank)
        self.batches = Batches(pairs.texts, split, config.epochs, config.seed, config.batches)
        self.steps = self.batches.steps * config.epochs
        self.initial = load_initial_model(config, place.device)
        preprocess = self.initial.preprocess
        self.identity = make_identity(config, self.initial, pairs, split)
        transform = training_transform(preprocess, config)
        self.data = PairDataset(
            pairs, transform, self.initial.tokenizer, config.seed, config.hard_negatives
        )
        if self.first:
            _log_cut(pairs, self.initial.tokenizer)
        self.learner = Learner(self.initial, config, place)
        self.state = self.learner.state
        self.schedule = adapter.make_schedule(self.state.optimiser, config, self.steps)
        self.checks = find_checks(config, self.initial)
        self.done = self.saved = 0
        """The last complete step, and the last one in a checkpoint."""
        self.unreadable = Unreadable(
            self.folder / "unreadable.jsonl", config.max_bad_images, len(pairs.texts)
        )

    @property
    def first(self) -> bool:
        """Whether this is the process that writes files and reports progress."""
        return self.place.rank == 0

    def run(self) -> Path:
        """Train to the end. Returns the run's folder."""
        with storage(self.folder):
            self.checkpoints.mkdir(parents=True, exist_ok=True)
        with exclusive_lock(self.folder / "_lock") if self.first else nullcontext():
            return self._resume_and_learn()

    def _resume_and_learn(self) -> Path:
        self.batches.start = checkpoint.resume(
            self.checkpoints, self.state, self.identity, extend=self.config.extend
        )
        if self.first:
            self._log_start()
        record = None
        if self.first:
            checkpoint.remove_unfinished(self.checkpoints)
            write_json(self.folder / "config.json", self.config.model_dump(mode="json"))
            record = Record(self.folder, self.config, self.batches.start)
        if self.batches.start < self.steps:
            self._learn(record)
        if record is not None:
            self.unreadable.log_count()
            record.close()
        with self.learner.whole_model() as model:
            if self.first:
                initial, folder = self.initial, self.folder / "export"
                export_model(model, initial.settings, folder, initial.tokenizer)
        self._wait()
        return self.folder

    def _log_start(self) -> None:
        done, config = self.batches.start, self.config
        if self.initial.identity["weights"].startswith("random") and not done:
            log.info("no --pretrained: training starts from random weights")
        if done:
            log.info("%s: resumes after step %s of %s", self.folder, f"{done:,}", f"{self.steps:,}")
        if text := describe_differences(config):
            log.info("%s", text)
        if config.warmup >= self.steps:
            log.warning(
                "warmup takes %s steps and the training has %s: the learning rate never reaches "
                "its full value",
                f"{config.warmup:,}",
                f"{self.steps:,}",
            )

    def _learn(self, record: Record | None) -> None:
        """Take all steps that are left. What ends them early, saves the last complete one."""
        self.done = self.saved = self.batches.start
        try:
            self._take_steps(record)
        except BaseException:
            self._save_before_end()
            raise

    def _take_steps(self, record: Record | None) -> None:
        config, pace = self.config, Pace()
        batches = load_batches(self.data, self.batches, config, self.place.device, self.unreadable)
        for step in range(self.batches.start, self.steps):
            rate = self.schedule(step)
            with pace.waiting():
                some = [next(batches) for _ in range(config.accum_freq)]
            with hold_back():
                loss = self.learner.take_step(some, step)
                self.done = step + 1
            pace.steps += 1
            if self.done % config.log_every_n_steps == 0 or self.done == self.steps:
                self._report_step(record, self.done, loss, rate, pace)
                pace = Pace()
            with pace.paused():
                self._evaluate_and_save(self.done, record)

    def _save_before_end(self) -> None:
        """Save the last complete step, unless it is saved or the weights are no longer useful."""
        if not self.first or self.done == self.saved:
            return
        if self.learner.is_sharded:  # the other processes may have ended, or wait for a step
            log.error("the steps since step %s are lost: see --save-steps", f"{self.saved:,}")
            return
        values = self.state.model.parameters()
        is_finite = all(bool(torch.isfinite(value).all()) for value in values)
        if not (self.learner.is_whole and is_finite):
            return
        try:
            self._write_checkpoint(self.done, self.done // self.batches.steps)
        except SkyScriptError as error:  # the first error is the one to raise
            log.error("the steps since step %s are lost: %s", f"{self.saved:,}", error)
            return
        log.warning("%s: saved step %s of %s", self.folder, f"{self.done:,}", f"{self.steps:,}")

    def _report_step(
        self, record: Record | None, done: int, loss: torch.Tensor, rate: float, pace: Pace
    ) -> None:
        """Record and report a step, with the mean loss of all devices."""
        if self.place.world > 1:
            loss = loss.clone()
            distributed.all_reduce(loss)
            loss /= self.place.world
        value = float(loss)
        if not math.isfinite(value):
            raise SkyScriptError(
                f"step {done:,}: the loss is {value}: lower --lr, or use another --precision, and "
                "give this training another --name."
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

    def _evaluate_and_save(self, done: int, record: Record | None) -> None:
        """Evaluate and save at the end of an epoch. Save within it as `save_steps` says."""
        epoch, within = divmod(done, self.batches.steps)
        config = self.config
        if within:
            if config.save_steps and done % config.save_steps == 0:
                self._save(done, epoch)
            return
        values = self.checks.run(self.learner, config, self.place, epoch)
        if record is not None and values:
            record.evaluation(done, epoch, values)
            text = ", ".join(f"{name} {value:.4f}" for name, value in values.items())
            log.info("epoch %d of %d: %s", epoch, config.epochs, text)
        if config.save_frequency or epoch == config.epochs:
            self._save(done, epoch)
        if self.first and is_due(epoch, config.save_frequency, config.epochs, always=True):
            checkpoint.keep_epoch(self.checkpoints, epoch)

    def _save(self, done: int, epoch: int) -> None:
        if self.first or self.learner.is_sharded:
            self._write_checkpoint(done, epoch)
        self._wait()

    def _write_checkpoint(self, done: int, epoch: int) -> None:
        content = checkpoint.collect(self.state)
        if self.first:
            about: dict[str, Any] = {"name": self.folder.name, "step": done, "epoch": epoch}
            checkpoint.save(self.checkpoints, content, **about, identity=self.identity)
        self.saved = done

    def _wait(self) -> None:
        if self.place.world > 1:
            distributed.barrier()


def _resolve_precision(config: TrainConfig, place: Place) -> TrainConfig:
    """Return the options with the precision that this device uses.

    Raises `ConfigError` if the device does not support the chosen precision.
    """
    precision = config.precision
    on_gpu = place.device.startswith("cuda")
    if precision == "auto":
        precision = "amp" if on_gpu else "fp32"
    if precision == "amp" and not on_gpu:
        if config.protocol == "skyclip":
            log.warning("precision amp needs a GPU: uses fp32 instead, which differs from SkyCLIP")
            precision = "fp32"
        else:
            raise ConfigError("precision: amp needs a GPU; use fp32 or amp_bf16 on a CPU.")
    return config.model_copy(update={"precision": precision})


def _log_cut(pairs: Pairs, tokenizer: Any) -> None:  # noqa: ANN401 - of open_clip's
    """Say how many captions are longer than the model's context."""
    texts = pairs.captions.to_pylist()
    cut = find_cut(texts, tokenizer)
    is_cut = np.array([text in cut for text in texts])
    if cut:
        _, used = pairs.all_texts()
        log.warning("%s", describe_cut(int(is_cut[used].sum()), len(used), "captions"))
