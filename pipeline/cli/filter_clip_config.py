"""Options of the training of a filter CLIP: those of `train`, with the defaults of a small one."""

from __future__ import annotations

from pydantic import Field

from pipeline.stage import EXECUTION
from stages.train.config import TrainConfig


class FilterClipConfig(TrainConfig):
    """Training of a filter CLIP on trusted pairs."""

    name: str | None = Field(
        "filter_clip",
        pattern=r"^[A-Za-z0-9_.+-]+$",
        description="Keep the training in this folder of --out. Other options or other trusted "
        "pairs need another name.",
        json_schema_extra=EXECUTION,
    )
    model: str = Field(
        "tiny",
        description="Train this model: an architecture of open_clip with --pretrained, "
        "local-dir:FOLDER, hf-hub:OWNER/NAME, or tiny, which knows only simulated tiles.",
    )
    epochs: int = Field(5, ge=1, description="Go through the trusted pairs this many times.")
    lr: float = Field(1e-5, gt=0, description="Train with this learning rate.")
    warmup: int = Field(
        10, ge=0, description="Raise the learning rate to its full value over this many steps."
    )
