"""The training itself: what stands in its folder afterwards, and how a step is taken."""

from __future__ import annotations

import contextlib
import json
import logging
import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import distributed
from torch.nn.parallel import DistributedDataParallel

from pipeline.atomic import storage, write_bytes
from pipeline.errors import ConfigError, InputError, SkyScriptError
from stages import chance
from stages.clip_export import export_model
from stages.train import adapter, checkpoint
from stages.train.adapter import Place
from stages.train.config import TrainConfig
from stages.train.loading import Batch, PairDataset, load_pairs, loader
from stages.train.loss import make_loss
from stages.train.model import Beginning, begin
from stages.train.optimiser import make_optimiser
from stages.train.record import Record
from stages.train.sampler import Batches, Split
from stages.train.towers import Towers
from stages.train.transforms import Normalise, plain_transform, training_transform
from stages.train.validate import ZeroShotCheck, validate

log = logging.getLogger(__name__)

MAX_SCALE = math.log(100)
"""The logit scale stays below 100, as in the CLIP paper."""


class Progress(NamedTuple):
    """Where training is, for whoever draws it."""

    step: int
    steps: int
    epoch: int
    epochs: int
    loss: float
    lr: float
    scale: float
    samples_per_second: float
    waiting: float
    """Share of the time in which the device waited for data."""

    def line(self) -> str:
        """Say it in a line; the learning rate in a form that shows 3e-09."""
        return (
            f"epoch {self.epoch + 1} of {self.epochs}, step {self.step:,} of {self.steps:,}: loss "
            f"{self.loss:.4f}, LR {self.lr:.2e}, logit scale {self.scale:.2f}, "
            f"{self.samples_per_second:,.0f} samples/s, {self.waiting:.0%} waiting for data"
        )


Report = Callable[[Progress], None]


class Moved(NamedTuple):
    """A batch on its device."""

    inputs: tuple[torch.Tensor, torch.Tensor, torch.Tensor]
    """Of the towers: images, distinct tokens, and each pair's row of them."""
    texts: torch.Tensor
    """Numbers of the captions."""


