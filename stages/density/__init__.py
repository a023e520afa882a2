"""The stage `density`: how many objects of each concept the map has in each cell."""

from stages.density.config import DensityConfig
from stages.density.stage import DENSITY, density

__all__ = ["DENSITY", "DensityConfig", "density"]
