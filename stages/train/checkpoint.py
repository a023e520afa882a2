"""Checkpoints in open_clip's format, from which training can resume in the middle of an epoch.

A checkpoint has no random state, because every draw depends only on the seed and the step. It
contains only tensors and plain values, so that ``torch.load(weights_only=True)`` can read it.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch

from pipeline.atomic import storage, write_file
from pipeline.errors import ConfigError, InputError
from skyscript.clip.checkpoint.reading import read_checkpoint
from stages.train.sharding import gather_whole, load_model, load_optimiser

LATEST = "epoch_latest.pt"


class State(NamedTuple):
    """Everything that a training step changes."""

    model: torch.nn.Module
    optimiser: torch.optim.Optimizer
    scaler: Any | None


def collect(state: State) -> dict[str, Any]:
    """Give the state as whole tensors. If it is sharded, all processes must call this."""
    content = {
        "state_dict": gather_whole(state.model.state_dict()),
        "optimizer": gather_whole(state.optimiser.state_dict()),
    }
    if state.scaler is not None:
        content["scaler"] = state.scaler.state_dict()
    return content


def save(
    folder: Path,
    state: Mapping[str, Any],
    *,
    name: str,
    step: int,
    epoch: int,
    identity: Mapping[str, Any],
) -> None:
    """Write the latest checkpoint. If writing fails, the previous checkpoint remains."""
    about = {"epoch": epoch, "step": step, "name": name}
    content = {**about, **state, "identity": json.dumps(identity, sort_keys=True)}
    write_file(folder / LATEST, lambda path: torch.save(content, path))


def keep_epoch(folder: Path, epoch: int) -> None:
    """Store the latest checkpoint also under the number of its epoch, as a hard link if possible.

    A hard link needs no disk space.
    """
    place = folder / f"epoch_{epoch}.pt"
    temporary = place.with_suffix(".link")
    with storage(place):
        temporary.unlink(missing_ok=True)
        try:
            os.link(folder / LATEST, temporary)
        except OSError:  # the disk does not support links
            shutil.copyfile(folder / LATEST, temporary)
        temporary.replace(place)


def resume(folder: Path, state: State, identity: Mapping[str, Any], *, extend: bool) -> int:
    """Load the latest checkpoint, if one exists. Returns the number of completed steps.

    Raises `ConfigError` if the checkpoint belongs to a training with other options or data; with
    ``extend``, it may be one of fewer epochs.
    """
    path = folder / LATEST
    if not path.exists():
        return 0
    content = read_checkpoint(path)
    try:
        before, step = json.loads(content["identity"]), int(content["step"])
    except (KeyError, ValueError, TypeError):
        raise InputError(f"{path}: is not a checkpoint of skyscript train.") from None
    changed = sorted(key for key in {*before, *identity} if before.get(key) != identity.get(key))
    has_fewer_epochs = changed == ["epochs"] and before["epochs"] < identity["epochs"]
    if has_fewer_epochs and not extend:
        raise ConfigError(
            f"{path}: belongs to a training of {before['epochs']} epochs. Give --extend to let it "
            f"go on to {identity['epochs']} with their learning rates, or this training another "
            "--name."
        )
    if changed and not has_fewer_epochs:
        raise ConfigError(
            f"{path}: belongs to a training with other {', '.join(changed)}; give this training "
            "another --name."
        )
    load_model(state.model, content["state_dict"])
    load_optimiser(state.optimiser, content["optimizer"])
    if state.scaler is not None:
        state.scaler.load_state_dict(content["scaler"])
    return step


def remove_unfinished(folder: Path) -> None:
    """Remove the unfinished files of a killed process."""
    for path in folder.glob(".tmp-*"):
        with contextlib.suppress(OSError):
            path.unlink()
