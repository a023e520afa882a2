"""The source ``simulated``: tiles drawn from the OSM objects themselves, no photographs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import shapely
from pydantic import Field, field_validator

from skyscript.backends.simulated.season import Season, acquired
from skyscript.geo.tile import MAX_LATITUDE, Box, Tile
from skyscript.imagery.protocol import NeverAvailable, Problem, Scene, TileImage
from skyscript.imagery.source_config import SourceConfig

_PAINTER = 3
"""Raise it when the code draws other pixels; the tables are known by their content."""
_WORLD = Box(-180.0, -MAX_LATITUDE, 180.0, MAX_LATITUDE)


class SimulatedSource(SourceConfig):
    """Tiles drawn from the OSM objects: simulated, not photographs; for machines without imagery.

    A model trained on them learns how we draw, not how the Earth looks.
    """

    backend: Literal["simulated"] = Field(
        "simulated",
        description="Draw tiles from the OSM objects. They are simulated, not photographs.",
    )
    gsd: tuple[float, ...] = Field(
        (0.1, 0.2, 0.6, 1.0),
        min_length=1,
        description="Make a set of scenes for each of these ground sizes of a pixel, in metres.",
    )
    year: int = Field(2024, ge=1970, le=2099, description="Date the scenes in this year.")

    @field_validator("gsd")
    @classmethod
    def _sorted(cls, gsd: tuple[float, ...]) -> tuple[float, ...]:
        if not all(0 < value <= 100 for value in gsd):
            raise ValueError("gsd: every value must be above 0 and at most 100 metres")
        return tuple(sorted(set(gsd)))

    def cutting(self) -> dict[str, Any]:
        """Add which painter and tables draw the tiles, so that a change of theirs draws anew."""
        from skyscript.backends.simulated.tables import tables_digest

        return super().cutting() | {"painter": _PAINTER, "tables": tables_digest()}


class SimulatedBackend:
    """Draws tiles: a pure function of the scene, the tile and the objects."""

    def __init__(self, config: SimulatedSource) -> None:
        self._config = config

    def scenes(self, alias: str) -> Sequence[Scene]:
        """List a scene of the whole world (to 85 degrees) for each GSD and season."""
        footprint = shapely.to_wkb(shapely.box(*_WORLD), byte_order=1)
        return [
            Scene(
                scene_id=f"{alias}/{gsd:g}/{season.value}",
                source=alias,
                backend="simulated",
                name=f"simulated/{gsd:g}/{season.value}",
                geometry=footprint,
                box=_WORLD,
                gsd=gsd,
                acquired=acquired(season, self._config.year),
                time_precision="day",
                weight=self._config.weight,
            )
            for gsd in self._config.gsd
            for season in Season
        ]

    def cut(self, scene: Scene, tile: Tile, objects: pa.Table) -> TileImage:
        """Draw the tile. Raises `NeverAvailable` if the scene is not from a simulated source."""
        from skyscript.backends.simulated.render import render

        try:
            season = Season(scene.name.rsplit("/", 1)[-1])
        except ValueError:
            reason = f"{scene.scene_id} is no simulated scene"
            raise NeverAvailable(reason, Problem.MISSING) from None
        rgb = render(tile, objects, season)
        return TileImage(rgb, np.ones(rgb.shape[:2], np.bool_))

    def mosaic(self, scenes: Sequence[Scene], tile: Tile) -> TileImage:  # noqa: ARG002
        """Raise `NeverAvailable`: no tile needs two scenes, as each covers the whole world."""
        raise NeverAvailable(f"{scenes[0].scene_id} needs no other scene", Problem.REFUSED)
