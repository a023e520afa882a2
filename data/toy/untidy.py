"""What real extracts hold besides good objects: broken shapes, odd values, things underground."""

from __future__ import annotations

from data.toy.draft import Draft, tags
from data.toy.plan import TOWN
from data.toy.shapes import Frame, ellipse, rectangle

MISSING_NODE, MISSING_WAY = 900_001, 900_001
"""Ids that the extract refers to and does not hold, as at the edge of a cut."""


def draw_untidy(draft: Draft) -> None:
    """Draw the untidy objects west of the town, where they stand alone."""
    frame = Frame(-2300, 900)
    square = rectangle(0, 0, 20, 12)
    nodes = [draft.node(point) for point in frame.all(square)]
    draft.way_of([*nodes[:2], MISSING_NODE, nodes[0]], tags("building=yes note=cut_off"))
    draft.way_of(nodes[3:], tags("highway=path"))
    half = draft.way(frame.all([(40, 0), (80, 0), (80, 30)]), {})
    draft.relation([("w", half, "outer")], tags("type=multipolygon landuse=forest"))
    ring = draft.area(frame.all(rectangle(100, 0, 40, 30)), {})
    lost = [("w", ring, "outer"), ("w", MISSING_WAY, "outer")]
    draft.relation(lost, tags("type=multipolygon natural=water"))
    bowtie = frame.all([(160, 0), (190, 20), (190, 0), (160, 20)])
    draft.area(bowtie, tags("building=yes"))
    for _ in range(2):  # the same house, mapped twice
        draft.area(frame.all(rectangle(210, 0, 12, 9)), tags("building=house"))
    draft.area(frame.all(ellipse(260, 20, 24, 16)), tags("leisure=track area=no sport=running"))
    draft.area(frame.all(ellipse(330, 20, 14, 14)),
               tags("highway=tertiary junction=roundabout oneway=yes"))  # fmt: skip
    odd = tags("building=yes height=tall width=abc building:levels=many building:colour=javascript")
    odd |= {"name": "<script>alert('Fish & Chips')</script> \U0001f41f"}
    draft.area(frame.all(rectangle(370, 0, 14, 10)), odd)
    long_text = tags("natural=tree", description="old " * 60, fixme="position", note='"estimated"')
    draft.node(frame.at(400, 8), long_text)
    draft.node(frame.at(410, 8), tags("unheard_of=thing source=bing created_by=JOSM"))


def draw_hidden(draft: Draft) -> None:
    """Draw what no image shows: a subway, a tunnel, cellars; and areas that only a law sees."""
    line = [TOWN.at(u / 2, -5.4) for u in range(-9, 17)]
    draft.way(line, tags("railway=subway tunnel=yes layer=-2"))
    draft.node(TOWN.at(0.5, -5.4), tags("railway=subway_entrance"))
    tunnel = [(-7700.0, 4300.0), (-8100.0, 4500.0), (-8500.0, 4800.0)]
    draft.way(tunnel, tags("highway=unclassified tunnel=yes layer=-1"))
    park = [TOWN.at(-0.4, -0.5), TOWN.at(0.0, -0.5), TOWN.at(0.0, -0.2), TOWN.at(-0.4, -0.2)]
    draft.area(park, tags("amenity=parking parking=underground layer=-1"))
    culvert = [(-1350.0, -300.0), (-1250.0, -310.0), (-1050.0, -330.0)]
    draft.way(culvert, tags("waterway=drain tunnel=culvert layer=-1"))
    pipe = [(1000.0, -1500.0), (1500.0, -2600.0), (2500.0, -4000.0)]
    draft.way(pipe, tags("man_made=pipeline location=underwater"))
    border = draft.area(TOWN.outline(-9, -11, 18, 21), {})
    found = tags("type=boundary boundary=administrative admin_level=8", name="Tagtown")
    draft.relation([("w", border, "outer")], found)
    for i, shop in enumerate(("bakery", "books", "hairdresser", "clothes", "florist", "optician")):
        draft.node(TOWN.at(-1.2 + 0.5 * i, 0.13), tags(f"shop={shop}", opening_hours="Mo-Sa 9-18"))
    draft.node(TOWN.at(0.2, 0.2), tags("place=town population=9800", name="Tagtown"))
