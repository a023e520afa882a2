"""Options of augmentation."""

from __future__ import annotations

from typing import Any

from pydantic import Field, model_validator

from pipeline.stage import StageConfig

Pair = tuple[float, float]


class AugConfig(StageConfig):
    """Augmentation, with the option names of open_clip's ``--aug-cfg``."""

    use_timm: bool = Field(True, description="Use timm's transform, else torchvision's crop alone.")
    scale: Pair = Field((0.67, 1.0), description="Crop between these two shares of the image.")
    ratio: Pair | None = Field(
        (0.5, 2.0), description="Crop to an aspect ratio in this range (timm only)."
    )
    color_jitter: float | tuple[float, ...] | None = Field(
        0.4, description="Change brightness, contrast and saturation at random by this strength."
    )
    color_jitter_prob: float | None = Field(
        None, description="Change the colours with this probability (torchvision only)."
    )
    gray_scale_prob: float | None = Field(
        None, description="Make images grey with this probability (torchvision only)."
    )
    re_prob: float | None = Field(
        None, description="Erase boxes with this probability (timm only)."
    )
    re_count: int | None = Field(None, description="Erase this many boxes (timm only).")

    @model_validator(mode="before")
    @classmethod
    def _disable_timm_defaults(cls, given: object) -> object:
        if isinstance(given, dict) and given.get("use_timm") in (False, "False", "false"):
            return {"color_jitter": None, "ratio": None} | given
        return given

    def open_clip(self) -> dict[str, Any]:
        """Return the arguments of open_clip's AugmentationCfg."""
        return {name: value for name, value in self if value is not None}
