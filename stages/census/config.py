"""The options of the census."""

from __future__ import annotations

from pydantic import Field

from pipeline.stage import ConfigFile, StageConfig


class CensusConfig(StageConfig):
    """The options of a census: the format of its files, and the size of the cells."""

    format: str | None = Field(
        None,
        description="State the format of the files (pbf, osm, osm.gz, osm.bz2, o5m, opl, json) if "
        "their names do not end with it.",
    )
    cell_degrees: float = Field(
        0.01, gt=0, le=10, description="Make a cell this many degrees wide and high."
    )
    gsd_slack: float = Field(
        1.0,
        ge=1,
        description="Allow an image to be this many times coarser than a tag's maximum GSD.",
    )
    own_labels: ConfigFile | None = Field(
        None, description="Read labels that take precedence over the shipped ones from this CSV."
    )
