"""One training step: forward pass, loss, gradients and the update of the weights."""

from __future__ import annotations

import contextlib
import copy
import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch.nn.parallel import DistributedDataParallel

from skyscript import chance
from skyscript.clip.compiling import compile_towers, require_compiler
from skyscript.clip.tower import Normalise
from stages.train import adapter
from stages.train.adapter import Place
from stages.train.batch_norm import synchronise_batch_norm
from stages.train.checkpoint import State
from stages.train.config import TrainConfig
from stages.train.labels import Labels
from stages.train.loading import Batch
from stages.train.locking import start_training_mode
from stages.train.loss import make_loss
from stages.train.model import InitialModel
from stages.train.optimiser import make_optimiser
from stages.train.sharding import (
    PartsScaler,
    average_unsharded,
    clip_gradients,
    gather_whole,
    shard_towers,
)
from stages.train.towers import Towers

MAX_SCALE = math.log(100)
"""The logit scale stays below 100, as in the CLIP paper."""
Features = dict[str, torch.Tensor]


class DeviceBatch(NamedTuple):
    """A batch on its device."""

    inputs: tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]
    """Arguments of `Towers`: images, tokens of the distinct texts, each pair's row in these, and
    the rows of the false statements on its image."""
    labels: Labels


class Learner:
    """A model with its loss, optimiser and gradient scaler."""

    def __init__(self, initial: InitialModel, config: TrainConfig, place: Place) -> None:
        model = initial.model
        self._config, self._place = config, place
        self.normalise = Normalise(initial.preprocess, place.device)
        self.autocast = adapter.make_autocast(config.precision, place.device)
        self._loss = make_loss(config, place)
        self._towers = Towers(model, initial.tokenizer)
        self.is_sharded = config.parallel == "fsdp" and place.world > 1
        self._plain = copy.deepcopy(model).to("cpu") if self.is_sharded else None
        if config.compile:
            require_compiler(place.device)
            compile_towers(model.visual, model)
        self._shared: Any = self._share(model) if place.world > 1 else self._towers
        constants = adapter.find_adam_constants(config, initial.settings)
        scaler = self._make_scaler() if config.precision == "amp" else None
        self.state = State(model, make_optimiser(model, config, constants), scaler)
        self.is_whole = True
        """Whether the weights are those of a completed step; false while they are updated."""

    def _share(self, model: Any) -> Any:  # noqa: ANN401 - of open_clip's
        """Return the towers as all processes train them together."""
        synchronise_batch_norm(model)
        if self.is_sharded:
            shard_towers(self._towers, model, self._place)
            return self._towers
        gpus = [self._place.device] if self._place.device.startswith("cuda") else None
        return DistributedDataParallel(self._towers, device_ids=gpus)

    def _make_scaler(self) -> torch.amp.GradScaler:
        made = PartsScaler if self.is_sharded else torch.amp.GradScaler
        return made(self._place.device.partition(":")[0])

    @contextlib.contextmanager
    def whole_model(self) -> Iterator[Any]:
        """Give the model with all weights, and not compiled. All processes must call it."""
        model = self.state.model
        if self._plain is not None:
            whole = gather_whole(model.state_dict())
            plain = self._plain.to(self._place.device)
            plain.load_state_dict(whole)
            yield plain
            self._plain = plain.to("cpu")
        elif self._config.compile:
            with torch.compiler.set_stance("force_eager"):
                yield model
        else:
            yield model

    def take_step(self, batches: list[Batch], step: int) -> torch.Tensor:
        """Train on the batches of a step. Returns the loss."""
        start_training_mode(self._shared)
        self.state.optimiser.zero_grad()
        torch.manual_seed(self._seed_of(step))  # for dropout: no random state from earlier steps
        moved = [self._to_device(batch) for batch in batches]
        loss = self._backpropagate(moved[0]) if len(moved) == 1 else self._accumulate(moved, step)
        self.is_whole = False
        self._update_weights()
        self.is_whole = True
        return loss

    def _update_weights(self) -> None:
        model, optimiser, scaler = self.state
        if self.is_sharded:
            average_unsharded(model)
        if scaler is not None:
            scaler.unscale_(optimiser)
        if self._config.grad_clip_norm is not None:
            clip_gradients(list(model.parameters()), self._config.grad_clip_norm)
        if scaler is not None:
            scaler.step(optimiser)
            scaler.update()
        else:
            optimiser.step()
        with torch.no_grad():
            model.logit_scale.clamp_(0, MAX_SCALE)

    def _seed_of(self, step: int) -> int:
        return int(chance.uniform(self._config.seed, f"{step}:{self._place.rank}", "step") * 2**53)

    def _to_device(self, batch: Batch) -> DeviceBatch:
        """Copy a batch to the device."""
        images, tokens, where, negatives, *labels = (
            values.to(self._place.device, non_blocking=True)
            for values in (batch.images, *self._towers.shorten(batch), *batch.labels)
        )
        inputs = self.normalise(images), tokens, where, negatives
        return DeviceBatch(inputs, Labels(*labels))

    def _backpropagate(self, batch: DeviceBatch) -> torch.Tensor:
        """Compute the gradients of one batch. Returns the loss."""
        with self.autocast():
            loss = self._loss(self._shared(*batch.inputs), batch.labels)
        self._backward(loss)
        return loss.detach()

    def _accumulate(self, batches: list[DeviceBatch], step: int) -> torch.Tensor:
        """Compute the gradients of several batches as one large batch. Returns the loss.

        It needs the memory of one batch. The first pass computes all features without gradients.
        The second pass computes each batch's features again with gradients, and combines them with
        the stored features of the others. Both passes use the same random numbers.
        """
        labels = Labels.join([batch.labels for batch in batches])
        stored: list[Features] = []
        with torch.no_grad(), self.autocast():
            for number, batch in enumerate(batches):
                torch.manual_seed(self._seed_of(step) + number)
                stored.append(self._towers(*batch.inputs))
        for number, batch in enumerate(batches):
            last = number + 1 == len(batches)
            waits = isinstance(self._shared, DistributedDataParallel) and not last
            with self._shared.no_sync() if waits else contextlib.nullcontext():
                torch.manual_seed(self._seed_of(step) + number)
                with self.autocast():
                    new = self._shared(*batch.inputs)
                    loss = self._loss(_join_features(stored, new, number, last=last), labels)
                self._backward(loss)
        return loss.detach()

    def _backward(self, loss: torch.Tensor) -> None:
        (loss if self.state.scaler is None else self.state.scaler.scale(loss)).backward()


def _join_features(stored: list[Features], new: Features, number: int, *, last: bool) -> Features:
    """Join the stored features of all batches, with batch ``number`` replaced by ``new``.

    Scale and bias belong to the step, so only its last batch computes their gradients.
    """
    found = {}
    for key, value in new.items():
        if key in {"logit_scale", "logit_bias"}:
            found[key] = value if last else value.detach()
        else:
            parts = [features[key] for features in stored]
            parts[number] = value
            found[key] = torch.cat(parts)
    return found
