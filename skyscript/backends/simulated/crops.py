"""Fields and woods as tables."""

from __future__ import annotations

from skyscript.backends.simulated.grounds import Ground, Pattern, Tone, spaced_plants
from skyscript.backends.simulated.season import Season


def _rows(mark: Tone, metres: float) -> Pattern:
    return Pattern("waves", mark, "crop", (metres * 4, metres))


SOIL = (150, 122, 92)

CROPS = {
    "wheat": Ground("crop", "crop", _rows((206, 182, 112), 3.0)),
    "barley": Ground((206, 190, 132), "crop", _rows((222, 208, 152), 3.0)),
    "rye": Ground((178, 164, 110), "crop", _rows((190, 178, 124), 2.4)),
    "corn": Ground("green crop", "crop", _rows((112, 112, 66), 2.2)),
    "maize": Ground("green crop", "crop", _rows((112, 112, 66), 2.2)),
    "rapeseed": Ground((206, 196, 60), "crop", _rows((186, 184, 56), 4.0)),
    "sunflower": Ground((150, 140, 46), "crop", _rows((92, 112, 48), 2.0)),
    "rice": Ground(
        (110, 146, 92), "wetland", Pattern("lattice", SOIL, "soil", (60, 34), (0.04, 0.06))
    ),
    "cotton": Ground((172, 162, 146), "crop", _rows((112, 108, 80), 2.4)),
    "sugarcane": Ground((118, 150, 72), "rough grass", _rows((92, 124, 58), 3.0)),
    "sugar_beet": Ground((88, 132, 62), "crop", _rows((122, 112, 76), 1.8)),
    "potato": Ground((112, 118, 72), "crop", _rows((128, 100, 74), 2.0)),
    "vegetable": Ground(
        (112, 128, 80), "crop", Pattern("stripes", (92, 136, 66), "crop", (20, 6), (0.5, 0.5))
    ),
    "strawberry": Ground((178, 176, 168), "crop", _rows((92, 120, 62), 2.6)),
    "hop": Ground(
        (140, 134, 92), "crop", Pattern("stripes", (72, 112, 52), "crown", (20, 4.5), (0.5, 0.4))
    ),
    "tea": Ground(
        (92, 128, 66), "crop", Pattern("stripes", (58, 98, 48), "bushes", (20, 3.2), (0.6, 0.6))
    ),
    "coffee": Ground((120, 104, 76), "soil", spaced_plants((52, 84, 44), 4.0)),
    "tobacco": Ground((128, 142, 74), "crop", _rows((112, 98, 72), 2.6)),
    "grape": Ground(
        (160, 146, 110), "soil", Pattern("stripes", "broadleaved", "bushes", (20, 2.6), (0.4, 0.4))
    ),
    "grass": Ground("meadow", "grass"),
    "hay": Ground("meadow", "grass", _rows((160, 158, 94), 7.0)),
    "lavender": Ground(
        (160, 148, 128),
        "soil",
        Pattern("stripes", (128, 104, 168), "bushes", (20, 2.4), (0.6, 0.6)),
    ),
    "flowers": Ground(
        "bloom", "crop", Pattern("stripes", (226, 196, 84), "crop", (30, 14), (0.5, 0.5))
    ),
    "soy": Ground("green crop", "crop", _rows((122, 122, 74), 2.8)),
    "asparagus": Ground((188, 184, 180), "crop", _rows((140, 116, 92), 3.4)),
    "*": Ground((140, 142, 78), "crop", _rows((154, 146, 92), 3.0)),
}
HARVESTED = {Season.SPRING: 0.0, Season.SUMMER: 0.0, Season.AUTUMN: 0.25, Season.WINTER: 0.4}
"""How much bare soil shows in a field."""
FIELDS = (
    Ground("crop", "crop", _rows((188, 168, 108), 3.0)),
    Ground("green crop", "crop", _rows((124, 122, 74), 3.0)),
    Ground(SOIL, "soil", _rows((132, 104, 78), 3.6)),
    Ground("meadow", "crop", _rows((146, 148, 88), 6.0)),
    Ground((196, 180, 124), "crop", _rows((208, 194, 140), 4.0)),
)
"""Of farmland whose crop is not known: drawn by the object."""
WOODS = {
    "broadleaved": Ground("broadleaved", "broadleaved"),
    "needleleaved": Ground("needleleaved", "needleleaved"),
    "mixed": Ground("mixed", "mixed"),
    "leafless": Ground((126, 114, 96), "bushes"),
}
TREES = {
    "olive_trees": ((138, 148, 110), 7.0),
    "apple_trees": ((96, 132, 66), 5.0),
    "orange_trees": ((60, 104, 48), 5.5),
    "palm_trees": ((92, 124, 66), 8.0),
    "oil_palms": ((70, 112, 52), 8.5),
    "almond_trees": ((158, 144, 116), 6.0),
    "date_palms": ((104, 124, 76), 9.0),
    "hazel_plants": ((104, 128, 66), 4.5),
    "banana_plants": ((112, 158, 72), 3.6),
}
