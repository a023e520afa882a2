"""The stage `overlay`: the visible tags of each image's focus object and of its neighbours."""

from stages.overlay.config import OverlayConfig
from stages.overlay.stage import OVERLAY, overlay

__all__ = ["OVERLAY", "OverlayConfig", "overlay"]
