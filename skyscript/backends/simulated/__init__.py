"""A source for machines without imagery: tiles drawn from OSM objects. Simulated, no photographs.

One painter draws every object; how an object looks is a row of a table, so a new look is a new row
and no code:

- `looks.csv`: the look of each ``key=value`` (read by `looks`, which says which row an object gets)
- `marks.csv`: small drawings, such as court lines (read by `marks`)
- `materials.csv`, `plants.csv`: textures, and colours that change with the seasons (`tables`)

From the outside in: `source` (config, scenes), `render` (the order of work), `features` (objects in
pixels), `coast`, `painter` with `stamps` (a look on the canvas), `canvas` (the drawing surface),
`relief` (motifs that repeat, ridges in the sun), `noise` (textures), `season` (light), `effects`
(camera).
"""

from skyscript.backends.simulated.source import SimulatedBackend, SimulatedSource

__all__ = ["SimulatedBackend", "SimulatedSource"]
