"""The config block of the stage `extract`."""

from __future__ import annotations

from pydantic import Field

from pipeline.stage import ConfigPath, StageConfig


class ExtractConfig(StageConfig):
    """Which OSM file is read."""

    path: ConfigPath = Field(
        description="Read this OSM extract, in any format that libosmium reads: .osm.pbf, .osm, "
        ".osm.gz, .osm.bz2, .o5m, .opl."
    )
    own_labels: ConfigPath | None = Field(
        None,
        description="Extract the keys that these labels make visible, too. The file is the same "
        "as for vocab.",
    )
    part_rows: int = Field(
        20_000, ge=1, description="Write this many objects in each part of the table."
    )
