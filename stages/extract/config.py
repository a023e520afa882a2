"""The config block of the stage `extract`."""

from __future__ import annotations

from pydantic import Field

from pipeline.stage import ConfigPath, StageConfig


class ExtractConfig(StageConfig):
    """Which OSM file is read."""

    path: ConfigPath = Field(
        description="OSM extract, in any format that libosmium reads: .osm.pbf, .osm, .osm.gz, "
        ".osm.bz2, .o5m, .opl."
    )
    own_labels: ConfigPath | None = Field(
        None,
        description="As in vocab. Objects with a key that a label makes visible are extracted, "
        "too.",
    )
    part_rows: int = Field(20_000, ge=1, description="Objects in a part of the table.")