def train(config: TrainConfig, report: Report) -> Path:
    """Train, or go on where the run of this name stopped; give the folder of the exported model.

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
        model = self.beginning.model
        preprocess = self.beginning.preprocess
        self.identity = _identity(config, self.beginning, pairs.identity, split)
        transform = training_transform(preprocess, config)
        record = self.folder / "unreadable.jsonl" if config.bad_images == "skip" else None
        self.data = PairDataset(pairs, transform, self.beginning.tokenizer, config.seed, record)
        self.normalise = Normalise(preprocess, place.device)
        self.autocast = adapter.autocast(config.precision, place.device)
        self.loss = make_loss(config, place)
        optimiser = make_optimiser(model, config, adapter.adam(config))
        scaler = torch.amp.GradScaler("cuda") if config.precision == "amp" else None
        self.state = checkpoint.State(model, optimiser, scaler)
        self.schedule = adapter.schedule(optimiser, config, self.steps)
        self.checks = _checks(config, self.beginning)
        self.towers = Towers(model, self.beginning.tokenizer)
        self.learner: Any = self.towers
        if place.world > 1:
            gpus = [place.device] if place.device.startswith("cuda") else None
            self.learner = DistributedDataParallel(self.towers, device_ids=gpus)

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
            settings = json.dumps(self.config.model_dump(mode="json"), indent=1)
            write_bytes(self.folder / "config.json", settings.encode() + b"\n")
            record = Record(self.folder, self.config, self.batches.begin)
        if self.batches.begin < self.steps:
            self._learn(record)
        if record is not None:
            record.close()
            export_model(self.state.model, self.beginning.settings, self.folder / "export")
        self._wait()
        return self.folder / "export"

    def _say_what_begins(self) -> None:
        if not self.first:
            return
        done = self.batches.begin
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
        every = self.config.log_every_n_steps
        begun, waited, since = time.monotonic(), 0.0, self.batches.begin
        for step in range(self.batches.begin, self.steps):
            rate = self.schedule(step)
            asked = time.monotonic()
            some = [next(given) for _ in range(self.config.accum_freq)]
            waited += time.monotonic() - asked
            torch.manual_seed(self._number(step))  # of dropout: nothing random is carried over
            loss = self._step(some, step)
            done = step + 1
            if done % every == 0 or done == self.steps:
                now = time.monotonic()
                pairs = (done - since) * len(some) * self.config.batch_size * self.place.world
                self._tell(record, done, loss, rate, pairs / (now - begun), waited / (now - begun))
                begun, waited, since = now, 0.0, done
            self._after(done, record)

    def _number(self, step: int) -> int:
        return int(chance.uniform(self.config.seed, f"{step}:{self.place.rank}", "step") * 2**53)

    def _step(self, some: list[Batch], step: int) -> torch.Tensor:
        """Take a step; give the loss."""
        self.learner.train()
        self.state.optimiser.zero_grad()
        moved = [self._moved(batch) for batch in some]
        loss = self._gradients(moved[0]) if len(moved) == 1 else self._accumulated(moved, step)
        scaler, optimiser = self.state.scaler, self.state.optimiser
        if scaler is not None:
            scaler.unscale_(optimiser)
        if self.config.grad_clip_norm is not None:
            torch.nn.utils.clip_grad_norm_(
                self.state.model.parameters(), self.config.grad_clip_norm
            )
        if scaler is not None:
            scaler.step(optimiser)
            scaler.update()
        else:
            optimiser.step()
        with torch.no_grad():
            self.state.model.logit_scale.clamp_(0, MAX_SCALE)
        return loss

    def _moved(self, batch: Batch) -> Moved:
        """Bring a batch to the device."""
        device = self.place.device
        tokens, where = self.towers.shortened(batch.tokens, batch.texts)
        images, tokens, where, texts = (
            values.to(device, non_blocking=True)
            for values in (batch.images, tokens, where, batch.texts)
        )
        return Moved((self.normalise(images), tokens, where), texts)

    def _gradients(self, batch: Moved) -> torch.Tensor:
        """Give the loss of one batch, its gradients in place."""
        with self.autocast():
            loss = self.loss(self.learner(*batch.inputs), batch.texts)
        self._backward(loss)
        return loss.detach()

    def _accumulated(self, batches: list[Moved], step: int) -> torch.Tensor:
        """Give the loss of several batches as one, at the memory of one.

        All features are made without their gradient; then each batch's again, with it, among the
        others. What is random in the model is drawn the same both times.
        """
        texts = torch.cat([batch.texts for batch in batches])
        held: list[dict[str, torch.Tensor]] = []
        with torch.no_grad(), self.autocast():
            for number, batch in enumerate(batches):
                torch.manual_seed(self._number(step) + number)
                held.append(self.towers(*batch.inputs))
        for number, batch in enumerate(batches):
            last = number + 1 == len(batches)
            quiet = self.place.world > 1 and not last
            with self.learner.no_sync() if quiet else contextlib.nullcontext():
                torch.manual_seed(self._number(step) + number)
                with self.autocast():
                    made = self.learner(*batch.inputs)
                    loss = self.loss(_joined(held, made, number, last=last), texts)
                self._backward(loss)
        return loss.detach()

    def _backward(self, loss: torch.Tensor) -> None:
        (loss if self.state.scaler is None else self.state.scaler.scale(loss)).backward()

    def _tell(
        self,
        record: Record | None,
        done: int,
        loss: torch.Tensor,
        rate: float,
        speed: float,
        waiting: float,
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
        scale = float(self.state.model.logit_scale.detach().exp())
        epoch = (done - 1) // self.batches.steps
        found = Progress(
            done, self.steps, epoch, self.config.epochs, value, rate, scale, speed, waiting
        )
        record.training(
            done,
            {"loss": value, "lr": rate, "scale": scale, "samples_per_second": round(speed, 1)},
        )
        self.report(found)

    def _after(self, done: int, record: Record | None) -> None:
        """Evaluate and save where an epoch ends, and save where it was asked for."""
        epoch, within = divmod(done, self.batches.steps)
        config = self.config
        if within:
            if config.save_steps and done % config.save_steps == 0:
                self._save(done, epoch)
            return
        values = self._evaluate(epoch)
        if record is not None and values:
            record.evaluation(done, epoch, values)
            said = ", ".join(f"{name} {value:.4f}" for name, value in values.items())
            log.info("epoch %d of %d: %s", epoch, config.epochs, said)
        if config.save_frequency or epoch == config.epochs:
            self._save(done, epoch)
        if self.first and _due(epoch, config.save_frequency, config.epochs, always=True):
            checkpoint.keep(self.checkpoints, epoch)

    def _evaluate(self, epoch: int) -> Mapping[str, float]:
        values: dict[str, float] = {}
        config, model = self.config, self.state.model
        if self.checks.held_out and _due(epoch, config.val_frequency, config.epochs):
            values |= validate(
                model, self.checks.held_out, config, self.place, self.normalise, self.autocast
            )
        if self.checks.zero_shot and _due(epoch, config.zeroshot_frequency, config.epochs):
            values |= self.checks.zero_shot(model, config, self.place)
        return values

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


class Checks(NamedTuple):
    """What a model is evaluated on while it learns."""

    held_out: PairDataset | None
    zero_shot: ZeroShotCheck | None


def _checks(config: TrainConfig, beginning: Beginning) -> Checks:
    from open_clip.transform import PreprocessCfg, image_transform_v2

    held_out = zero_shot = None
    if config.val_data is not None:
        transform = plain_transform(beginning.preprocess)
        pairs = load_pairs(config.val_data, config)
        held_out = PairDataset(pairs, transform, beginning.tokenizer, config.seed, None)
    if config.benchmark_root is not None:
        zero_shot = ZeroShotCheck(
            chosen_benchmarks(config.benchmark_root, config.benchmarks),
            config.benchmark_root,
            beginning.tokenizer,
            image_transform_v2(PreprocessCfg(**beginning.preprocess), is_train=False),
        )
    return Checks(held_out, zero_shot)


def chosen_benchmarks(root: Path, names: tuple[str, ...] | None) -> tuple[Any, ...]:
    """Give the benchmarks of labelled images that are there; name those that are not."""
    from stages.benchmarks import chosen, present

    found = tuple(one for one in present(root, names) if one.kind != "retrieval")
    if names is not None:
        there = {one.name for one in found}
        missing = [
            one.name
            for one in chosen(root, names)
            if one.name not in there and one.kind != "retrieval"
        ]
        if missing:
            log.warning("%s: not there, so skipped: %s", root, ", ".join(missing))
    if not found:
        raise InputError(f"{root}: holds none of the benchmarks asked for.")
    return found


def _due(epoch: int, frequency: int, epochs: int, *, always: bool = False) -> bool:
    """Say whether something is due after so many epochs: every ``frequency``, and after the last.

    A frequency of 0 means never, or the last alone (``always``).
    """
    if epoch == epochs:
        return always or frequency > 0
    return frequency > 0 and epoch % frequency == 0


def _joined(
    held: list[dict[str, torch.Tensor]], made: dict[str, torch.Tensor], number: int, *, last: bool
) -> dict[str, torch.Tensor]:
    """Put the features of all batches together, those just made among them.

    Scale and bias belong to the step, not to a batch: only the last one gives them a gradient.
    """
    found = {}
    for key, value in made.items():
        if key in {"logit_scale", "logit_bias"}:
            found[key] = value if last else value.detach()
        else:
            parts = [features[key] for features in held]
            parts[number] = value
            found[key] = torch.cat(parts)
    return found


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
