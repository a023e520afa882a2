"""What roads, courts and yards are surfaced with."""

from __future__ import annotations

from collections.abc import Mapping

from skyscript.backends.simulated.materials import Paint, paint
from skyscript.backends.simulated.values import Colour, brighter, colour, first, mix

SURFACES: dict[str, tuple[Colour, str]] = {
    "asphalt": ((112, 112, 114), "asphalt"),
    "worn asphalt": ((134, 132, 128), "asphalt"),
    "chipseal": ((140, 136, 130), "gravel"),
    "paved": ((138, 136, 134), "asphalt"),
    "red asphalt": ((168, 92, 82), "asphalt"),
    "living street": ((164, 140, 132), "paving"),
    "concrete": ((192, 190, 182), "concrete"),
    "concrete:plates": ((186, 184, 174), "concrete"),
    "concrete:lanes": ((180, 178, 170), "concrete"),
    "paving_stones": ((184, 172, 160), "paving"),
    "pale": ((190, 184, 172), "concrete"),
    "sett": ((134, 126, 122), "paving"),
    "cobblestone": ((122, 118, 112), "paving"),
    "unhewn_cobblestone": ((132, 124, 110), "scree"),
    "brick": ((170, 108, 86), "paving"),
    "bricks": ((170, 108, 86), "paving"),
    "compacted": ((190, 176, 150), "gravel"),
    "fine_gravel": ((204, 192, 168), "gravel"),
    "gravel": ((182, 174, 162), "gravel"),
    "pebblestone": ((186, 180, 164), "gravel"),
    "unpaved": ((176, 154, 122), "soil"),
    "ground": ((158, 134, 102), "soil"),
    "earth": ((148, 118, 86), "soil"),
    "dirt": ((164, 136, 100), "soil"),
    "ruts": ((172, 152, 120), "soil"),
    "mud": ((116, 94, 70), "wetland"),
    "sand": ((218, 200, 156), "sand"),
    "grass": ((126, 144, 84), "grass"),
    "grass_paver": ((142, 152, 114), "paving"),
    "artificial_turf": ((58, 140, 72), "rubber"),
    "woodchips": ((172, 120, 72), "soil"),
    "wood": ((160, 134, 102), "paving"),
    "metal": ((150, 156, 162), "metal"),
    "metal_grid": ((132, 138, 144), "metal"),
    "tartan": ((184, 84, 66), "rubber"),
    "rubber": ((150, 76, 70), "rubber"),
    "clay": ((190, 112, 80), "sand"),
    "acrylic": ((64, 112, 160), "rubber"),
    "stone": ((164, 158, 148), "rock"),
    "rock": ((150, 142, 130), "rock"),
    "shells": ((224, 218, 204), "gravel"),
    "salt": ((234, 234, 230), "ice"),
    "ice": ((220, 232, 240), "ice"),
    "snow": ((240, 244, 248), "ice"),
    "steps": ((168, 162, 152), "concrete"),
}


def surface_paint(tags: Mapping[str, str], default: str, shift: float = 1.0) -> Paint:
    """Give the paint of an object's surface: its colour tag, its surface, or a default."""
    value = first(tags, "surface")
    tint, material = SURFACES.get(value, SURFACES[default])
    named = colour(tags.get("surface:colour", "") or (tags.get("colour", "") if value else ""))
    if named is not None:
        tint = mix(named, (128, 128, 128), 0.25)
    return paint(brighter(tint, shift), material)
