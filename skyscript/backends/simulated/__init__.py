"""A source for machines without imagery: tiles drawn from OSM objects. Simulated, no photographs.

It is also for tests, because what a tile shows is known. How it is made, from the outside in:
`source` (config, scenes), `render` (the order of work), `features` (objects in pixels), `looks`
(which look an object has), a module for each theme (`ground`, `roads`, `buildings`, `sport` ...)
with its tables beside it (`grounds`, `crops`, `building_kinds`, `courts`, `things` ...), `canvas`
(the drawing surface), `materials` and `noise` (textures), `season` (light), `effects` (camera).
"""

from skyscript.backends.simulated.source import SimulatedBackend, SimulatedSource

__all__ = ["SimulatedBackend", "SimulatedSource"]
