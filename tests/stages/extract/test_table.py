"""The table of objects is GeoParquet 1.1; repaired multipolygons are marked."""

import duckdb
import pyarrow.parquet as pq
import pytest
import shapely

from stages.extract.boxes import REPAIRED
from tests.conftest import TOWN
from tests.skyscript.osm.osm_text import CORNERS, by_id, extracted, write_opl


@pytest.mark.slow
def test_geopandas_reads_the_table_and_only_what_lies_in_a_box(tmp_path):
    geopandas = pytest.importorskip("geopandas")
    table = extracted(TOWN, tmp_path)
    pq.write_table(table, tmp_path / "objects.parquet")
    frame = geopandas.read_parquet(tmp_path / "objects.parquet")
    assert frame.crs == "OGC:CRS84"
    assert len(frame) == len(table)
    west, south, east, north = frame.total_bounds
    box = (west, south, (west + east) / 2, (south + north) / 2)
    part = geopandas.read_parquet(tmp_path / "objects.parquet", bbox=box)
    assert 0 < len(part) < len(frame)
    expected = frame[frame.geometry.notna() & shapely.intersects(frame.envelope, shapely.box(*box))]
    assert set(part["object_id"]) == set(expected["object_id"])


@pytest.mark.slow
def test_duckdb_reads_the_geometries(tmp_path):
    table = extracted(TOWN, tmp_path)
    pq.write_table(table, tmp_path / "objects.parquet")
    with duckdb.connect() as connection:
        connection.read_parquet(str(tmp_path / "objects.parquet")).create_view("objects")
        kinds = connection.sql("SELECT DISTINCT typeof(geometry) FROM objects").fetchall()
        boxes = connection.sql(
            "SELECT count(*) FROM objects WHERE bbox.xmin = west AND bbox.ymax = north"
        ).fetchall()
    assert kinds == [("GEOMETRY('OGC:CRS84')",)]
    assert boxes == [(len(table["geometry"].drop_null()),)]


@pytest.mark.slow
def test_a_multipolygon_whose_rings_cross_is_repaired_and_marked_if_the_config_says_so(tmp_path):
    path = write_opl(
        tmp_path / "crossing.opl",
        CORNERS,
        """
        w16 Nn1,n3,n2,n4,n1
        w18 Nn1,n2,n3
        r1 Ttype=multipolygon,building=yes Mw16@outer
        r2 Ttype=multipolygon,building=yes Mw18@outer
        """,
    )
    plain = by_id(extracted(path, tmp_path))
    assert plain["r1"]["reason"] == "rings of the relation cross or repeat"
    rows = by_id(extracted(path, tmp_path, repair="even_odd"))
    assert rows["r1"]["geom_rule"] == f"type=multipolygon, {REPAIRED}"
    assert shapely.from_wkb(rows["r1"]["geometry"]).area == pytest.approx(0.001**2 / 2)
    assert rows["r2"] == plain["r2"]
