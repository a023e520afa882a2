"""Covers of the land as tables: crops, woods, meadows, rock, yards; a colour and a pattern each."""

from __future__ import annotations

from typing import NamedTuple

from skyscript.backends.simulated.values import Colour

Tone = str | Colour
"""A colour, or the name of one that changes with the seasons."""


class Pattern(NamedTuple):
    """What repeats on a ground."""

    kind: str
    """waves, stripes, lattice, blocks or dots: a function of `motifs`."""
    tone: Tone
    material: str
    metres: tuple[float, float]
    """Period along and across the area's long side."""
    share: tuple[float, float] = (0.3, 0.3)


class Ground(NamedTuple):
    """A look of the land."""

    tone: Tone
    material: str
    pattern: Pattern | None = None


def spaced_plants(mark: Tone, spacing: float, radius: float = 0.3) -> Pattern:
    """Give round plants ``spacing`` metres apart; the radius is a share of that."""
    return Pattern("dots", mark, "crown", (spacing, spacing), (radius, radius))


LANDUSE = {
    "meadow": Ground("meadow", "rough grass"),
    "grass": Ground("grass", "grass"),
    "village_green": Ground("lawn", "lawn"),
    "recreation_ground": Ground("lawn", "grass"),
    "greenfield": Ground((134, 140, 88), "rough grass"),
    "brownfield": Ground((146, 130, 108), "debris"),
    "orchard": Ground("meadow", "grass", spaced_plants("broadleaved", 6.5)),
    "vineyard": Ground(
        (168, 152, 112), "soil", Pattern("stripes", "broadleaved", "bushes", (20, 2.4), (0.4, 0.42))
    ),
    "plant_nursery": Ground(
        (140, 128, 92), "soil", Pattern("blocks", "bushes", "bushes", (14, 5), (0.8, 0.6))
    ),
    "greenhouse_horticulture": Ground(
        (150, 160, 160),
        "concrete",
        Pattern("lattice", (214, 228, 232), "glass", (24, 6), (0.9, 0.82)),
    ),
    "allotments": Ground(
        "garden", "bushes", Pattern("blocks", (134, 104, 80), "soil", (16, 12), (0.62, 0.5))
    ),
    "farmyard": Ground((156, 144, 120), "yard"),
    "residential": Ground((140, 142, 112), "yard"),
    "commercial": Ground((150, 150, 152), "yard"),
    "retail": Ground((166, 154, 150), "yard"),
    "industrial": Ground((146, 138, 134), "yard"),
    "garages": Ground((150, 148, 144), "concrete"),
    "depot": Ground((136, 132, 128), "gravel"),
    "port": Ground((156, 154, 150), "concrete"),
    "railway": Ground((128, 116, 106), "gravel"),
    "military": Ground((128, 132, 92), "rough grass"),
    "construction": Ground((186, 162, 126), "debris"),
    "quarry": Ground((196, 188, 176), "rock"),
    "landfill": Ground(
        (148, 138, 124), "debris", Pattern("waves", (120, 116, 108), "debris", (40, 18))
    ),
    "salt_pond": Ground(
        (178, 170, 172),
        "water",
        Pattern("lattice", (222, 216, 208), "sand", (60, 40), (0.06, 0.09)),
    ),
    "cemetery": Ground(
        "lawn", "grass", Pattern("blocks", (178, 176, 170), "concrete", (4.2, 2.4), (0.5, 0.4))
    ),
    "religious": Ground((150, 156, 118), "grass"),
    "flowerbed": Ground("bloom", "bushes"),
    "winter_sports": Ground(
        "meadow", "grass", Pattern("waves", (156, 162, 104), "grass", (80, 40))
    ),
    "traffic_island": Ground((134, 142, 100), "grass"),
    "aquaculture": Ground(
        (70, 96, 92), "water", Pattern("lattice", (136, 124, 100), "soil", (70, 40), (0.07, 0.1))
    ),
    "logging": Ground((138, 118, 86), "debris"),
    "education": Ground((154, 152, 124), "yard"),
    "institutional": Ground((156, 154, 132), "yard"),
}
NATURAL = {
    "grassland": Ground("meadow", "rough grass"),
    "fell": Ground((146, 144, 104), "rough grass"),
    "heath": Ground("heath", "bushes"),
    "scrub": Ground("bushes", "bushes"),
    "shrubbery": Ground(
        (92, 122, 66), "bushes", Pattern("dots", (68, 102, 52), "bushes", (2.4, 2.4), (0.36, 0.36))
    ),
    "sand": Ground((220, 204, 164), "sand"),
    "dune": Ground((214, 194, 146), "sand", Pattern("waves", (198, 176, 128), "sand", (90, 22))),
    "beach": Ground((226, 212, 176), "sand"),
    "shingle": Ground((176, 172, 164), "gravel"),
    "shoal": Ground((188, 178, 144), "sand"),
    "bare_rock": Ground((158, 152, 144), "rock"),
    "rock": Ground((150, 144, 136), "rock"),
    "stone": Ground((140, 136, 130), "rock"),
    "scree": Ground((174, 168, 160), "scree"),
    "glacier": Ground((226, 234, 240), "ice", Pattern("waves", (196, 214, 230), "ice", (120, 26))),
    "wetland": Ground("wetland", "wetland"),
    "mud": Ground((128, 112, 92), "wetland"),
    "tundra": Ground((138, 132, 92), "rough grass"),
    "moor": Ground("heath", "rough grass"),
    "lava": Ground((72, 66, 64), "scree"),
    "sinkhole": Ground((112, 104, 84), "rock"),
}
WETLANDS = {
    "reedbed": Ground("reed", "wetland"),
    "marsh": Ground("wetland", "wetland"),
    "swamp": Ground((76, 92, 58), "broadleaved"),
    "bog": Ground((128, 108, 78), "wetland"),
    "saltmarsh": Ground((132, 130, 100), "wetland"),
    "tidalflat": Ground(
        (158, 144, 120), "sand", Pattern("waves", (128, 122, 112), "wetland", (80, 30))
    ),
    "mangrove": Ground((48, 84, 50), "broadleaved"),
    "wet_meadow": Ground((112, 136, 78), "wetland"),
    "saltern": Ground((188, 170, 172), "water"),
}
LEISURE = {
    "park": Ground("lawn", "grass"),
    "garden": Ground("lawn", "bushes", Pattern("blocks", "bloom", "bushes", (14, 9), (0.5, 0.22))),
    "common": Ground("grass", "rough grass"),
    "nature_reserve": Ground("meadow", "rough grass"),
    "dog_park": Ground((142, 140, 92), "rough grass"),
    "golf_course": Ground((110, 142, 72), "grass"),
    "playground": Ground((206, 180, 132), "sand"),
    "schoolyard": Ground((158, 152, 146), "asphalt"),
    "sports_centre": Ground((136, 150, 104), "lawn"),
    "outdoor_seating": Ground(
        (190, 170, 146),
        "paving",
        Pattern("dots", (222, 214, 200), "plain", (3.2, 3.2), (0.26, 0.26)),
    ),
    "horse_riding": Ground((196, 174, 132), "sand"),
    "beach_resort": Ground(
        (226, 212, 176), "sand", Pattern("dots", (216, 92, 72), "plain", (5, 5), (0.28, 0.28))
    ),
    "water_park": Ground((186, 196, 190), "paving"),
    "bathing_place": Ground((206, 200, 150), "sand"),
    "summer_camp": Ground(
        (146, 150, 96),
        "rough grass",
        Pattern("dots", (206, 196, 168), "plain", (12, 12), (0.2, 0.2)),
    ),
}
OTHER = {
    "amenity": {
        "school": Ground((164, 152, 124), "yard"),
        "kindergarten": Ground((170, 160, 116), "yard"),
        "university": Ground((146, 152, 118), "lawn"),
        "college": Ground((152, 150, 122), "yard"),
        "hospital": Ground((166, 166, 154), "yard"),
        "grave_yard": Ground(
            "lawn", "grass", Pattern("blocks", (160, 158, 152), "concrete", (4.6, 3.0), (0.34, 0.3))
        ),
        "marketplace": Ground(
            (176, 166, 154),
            "paving",
            Pattern("blocks", (206, 84, 72), "plain", (4.5, 4.0), (0.66, 0.6)),
        ),
        "fuel": Ground((128, 126, 124), "asphalt"),
        "prison": Ground((150, 146, 134), "concrete"),
        "recycling": Ground(
            (140, 136, 128),
            "concrete",
            Pattern("blocks", (64, 112, 84), "metal", (7, 5), (0.6, 0.5)),
        ),
        "bus_station": Ground(
            (116, 116, 118),
            "asphalt",
            Pattern("stripes", (206, 204, 198), "concrete", (30, 9), (0.3, 0.3)),
        ),
    },
    "tourism": {
        "camp_site": Ground(
            (136, 148, 90),
            "grass",
            Pattern("blocks", (216, 212, 200), "plain", (13, 11), (0.38, 0.3)),
        ),
        "caravan_site": Ground(
            (146, 146, 104),
            "grass",
            Pattern("blocks", (238, 238, 234), "metal", (12, 8), (0.5, 0.34)),
        ),
        "picnic_site": Ground(
            (128, 146, 84), "grass", Pattern("dots", (150, 112, 76), "plain", (8, 8), (0.14, 0.14))
        ),
        "zoo": Ground(
            (138, 146, 98),
            "bushes",
            Pattern("lattice", (176, 162, 132), "soil", (40, 32), (0.1, 0.12)),
        ),
        "theme_park": Ground(
            (172, 160, 144),
            "paving",
            Pattern("blocks", (196, 96, 120), "plain", (34, 28), (0.4, 0.4)),
        ),
    },
    "historic": {
        "archaeological_site": Ground(
            (170, 152, 116),
            "soil",
            Pattern("lattice", (198, 186, 160), "rock", (14, 11), (0.12, 0.15)),
        ),
        "castle": Ground((142, 146, 108), "grass"),
        "battlefield": Ground((142, 144, 96), "rough grass"),
    },
    "military": {
        "training_area": Ground((140, 132, 96), "debris"),
        "barracks": Ground((136, 138, 110), "yard"),
        "airfield": Ground((132, 140, 92), "grass"),
        "range": Ground(
            (150, 140, 104),
            "rough grass",
            Pattern("stripes", (176, 160, 122), "sand", (60, 20), (0.2, 0.2)),
        ),
    },
    "aeroway": {"aerodrome": Ground((134, 146, 88), "grass")},
    "place": {
        "islet": Ground((140, 138, 98), "rough grass"),
        "island": Ground("grass", "rough grass"),
        "square": Ground((186, 178, 168), "paving"),
    },
    "golf": {
        "fairway": Ground(
            (120, 164, 78), "lawn", Pattern("stripes", (106, 150, 70), "lawn", (40, 12), (0.5, 0.5))
        ),
        "green": Ground((136, 184, 92), "lawn"),
        "tee": Ground((110, 172, 84), "lawn"),
        "bunker": Ground((234, 222, 186), "sand"),
        "rough": Ground((116, 128, 70), "rough grass"),
        "driving_range": Ground(
            (124, 154, 76),
            "lawn",
            Pattern("stripes", (214, 216, 206), "plain", (60, 46), (0.03, 0.03)),
        ),
        "water_hazard": Ground((66, 96, 92), "water"),
    },
    "piste:type": {"*": Ground((146, 158, 98), "grass")},
}
