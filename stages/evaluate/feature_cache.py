"""Features on disk, so that another protocol or a run after a kill costs little."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pipeline.atomic import write_file

if TYPE_CHECKING:
    import torch


class KeptFeatures:
    """A folder of features: a file for each run of images or texts, there whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def get(self, key: str) -> torch.Tensor | None:
        """Give what is kept under a key."""
        import torch

        try:
            return torch.from_numpy(np.load(self.folder / f"{key}.npy", allow_pickle=False))
        except (FileNotFoundError, ValueError, EOFError):
            return None

    def put(self, key: str, features: torch.Tensor) -> None:
        """Keep features."""
        values = features.numpy()

        def write(path: Path) -> None:
            with path.open("wb") as file:
                np.save(file, values, allow_pickle=False)

        write_file(self.folder / f"{key}.npy", write)
