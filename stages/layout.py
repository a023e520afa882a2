"""Layout: whether the images of a run are files or members of tars.

A file for each image is simple to use, but file systems and copies are slow with millions of them.
The choice is a table of its own, so that images are stored anew only if it changes, not whenever
the number of tiles does.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import pyarrow as pa
import pyarrow.dataset as ds
from pydantic import Field

from pipeline.stage import DatasetStage, StageConfig
from pipeline.storage import Place
from stages import tables


class LayoutConfig(StageConfig):
    """How the images are stored."""

    images: Literal["auto", "files", "tars"] = Field(
        "auto",
        description="Store each image as a file (files), or the images of each part in a tar "
        "(tars). All commands read both. auto: files, but tars if more objects get a tile than "
        "most_files.",
    )
    most_files: int = Field(
        500_000, ge=0, description="With auto, store up to this many tiles as files."
    )


def choose_layout(
    focus: ds.Dataset,
    *,
    config: LayoutConfig,
    root: Place,  # noqa: ARG001
) -> Iterator[pa.Table]:
    """Choose how images are stored, by the number of objects that get a tile."""
    layout: str = config.images
    if config.images == "auto":
        is_large = focus.count_rows() > config.most_files
        layout = tables.IN_TARS if is_large else tables.IN_FILES
    yield pa.table({"layout": [layout]}, schema=tables.LAYOUT.schema)


LAYOUT = DatasetStage(
    "layout",
    choose_layout,
    LayoutConfig,
    reads=(tables.FOCUS,),
    writes=tables.LAYOUT,
)
