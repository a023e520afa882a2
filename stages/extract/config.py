"""The config block of the stage `extract`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pipeline.stage import ConfigPath, StageConfig

OsmFormat = Literal["pbf", "osm", "osm.gz", "osm.bz2", "o5m", "opl", "opl.gz", "opl.bz2", "json"]


class ExtractConfig(StageConfig):
    """Which OSM file is read."""

    path: ConfigPath = Field(
        description="Read this OSM extract, in any format that libosmium reads: .osm.pbf, .osm, "
        ".osm.gz, .osm.bz2, .o5m, .opl; or an answer of Overpass, as JSON or XML."
    )
    format: OsmFormat | None = Field(
        None, description="State the format of the file if its name does not end with it."
    )
    own_labels: ConfigPath | None = Field(
        None,
        description="Extract the keys that these labels make visible, too. The file is the same "
        "as for vocab.",
    )
    part_rows: int = Field(
        20_000, ge=1, description="Write this many objects in each part of the table."
    )
