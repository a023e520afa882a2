"""The config block of the stage `index`."""

from __future__ import annotations

from pydantic import Field

from pipeline.stage import StageConfig
from skyscript.backends.registry import Sources


class IndexConfig(StageConfig):
    """Where images come from."""

    sources: Sources = Field({})
