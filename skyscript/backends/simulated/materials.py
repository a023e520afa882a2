"""What surfaces are made of: their texture, what snow does to them, their colours by season.

A material is a class of pixels. The canvas keeps one class a pixel beside its colour, and the
textures of all classes are laid over the finished drawing at once.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from skyscript.backends.simulated.noise import Field
from skyscript.backends.simulated.season import Season
from skyscript.backends.simulated.values import Colour

Paint = tuple[int, int, int, int]
"""Red, green, blue and the number of the material."""


class Material(NamedTuple):
    """Strength of each texture (share of the brightness at one unit of spread)."""

    textures: dict[str, float]
    snow: float = 0.8
    """How much of it snow hides, 0 to 1."""
    turning: float = 0.0
    """How far autumn colours differ from crown to crown, 0 to 1."""


MATERIALS = {
    "plain": Material({}, snow=0.5),
    "soil": Material({"grain": 0.03, "speck": 0.05, "patch": 0.05}, snow=0.9),
    "grass": Material({"grain": 0.03, "speck": 0.05, "patch": 0.06}, snow=0.95),
    "rough grass": Material({"grain": 0.04, "speck": 0.10, "patch": 0.12}, snow=0.95),
    "lawn": Material({"grain": 0.03, "patch": 0.03}, snow=0.95),
    "crop": Material({"grain": 0.03, "speck": 0.03, "patch": 0.06}, snow=0.9),
    "broadleaved": Material({"broadleaved": 0.24, "speck": 0.03}, snow=0.4, turning=1.0),
    "needleleaved": Material({"needleleaved": 0.30, "speck": 0.03}, snow=0.45),
    "mixed": Material({"broadleaved": 0.16, "needleleaved": 0.18}, snow=0.4, turning=0.5),
    "bushes": Material({"bushes": 0.22, "patch": 0.07}, snow=0.6, turning=0.3),
    "wetland": Material({"streaks": 0.10, "speck": 0.10, "patch": 0.16}, snow=0.7),
    "water": Material({"waves": 0.035, "patch": 0.04}, snow=0.0),
    "rapids": Material({"waves": 0.20, "grain": 0.10}, snow=0.0),
    "asphalt": Material({"grain": 0.045, "speck": 0.03, "patch": 0.03}, snow=0.25),
    "concrete": Material({"grain": 0.025, "speck": 0.035, "patch": 0.02}, snow=0.3),
    "paving": Material({"grain": 0.07, "speck": 0.02}, snow=0.4),
    "gravel": Material({"grain": 0.09, "speck": 0.06, "patch": 0.04}, snow=0.7),
    "sand": Material({"grain": 0.03, "waves": 0.03, "patch": 0.05}, snow=0.8),
    "rock": Material({"stones": 0.10, "speck": 0.10, "patch": 0.10}, snow=0.7),
    "scree": Material({"stones": 0.24, "patch": 0.06}, snow=0.75),
    "ice": Material({"streaks": 0.03, "patch": 0.05}, snow=0.9),
    "debris": Material({"stones": 0.10, "speck": 0.10, "patch": 0.08}, snow=0.7),
    "yard": Material({"grain": 0.04, "speck": 0.08, "patch": 0.08}, snow=0.6),
    "roof": Material({"grain": 0.05, "speck": 0.03}, snow=0.85),
    "flat roof": Material({"grain": 0.03, "speck": 0.05, "patch": 0.02}, snow=0.9),
    "metal": Material({"streaks": 0.03, "speck": 0.02}, snow=0.75),
    "glass": Material({"speck": 0.04}, snow=0.2),
    "rubber": Material({"grain": 0.02, "patch": 0.015}, snow=0.7),
    "crown": Material({"grain": 0.06, "bushes": 0.08, "speck": 0.10}, snow=0.35),
}
_CLASS = {name: index for index, name in enumerate(MATERIALS)}


def classes(*names: str) -> list[int]:
    """Give the numbers of materials."""
    return [_CLASS[name] for name in names]


def _table(values: dict[str, float]) -> Field:
    table = np.zeros(256, np.float32)
    for name, value in values.items():
        table[_CLASS[name]] = value
    return table


STRENGTH = {
    texture: _table({n: m.textures[texture] for n, m in MATERIALS.items() if texture in m.textures})
    for texture in sorted({texture for m in MATERIALS.values() for texture in m.textures})
}
"""Texture -> its strength by class, as a look-up table of 256."""
SNOW = _table({name: material.snow for name, material in MATERIALS.items()})
TURNING = _table({name: material.turning for name, material in MATERIALS.items()})

SEASONAL: dict[str, dict[Season, Colour]] = {
    name: dict(zip(Season, colours, strict=True))
    for name, colours in {
        #               spring           summer          autumn          winter
        "grass": ((112, 142, 70), (122, 138, 76), (128, 128, 80), (120, 116, 86)),
        "lawn": ((98, 148, 66), (104, 150, 68), (108, 138, 70), (106, 120, 80)),
        "meadow": ((124, 158, 74), (148, 152, 84), (140, 136, 88), (126, 120, 90)),
        "crop": ((122, 146, 72), (186, 166, 98), (150, 124, 92), (118, 98, 76)),
        "green crop": ((134, 120, 84), (84, 128, 56), (132, 122, 72), (116, 98, 78)),
        "broadleaved": ((92, 126, 60), (58, 92, 44), (140, 104, 50), (108, 98, 82)),
        "needleleaved": ((44, 72, 48), (40, 68, 44), (42, 68, 44), (44, 66, 50)),
        "mixed": ((66, 98, 54), (50, 80, 44), (94, 86, 46), (76, 82, 64)),
        "bushes": ((104, 120, 66), (94, 110, 60), (116, 104, 66), (106, 98, 74)),
        "wetland": ((92, 104, 70), (94, 112, 66), (112, 104, 70), (98, 94, 76)),
        "reed": ((148, 138, 96), (128, 138, 80), (166, 142, 92), (164, 146, 108)),
        "heath": ((114, 98, 82), (130, 98, 108), (122, 92, 88), (108, 92, 80)),
        "garden": ((112, 138, 78), (112, 132, 74), (122, 122, 76), (114, 112, 86)),
        "bloom": ((190, 132, 146), (190, 112, 118), (176, 140, 84), (128, 108, 84)),
    }.items()
}


def tone(name_or_colour: str | Colour, season: Season) -> Colour:
    """Give a colour: itself, or the named plant colour of the season."""
    if isinstance(name_or_colour, str):
        return SEASONAL[name_or_colour][season]
    return name_or_colour


def paint(colour: Colour, material: str = "plain") -> Paint:
    """Give the paint of a colour and a material."""
    return (*colour, _CLASS[material])
