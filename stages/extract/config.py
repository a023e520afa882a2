"""The config block of the stage `extract`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from pipeline.stage import EXECUTION, ConfigFile, StageConfig
from pipeline.storage import Place
from skyscript.osm.node_index import IndexChoice

OsmFormat = Literal["pbf", "osm", "osm.gz", "osm.bz2", "o5m", "opl", "opl.gz", "opl.bz2", "json"]


class ExtractConfig(StageConfig):
    """Which OSM file is read."""

    path: ConfigFile | Annotated[tuple[ConfigFile, ...], Field(min_length=1)] = Field(
        description="Read this OSM extract, in any format that libosmium reads: .osm.pbf, .osm, "
        ".osm.gz, .osm.bz2, .o5m, .opl; or an answer of Overpass, as JSON or XML. A list, a "
        "folder (all OSM files in it) or a pattern such as europe/*.osm.pbf names several files, "
        "which are merged: an object that several files hold is there once, in its newest version. "
        "An object in a bucket (s3://, gs://, az://) is copied to this machine once.",
        json_schema_extra=EXECUTION,  # what the files hold is part of the identity
    )
    format: OsmFormat | None = Field(
        None, description="State the format of the files if their names do not end with it."
    )
    node_index: IndexChoice = Field(
        "auto",
        description="Keep the places of the nodes in memory (`memory`), or in a file in the run "
        "folder: `sparse_file` needs twice the size of the input, `dense_file` 112 GB for any "
        "input. By default (`auto`), the size of the input decides.",
        json_schema_extra=EXECUTION,
    )
    own_labels: ConfigFile | None = Field(
        None,
        description="Extract the keys that these labels make visible, too. The file is the same "
        "as for vocab.",
    )
    repair: Literal["even_odd"] | None = Field(
        None,
        description="Repair a multipolygon whose rings cross or repeat, which libosmium rejects: "
        "its area is what the rings enclose an odd number of times (`even_odd`), and the column "
        "`geom_rule` says that it was repaired. By default, such an object is left out, and the "
        "table says why.",
    )
    part_rows: int = Field(
        20_000, ge=1, description="Write this many objects in each part of the table."
    )

    @property
    def paths(self) -> Sequence[Place]:
        """The paths, whether one or several are given."""
        return self.path if isinstance(self.path, tuple) else (self.path,)
