"""Small things as tables: boxes on boxes, in metres."""

from __future__ import annotations

from typing import NamedTuple

from skyscript.backends.simulated.values import Colour


class Thing(NamedTuple):
    """A small thing: boxes on top of each other, sides in metres."""

    sides: tuple[float, float]
    tint: Colour
    height: float
    boxes: tuple[tuple[float, float, float, float, Colour], ...] = ()
    """u, v, side along, side across, colour."""


WOOD = (150, 112, 76)
_GREY = (150, 154, 158)
THINGS = {
    ("amenity", "bench"): Thing((1.8, 0.6), WOOD, 0.8, ((0, -0.25, 1.8, 0.12, (96, 70, 50)),)),
    ("leisure", "picnic_table"): Thing(
        (1.9, 0.8), (170, 130, 88), 0.8, ((0, -0.75, 1.9, 0.3, WOOD), (0, 0.75, 1.9, 0.3, WOOD))
    ),
    ("amenity", "waste_basket"): Thing((0.6, 0.6), (70, 90, 70), 1.0),
    ("amenity", "recycling"): Thing(
        (1.6, 1.4),
        (60, 130, 80),
        1.6,
        ((1.9, 0, 1.6, 1.4, (50, 90, 170)), (-1.9, 0, 1.6, 1.4, (226, 196, 60))),
    ),
    ("amenity", "waste_disposal"): Thing(
        (2.2, 1.4), (70, 96, 74), 1.4, ((0, 0, 2.0, 0.3, (40, 50, 44)),)
    ),
    ("amenity", "shelter"): Thing(
        (4.4, 3.2), (142, 110, 86), 2.6, ((0, 0, 4.4, 0.3, (190, 160, 130)),)
    ),
    ("amenity", "vending_machine"): Thing((0.9, 0.9), (206, 50, 50), 1.8),
    ("amenity", "post_box"): Thing((0.6, 0.5), (240, 200, 40), 1.3),
    ("amenity", "telephone"): Thing((1.0, 1.0), (206, 46, 90), 2.2),
    ("amenity", "bbq"): Thing((1.1, 0.9), (92, 88, 84), 1.0, ((0, 0, 0.7, 0.5, (40, 36, 34)),)),
    ("amenity", "hunting_stand"): Thing(
        (2.0, 2.0), (110, 88, 62), 4.0, ((0, 0, 1.2, 1.2, (150, 124, 92)),)
    ),
    ("amenity", "drinking_water"): Thing(
        (0.8, 0.8), _GREY, 1.0, ((0, 0, 0.4, 0.4, (80, 150, 190)),)
    ),
    ("amenity", "watering_place"): Thing(
        (3.0, 1.2), (160, 156, 148), 0.7, ((0, 0, 2.6, 0.8, (80, 120, 130)),)
    ),
    ("amenity", "clock"): Thing(
        (1.2, 0.5), (60, 62, 66), 4.0, ((0, 0, 0.9, 0.3, (240, 240, 236)),)
    ),
    ("emergency", "fire_hydrant"): Thing((0.5, 0.5), (210, 40, 36), 0.9),
    ("emergency", "life_ring"): Thing((0.7, 0.7), (236, 96, 40), 1.2),
    ("emergency", "siren"): Thing(
        (1.6, 1.6), (214, 216, 210), 6.0, ((0, 0, 0.7, 0.7, (120, 124, 120)),)
    ),
    ("leisure", "firepit"): Thing(
        (1.6, 1.6), (120, 112, 104), 0.4, ((0, 0, 0.9, 0.9, (40, 36, 34)),)
    ),
    ("leisure", "bandstand"): Thing(
        (8.0, 8.0),
        (110, 140, 122),
        4.0,
        ((0, 0, 4.0, 4.0, (140, 168, 150)), (0, 0, 0.8, 0.8, (226, 214, 160))),
    ),
    ("leisure", "fitness_station"): Thing(
        (6.0, 4.0),
        (206, 170, 110),
        0.2,
        ((-1.5, 0, 2.0, 0.3, (206, 60, 50)), (1.2, 0.8, 0.3, 2.0, (60, 110, 180))),
    ),
    ("playground", "slide"): Thing(
        (4.0, 0.8), (226, 80, 60), 2.0, ((-1.6, 0, 1.0, 1.2, (240, 200, 60)),)
    ),
    ("playground", "swing"): Thing(
        (3.6, 0.3),
        (120, 124, 130),
        2.2,
        ((0, 0.8, 0.5, 0.3, (40, 44, 50)), (1.1, 0.8, 0.5, 0.3, (40, 44, 50))),
    ),
    ("playground", "sandpit"): Thing(
        (5.0, 5.0), (150, 112, 76), 0.1, ((0, 0, 4.5, 4.5, (230, 212, 164)),)
    ),
    ("playground", "structure"): Thing(
        (4.0, 4.0),
        (206, 150, 70),
        3.0,
        ((-1, 0, 1.8, 2.4, (60, 120, 190)), (1.4, 0.8, 1.4, 1.4, (206, 60, 60))),
    ),
    ("playground", "climbingframe"): Thing(
        (3.6, 3.6),
        (70, 130, 110),
        2.6,
        (
            (0, 0, 2.8, 2.8, (206, 180, 132)),
            (0, 0, 3.6, 0.2, (70, 130, 110)),
            (0, 0, 0.2, 3.6, (70, 130, 110)),
        ),
    ),
    ("playground", "roundabout"): Thing(
        (2.4, 2.4),
        (220, 70, 90),
        0.8,
        ((0, 0, 2.0, 0.2, (240, 240, 240)), (0, 0, 0.2, 2.0, (240, 240, 240))),
    ),
    ("playground", "seesaw"): Thing(
        (3.4, 0.35), (70, 140, 200), 0.8, ((0, 0, 0.5, 0.9, (40, 44, 50)),)
    ),
    ("playground", "springy"): Thing((1.0, 0.7), (240, 170, 50), 0.8),
    ("highway", "street_lamp"): Thing((1.6, 0.35), (196, 198, 200), 7.0),
    ("highway", "milestone"): Thing((0.5, 0.5), (226, 222, 212), 0.9),
    ("highway", "toll_gantry"): Thing((2.0, 18.0), (180, 184, 188), 6.0),
    ("highway", "traffic_signals"): Thing((0.7, 0.4), (50, 54, 50), 4.0),
    ("natural", "stone"): Thing(
        (2.2, 1.7), (146, 142, 136), 1.4, ((0.2, 0.2, 1.2, 0.9, (172, 168, 160)),)
    ),
    ("natural", "rock"): Thing(
        (3.4, 2.7), (140, 134, 128), 2.0, ((0.3, 0.3, 1.8, 1.4, (168, 162, 154)),)
    ),
    ("natural", "peak"): Thing(
        (9.0, 7.0), (150, 144, 136), 5.0, ((1, 1, 4.6, 3.6, (182, 176, 168)),)
    ),
    ("natural", "cave_entrance"): Thing(
        (3.0, 2.2), (92, 86, 80), 0.4, ((0, 0, 1.8, 1.2, (30, 28, 28)),)
    ),
    ("barrier", "block"): Thing((0.9, 0.9), (206, 204, 198), 0.8),
    ("barrier", "gate"): Thing((3.6, 0.25), (196, 196, 190), 1.2),
    ("barrier", "lift_gate"): Thing(
        (4.4, 0.3),
        (220, 60, 50),
        1.0,
        ((0.8, 0, 0.7, 0.3, (240, 240, 236)), (-0.8, 0, 0.7, 0.3, (240, 240, 236))),
    ),
    ("barrier", "bollard"): Thing((0.35, 0.35), (60, 62, 66), 0.9),
    ("barrier", "toll_booth"): Thing(
        (3.0, 2.2), (206, 206, 210), 2.8, ((0, 0, 1.4, 1.0, (240, 200, 60)),)
    ),
    ("barrier", "cattle_grid"): Thing(
        (3.4, 2.4),
        (120, 124, 128),
        0.0,
        tuple((x, 0.0, 0.2, 2.4, (60, 62, 64)) for x in (-1.2, -0.4, 0.4, 1.2)),
    ),
    ("advertising", "billboard"): Thing((6.0, 0.6), (240, 240, 236), 6.0),
    ("tourism", "information"): Thing((1.4, 0.3), (110, 84, 60), 2.0),
    ("tourism", "viewpoint"): Thing(
        (4.0, 3.0), (170, 140, 104), 0.6, ((0, -1.3, 4.0, 0.2, (110, 84, 60)),)
    ),
    ("man_made", "survey_point"): Thing((0.6, 0.6), (236, 236, 232), 1.0),
    ("historic", "ruins"): Thing(
        (9.0, 7.0), (158, 150, 138), 2.0, ((0.4, 0.3, 6.6, 4.6, (128, 130, 96)),)
    ),
    ("historic", "boundary_stone"): Thing((0.6, 0.5), (190, 186, 178), 0.8),
    ("historic", "cannon"): Thing((3.0, 1.4), (62, 66, 62), 1.0),
    ("historic", "aircraft"): Thing(
        (12.0, 1.8),
        (150, 160, 150),
        3.0,
        ((1, 0, 2.0, 12.0, (140, 150, 140)), (-5, 0, 1.2, 4.4, (140, 150, 140))),
    ),
    ("historic", "ship"): Thing(
        (22.0, 5.0),
        (112, 78, 54),
        4.0,
        ((0, 0, 20.0, 3.6, (160, 124, 90)), (0, 0, 1, 1, (70, 50, 40))),
    ),
    ("historic", "locomotive"): Thing(
        (12.0, 3.0),
        (52, 54, 58),
        4.0,
        ((2, 0, 7, 1.4, (84, 86, 90)), (-4.4, 0, 2.6, 2.8, (160, 46, 44))),
    ),
}
