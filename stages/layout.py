"""Layout: whether the images of a run are files or members of tars.

A file for each image is simple to use, but file systems and copies are slow with millions of them.
The choice is a table of its own, so that images are stored anew only if it changes, not whenever
the number of tiles does.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from pydantic import Field

from pipeline.schema import STATUS_OK
from pipeline.stage import DatasetStage, StageConfig
from pipeline.storage import Place
from stages import tables


class LayoutConfig(StageConfig):
    """How the images are stored."""

    images: Literal["auto", "files", "tars"] = Field(
        "auto",
        description="Store each image as a file (files), or the images of each part in a tar "
        "(tars). All commands read both. auto: files, but tars if more tiles are planned than "
        "most_files.",
    )
    most_files: int = Field(
        500_000, ge=0, description="With auto, store up to this many planned tiles as files."
    )


def choose_layout(
    tiles: ds.Dataset,
    *,
    config: LayoutConfig,
    root: Place,  # noqa: ARG001
) -> Iterator[pa.Table]:
    """Choose how images are stored, by the number of planned tiles."""
    layout: str = config.images
    if config.images == "auto":
        planned = tiles.count_rows(filter=pc.field("status") == STATUS_OK)
        layout = tables.IN_TARS if planned > config.most_files else tables.IN_FILES
    yield pa.table({"layout": [layout]}, schema=tables.LAYOUT.schema)


LAYOUT = DatasetStage(
    "layout",
    choose_layout,
    LayoutConfig,
    reads=(tables.TILES,),
    writes=tables.LAYOUT,
)
