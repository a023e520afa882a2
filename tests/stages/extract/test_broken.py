"""Objects that cannot be used, each with its reason."""

import pytest

from skyscript.osm.rejected import NODES_MISSING
from stages.extract import geometries
from stages.extract import rows as osm_rows
from tests.skyscript.osm.osm_text import CORNERS, by_id, extracted, write_opl

BROKEN = {
    "n20 Tnatural=tree": ("n20", osm_rows.NO_PLACE),
    "n-3 Tnatural=tree x7 y43": ("n-3", osm_rows.NOT_POSITIVE),
    "w20 Thighway=path Nn1,n99": ("w20", osm_rows.NO_NODES),
    "w27 Thighway=path Nn99,n1,n2,n3": ("w27", osm_rows.NO_NODES),
    "w28 Thighway=path Nn1,n2,n3,n99,n98": ("w28", osm_rows.NO_NODES),
    "w29 Thighway=path Nn1,n99,n2,n3": ("w29", osm_rows.NO_NODES),
    "w30 Thighway=path Nn98,n99,n1": ("w30", osm_rows.NO_NODES),
    "w31 Tbuilding=yes Nn99,n1,n2,n3,n99": ("a31", osm_rows.NO_NODES),
    "n21 Tnatural=tree x200 y43": ("n21", osm_rows.NO_PLACE),
    "w32 Thighway=path Nn1,n21": ("w32", osm_rows.NO_NODES),
    "w33 Tbuilding=yes Nn1,n2,n3,n2,n1": ("a33", geometries.NO_SURFACE),
    "w21 Tbuilding=yes Nn1,n2,n99,n1": ("a21", osm_rows.NO_NODES),
    "w22 Thighway=path Nn1": ("w22", osm_rows.FEW_POINTS),
    "w23 Thighway=path N": ("w23", osm_rows.FEW_POINTS),
    "w24 Thighway=path Nn1,n1": ("w24", osm_rows.FEW_POINTS),
    "w25 Tbuilding=yes Nn1,n2,n1": ("a25", geometries.FEW_CORNERS),
    "w26 Tbuilding=yes Nn1,n3,n2,n4,n1": ("a26", "self-intersection"),
    "r20 Ttype=multipolygon,building=yes Mw99@outer": (
        "r20",
        "ways of the relation are not in the extract",
    ),
    "r21 Ttype=multipolygon,building=yes Mn1@label": ("r21", "relation without ways"),
    "r22 Ttype=multipolygon,building=yes Mw18@outer": (
        "r22",
        "rings of the relation do not close",
    ),
    "r23 Ttype=multipolygon,building=yes Mw19@outer": (
        "r23",
        NODES_MISSING,
    ),
    "r24 Ttype=multipolygon,building=yes Mw16@outer": (
        "r24",
        "rings of the relation cross or repeat",
    ),
    "r26 Ttype=multipolygon,building=yes Mw34@outer,w35@outer": (
        "r26",
        NODES_MISSING,
    ),
    "r25 Ttype=site,power=plant Mw16@": ("r25", osm_rows.NOT_AREA),
    "r-4 Ttype=multipolygon,building=yes Mw99@outer": ("r-4", osm_rows.NOT_POSITIVE),
}
NEGATIVE_FIRST = sorted(BROKEN, key=lambda line: (line[0], line[1] != "-"))


@pytest.mark.slow
def test_what_is_broken_comes_out_last_filtered_and_named(tmp_path):
    nodes, ways, relations = (
        [line for line in NEGATIVE_FIRST if line[0] == letter] for letter in "nwr"
    )
    path = write_opl(
        tmp_path / "broken.opl",
        *[line for line in nodes if "n-" in line],
        CORNERS,
        "n8 Tnatural=tree x7 y43",
        *[line for line in nodes if "n-" not in line],
        """
        w16 Nn1,n3,n2,n4,n1
        w18 Nn1,n2,n3
        w19 Nn1,n2,n99,n1
        w34 Nn99,n1,n2,n3
        w35 Nn3,n4,n1
        """,
        *ways,
        *relations,
    )
    table = extracted(path, tmp_path)
    assert table["object_id"][0].as_py() == "n8"
    rows = by_id(table.slice(1))
    assert {(name, row["reason"]) for name, row in rows.items()} == set(BROKEN.values())
    assert {row["status"] for row in rows.values()} == {"filtered"}
    assert all(row["geometry"] is None and row["west"] is None for row in rows.values())
