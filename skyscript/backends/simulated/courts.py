"""The fields of games: their sides, lines and grounds, by rule book."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from skyscript.backends.simulated.values import Colour


class Court(NamedTuple):
    """A game's field: sides in metres along and across, and its lines.

    A line is ``line x0 y0 x1 y1``, ``rect x0 y0 x1 y1``, ``circle x y r`` or ``arc x y r from to``
    (degrees); metres from the centre. ``*`` before it repeats it mirrored to the other half.
    """

    sides: tuple[float, float]
    lines: tuple[str, ...]
    surfaces: tuple[str, ...]
    """Of which the object draws one, if it does not say."""
    inner: float = 1.0
    """How much brighter it is inside the lines."""
    margin: float = 2.0
    ink: Colour = (240, 240, 236)
    """Of the lines."""


_GRASS = ("pitch grass",)
GROUNDS: dict[str, tuple[Colour, str]] = {
    "pitch grass": ((98, 148, 66), "lawn"),
    "grass": ((98, 148, 66), "lawn"),
    "artificial_turf": ((50, 134, 74), "rubber"),
    "court green": ((66, 122, 88), "rubber"),
    "court blue": ((62, 102, 156), "rubber"),
    "court red": ((170, 86, 72), "rubber"),
    "court grey": ((140, 138, 136), "asphalt"),
    "clay": ((198, 112, 78), "sand"),
    "dirt": ((180, 148, 110), "soil"),
    "ice": ((224, 236, 244), "ice"),
    "parquet": ((206, 164, 104), "paving"),
}

_SOCCER = (
    "rect -52.5 -34 52.5 34",
    "line 0 -34 0 34",
    "circle 0 0 9.15",
    "*rect -52.5 -20.2 -36 20.2",
    "*rect -52.5 -9.2 -47 9.2",
    "*arc -41.5 0 9.15 -53 53",
)
_TENNIS = (
    "rect -11.9 -5.5 11.9 5.5",
    "rect -11.9 -4.1 11.9 4.1",
    "rect -6.4 -4.1 6.4 4.1",
    "line -6.4 0 6.4 0",
    "line 0 -6.4 0 6.4",
)
_BASKETBALL = (
    "rect -14 -7.5 14 7.5",
    "line 0 -7.5 0 7.5",
    "circle 0 0 1.8",
    "*rect -14 -2.5 -8.2 2.5",
    "*arc -12.4 0 6.75 -78 78",
    "*arc -8.2 0 1.8 -90 90",
)
_VOLLEY = ("rect -9 -4.5 9 4.5", "line 0 -4.5 0 4.5", "line -3 -4.5 -3 4.5", "line 3 -4.5 3 4.5")
_GRIDIRON = (
    "rect -55 -24.4 55 24.4",
    *(f"line {x:g} -24.4 {x:g} 24.4" for x in np.linspace(-45.7, 45.7, 21).round(1)),
)
_HANDBALL = ("rect -20 -10 20 10", "line 0 -10 0 10", "*arc -20 0 6 -90 90", "*arc -20 0 9 -80 80")
_HOCKEY = (
    "rect -45.7 -27.5 45.7 27.5",
    "line 0 -27.5 0 27.5",
    "line -22.9 -27.5 -22.9 27.5",
    "line 22.9 -27.5 22.9 27.5",
    "*arc -45.7 0 14.6 -90 90",
)
_RINK = (
    "rect -30 -14 30 14",
    "line 0 -14 0 14",
    "circle 0 0 4.5",
    "*circle -20 7 4.5",
    "*circle -20 -7 4.5",
)
_RUGBY = (
    "rect -60 -35 60 35",
    *(f"line {x:g} -35 {x:g} 35" for x in (-50, -28, -10, 0, 10, 28, 50)),
)
_CRICKET = ("circle 0 0 27", "rect -10 -1.3 10 1.3")
_BADMINTON = (
    "rect -6.7 -3 6.7 3",
    "line -2 -3 -2 3",
    "line 2 -3 2 3",
    "line -6.7 0 6.7 0",
    "line 0 -3.6 0 3.6",
)
_BOULES = tuple(f"line -14 {y:g} 14 {y:g}" for y in (-6, -3, 0, 3, 6))

COURTS = {
    "soccer": Court(
        (105, 68), _SOCCER, ("pitch grass", "pitch grass", "artificial_turf"), margin=4
    ),
    "tennis": Court(
        (34, 17), _TENNIS, ("clay", "clay", "court green", "court blue"), inner=1.22, margin=0
    ),
    "basketball": Court((30, 17), _BASKETBALL, ("court red", "court blue", "court grey"), margin=1),
    "volleyball": Court((22, 13), _VOLLEY, ("parquet", "court red"), margin=2),
    "beachvolleyball": Court(
        (22, 14), ("rect -8 -4 8 4", "line 0 -4.6 0 4.6"), ("sand",), margin=2
    ),
    "american_football": Court((112, 52), _GRIDIRON, _GRASS, margin=1),
    "handball": Court((42, 22), _HANDBALL, ("court blue", "court green"), margin=1),
    "team_handball": Court((42, 22), _HANDBALL, ("court blue", "court green"), margin=1),
    "field_hockey": Court((100, 60), _HOCKEY, ("court blue",), margin=4),
    "hockey": Court((100, 60), _HOCKEY, ("court blue", "artificial_turf"), margin=4),
    "ice_hockey": Court((62, 30), _RINK, ("ice",), margin=1, ink=(186, 60, 72)),
    "rugby_union": Court((124, 74), _RUGBY, _GRASS, margin=2),
    "rugby": Court((124, 74), _RUGBY, _GRASS, margin=2),
    "rugby_league": Court((124, 74), _RUGBY, _GRASS, margin=2),
    "badminton": Court((16, 9), _BADMINTON, ("court green",), margin=1),
    "boules": Court((30, 16), _BOULES, ("dirt",), margin=1),
    "cricket": Court((140, 130), _CRICKET, _GRASS, margin=2),
    "netball": Court(
        (31, 16),
        (
            "rect -15 -7.5 15 7.5",
            "line -5 -7.5 -5 7.5",
            "line 5 -7.5 5 7.5",
            "*arc -15 0 4.9 -90 90",
        ),
        ("court blue",),
    ),
    "multi": Court((32, 18), (*_BASKETBALL, *_VOLLEY), ("court red", "court green"), margin=1),
    "shooting": Court(
        (50, 20), tuple(f"line -24 {y:g} 24 {y:g}" for y in range(-8, 9, 2)), ("dirt",), margin=1
    ),
    "archery": Court(
        (70, 20), tuple(f"line -34 {y:g} 34 {y:g}" for y in (-6, -2, 2, 6)), _GRASS, margin=1
    ),
    "bowls": Court(
        (40, 40), tuple(f"line -18 {y:g} 18 {y:g}" for y in range(-15, 16, 5)), _GRASS, margin=1
    ),
    "croquet": Court((32, 26), ("rect -15 -12 15 12", "circle 0 0 1"), _GRASS, margin=1),
    "table_tennis": Court(
        (5, 4), ("rect -1.4 -.8 1.4 .8", "line 0 -.9 0 .9"), ("court blue",), margin=0.6
    ),
    "running": Court((100, 60), (), ("tartan",)),
}
