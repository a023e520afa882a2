"""One step: from batches to weights that are a little better."""

from __future__ import annotations

import contextlib
import math
from typing import Any, NamedTuple

import torch
from torch.nn.parallel import DistributedDataParallel

from skyscript import chance
from skyscript.clip.tower import Normalise
from stages.train import adapter
from stages.train.adapter import Place
from stages.train.checkpoint import State
from stages.train.config import TrainConfig
from stages.train.loading import Batch
from stages.train.loss import make_loss
from stages.train.model import Beginning
from stages.train.optimiser import make_optimiser
from stages.train.towers import Towers

MAX_SCALE = math.log(100)
"""The logit scale stays below 100, as in the CLIP paper."""
Features = dict[str, torch.Tensor]


class Moved(NamedTuple):
    """A batch on its device."""

    inputs: tuple[torch.Tensor, torch.Tensor, torch.Tensor]
    """Of the towers: images, distinct tokens, and each pair's row of them."""
    texts: torch.Tensor
    """Numbers of the captions."""


class Learner:
    """A model with what changes it."""

    def __init__(self, beginning: Beginning, config: TrainConfig, place: Place) -> None:
        model = beginning.model
        self._config, self._place = config, place
        self.normalise = Normalise(beginning.preprocess, place.device)
        self.autocast = adapter.autocast(config.precision, place.device)
        optimiser = make_optimiser(model, config, adapter.adam(config, beginning.settings))
        scaler = torch.amp.GradScaler("cuda") if config.precision == "amp" else None
        self.state = State(model, optimiser, scaler)
        self._loss = make_loss(config, place)
        self._towers = Towers(model, beginning.tokenizer)
        self._shared: Any = self._towers
        if place.world > 1:
            gpus = [place.device] if place.device.startswith("cuda") else None
            self._shared = DistributedDataParallel(self._towers, device_ids=gpus)

    def take(self, batches: list[Batch], step: int) -> torch.Tensor:
        """Take a step; give the loss."""
        self._shared.train()
        self.state.optimiser.zero_grad()
        torch.manual_seed(self._number(step))  # of dropout: nothing random is carried over
        moved = [self._moved(batch) for batch in batches]
        loss = self._of_one(moved[0]) if len(moved) == 1 else self._of_several(moved, step)
        self._change()
        return loss

    def _change(self) -> None:
        model, optimiser, scaler = self.state
        if scaler is not None:
            scaler.unscale_(optimiser)
        if self._config.grad_clip_norm is not None:
            torch.nn.utils.clip_grad_norm_(model.parameters(), self._config.grad_clip_norm)
        if scaler is not None:
            scaler.step(optimiser)
            scaler.update()
        else:
            optimiser.step()
        with torch.no_grad():
            model.logit_scale.clamp_(0, MAX_SCALE)

    def _number(self, step: int) -> int:
        return int(chance.uniform(self._config.seed, f"{step}:{self._place.rank}", "step") * 2**53)

    def _moved(self, batch: Batch) -> Moved:
        """Bring a batch to the device."""
        tokens, where = self._towers.shortened(batch.tokens, batch.texts)
        images, tokens, where, texts = (
            values.to(self._place.device, non_blocking=True)
            for values in (batch.images, tokens, where, batch.texts)
        )
        return Moved((self.normalise(images), tokens, where), texts)

    def _of_one(self, batch: Moved) -> torch.Tensor:
        """Give the loss of one batch, its gradients in place."""
        with self.autocast():
            loss = self._loss(self._shared(*batch.inputs), batch.texts)
        self._backward(loss)
        return loss.detach()

    def _of_several(self, batches: list[Moved], step: int) -> torch.Tensor:
        """Give the loss of several batches as one, at the memory of one.

        All features are made without their gradient; then each batch's again, with it, among the
        others. What is random in the model is drawn the same both times.
        """
        texts = torch.cat([batch.texts for batch in batches])
        held: list[Features] = []
        with torch.no_grad(), self.autocast():
            for number, batch in enumerate(batches):
                torch.manual_seed(self._number(step) + number)
                held.append(self._towers(*batch.inputs))
        for number, batch in enumerate(batches):
            last = number + 1 == len(batches)
            waits = self._place.world > 1 and not last
            with self._shared.no_sync() if waits else contextlib.nullcontext():
                torch.manual_seed(self._number(step) + number)
                with self.autocast():
                    made = self._shared(*batch.inputs)
                    loss = self._loss(_joined(held, made, number, last=last), texts)
                self._backward(loss)
        return loss.detach()

    def _backward(self, loss: torch.Tensor) -> None:
        (loss if self.state.scaler is None else self.state.scaler.scale(loss)).backward()


def _joined(held: list[Features], made: Features, number: int, *, last: bool) -> Features:
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
