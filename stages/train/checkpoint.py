"""Checkpoints in open_clip's form, with what is needed to go on in the middle of an epoch.

No random state is in them: every draw follows from the seed and the step. They hold tensors and
plain values only, so that ``torch.load(weights_only=True)`` takes them.
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
from skyscript.clip.weights import load_checkpoint

LATEST = "epoch_latest.pt"


class State(NamedTuple):
    """What changes while a model learns."""

    model: torch.nn.Module
    optimiser: torch.optim.Optimizer
    scaler: Any | None


def save(
    folder: Path, state: State, *, name: str, step: int, epoch: int, identity: Mapping[str, Any]
) -> None:
    """Write the latest checkpoint: whole, or the one before stays."""
    held = {
        "epoch": epoch,
        "step": step,
        "name": name,
        "state_dict": state.model.state_dict(),
        "optimizer": state.optimiser.state_dict(),
        "identity": json.dumps(identity, sort_keys=True),
    }
    if state.scaler is not None:
        held["scaler"] = state.scaler.state_dict()
    write_file(folder / LATEST, lambda path: torch.save(held, path))


def keep(folder: Path, epoch: int) -> None:
    """Keep the latest checkpoint as that of an epoch; on most disks that takes no room."""
    place = folder / f"epoch_{epoch}.pt"
    temporary = place.with_suffix(".link")
    with storage(place):
        temporary.unlink(missing_ok=True)
        try:
            os.link(folder / LATEST, temporary)
        except OSError:  # a disk without links
            shutil.copyfile(folder / LATEST, temporary)
        temporary.replace(place)


def resume(folder: Path, state: State, identity: Mapping[str, Any]) -> int:
    """Load the latest checkpoint, if there is one; give the steps that are done.

    Raises `ConfigError` where it is of another training.
    """
    path = folder / LATEST
    if not path.exists():
        return 0
    held = load_checkpoint(path)
    try:
        before, step = json.loads(held["identity"]), int(held["step"])
    except (KeyError, ValueError, TypeError):
        raise InputError(f"{path}: is not a checkpoint of this program.") from None
    changed = sorted(key for key in {*before, *identity} if before.get(key) != identity.get(key))
    if changed:
        raise ConfigError(
            f"{path}: is of a training with other {', '.join(changed)}; give this one another "
            "--name."
        )
    state.model.load_state_dict(held["state_dict"])
    state.optimiser.load_state_dict(held["optimizer"])
    if state.scaler is not None:
        state.scaler.load_state_dict(held["scaler"])
    return step


def sweep(folder: Path) -> None:
    """Remove what a killed process left half written."""
    for path in folder.glob(".tmp-*"):
        with contextlib.suppress(OSError):
            path.unlink()
