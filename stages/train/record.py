"""The records of a training: progress.jsonl and results.jsonl, optionally TensorBoard and wandb."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.atomic import write_bytes
from pipeline.errors import ConfigError
from stages.train.config import TrainConfig

PROGRESS = "progress.jsonl"
RESULTS = "results.jsonl"
"""The metrics, one line for each evaluation, in the folder of the checkpoints, as in open_clip."""


class Record:
    """Writes the records of a run. Only the first process has one."""

    def __init__(self, folder: Path, config: TrainConfig, begin: int) -> None:
        self._progress, self._results = folder / PROGRESS, folder / "checkpoints" / RESULTS
        for path in (self._progress, self._results):
            _remove_lines_after(path, begin)
        self._board = (
            _open_tensorboard(folder, begin) if "tensorboard" in config.report_to else None
        )
        self._wandb = _open_wandb(folder, config) if "wandb" in config.report_to else None

    def training(self, step: int, values: Mapping[str, float]) -> None:
        """Record a training step."""
        self._write(self._progress, {"step": step, **values})
        self._show("train", step, values)

    def evaluation(self, step: int, epoch: int, values: Mapping[str, float]) -> None:
        """Record an evaluation."""
        self._write(self._results, {"step": step, "epoch": epoch, **values})
        self._show("val", step, values)

    def close(self) -> None:
        """Write all buffered records."""
        if self._board is not None:
            self._board.close()
        if self._wandb is not None:
            self._wandb.finish()

    def _write(self, path: Path, values: Mapping[str, float]) -> None:
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(values) + "\n")

    def _show(self, group: str, step: int, values: Mapping[str, float]) -> None:
        if self._board is not None:
            for name, value in values.items():
                self._board.add_scalar(f"{group}/{name}", value, step)
            self._board.flush()
        if self._wandb is not None:
            self._wandb.log({f"{group}/{name}": value for name, value in values.items()}, step=step)


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Read the lines of a record, up to a line that a killed process did not finish."""
    if not path.exists():
        return []
    found = []
    for line in path.read_text("utf-8").splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:
            break
    return found


def _remove_lines_after(path: Path, step: int) -> None:
    """Remove the lines of later steps than that of the checkpoint from which the run resumes."""
    lines = [line for line in read_lines(path) if line["step"] <= step]
    write_bytes(path, "".join(json.dumps(line) + "\n" for line in lines).encode())


def _open_tensorboard(folder: Path, begin: int) -> Any:  # noqa: ANN401 - a SummaryWriter
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise ConfigError(
            "report_to: tensorboard is not installed: pip install 'skyscript[train]'"
        ) from None
    return SummaryWriter(str(folder / "tensorboard"), purge_step=begin + 1)


def _open_wandb(folder: Path, config: TrainConfig) -> Any:  # noqa: ANN401 - a module
    try:
        import wandb
    except ImportError:
        raise ConfigError("report_to: wandb is not installed: pip install wandb") from None
    wandb.init(
        project=config.wandb_project,
        name=folder.name,
        id=folder.name,
        resume="allow",
        dir=str(folder),
        config=config.model_dump(mode="json"),
    )
    return wandb
