"""The config block of the stage `sample`."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from pipeline.stage import StageConfig
from skyscript.backends.registry import Sources


class SampleConfig(StageConfig):
    """Which objects get a tile; every object stays as context for its neighbours' tiles."""

    seed: int = Field(0, description="Seed every random draw of this stage.")
    cells: int | None = Field(
        None,
        ge=1,
        description="Draw this many of the cells that hold an object, and take them whole. By "
        "default, all cells are taken.",
    )
    cell_degrees: float = Field(
        0.01, gt=0, le=10, description="Make a cell this many degrees wide and high."
    )
    rare_below: int = Field(
        10,
        ge=0,
        description="Call a tag rare if fewer objects than this carry it in the drawn cells. Its "
        "objects are taken wherever they are.",
    )
    rare_cap: int = Field(
        50,
        ge=1,
        description="Take at most this many objects of a rare tag, including those in drawn cells.",
    )
    max_objects: int | None = Field(
        None,
        ge=1,
        description="Take at most this many objects in total. Up to half of them go to rare tags, "
        "one object for each tag, then a second one, and so on; the rest is drawn from all other "
        "objects, and only if these are too few, from rare ones again. By default, there is no "
        "limit.",
    )
    sources: Sources = Field({})
    gsd_slack: float = Field(
        1.0,
        ge=1,
        description="Allow an image to be this many times coarser than a tag's maximum GSD. Set "
        "it at the top level, because plan and overlay use the same key.",
    )
    min_extent: float = Field(
        5.0,
        ge=0,
        description="Leave out an area whose longer side would have fewer pixels than this in "
        "every source. Set it at the top level, because plan uses the same key.",
    )
    shard_rows: int = Field(
        256,
        ge=1,
        description="Put this many objects in each part of all later tables. A worker processes "
        "one part at a time.",
    )

    def identity(self) -> dict[str, Any]:
        """Keep of the sources what decides their finest GSD; `external` adds a folder's files."""
        sources = {
            alias: {"backend": source.backend, "gsd": getattr(source, "gsd", None)}
            for alias, source in self.sources.items()
        }
        return super().identity() | {"sources": sources}
