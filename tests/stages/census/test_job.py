"""The census of OSM files: totals that add up, tags, cells, and what sources cover."""

from collections import Counter

import numpy as np
import osmium
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

import tag_vocab
from pipeline.errors import InputError
from skyscript.backends.registry import Sources
from skyscript.osm import places
from stages.census import CensusConfig, census, counts
from stages.outlines import OutlinesConfig
from tests.conftest import TOWN, answered, extracts, skyscript
from tests.skyscript.osm.osm_text import CORNERS, convert, extracted, write_opl
from tests.stages.sampling import eligible

pytestmark = pytest.mark.slow


def counted(paths, out, sources=None, **config):
    given: Sources = OutlinesConfig.model_validate({"sources": sources or {}}).sources
    events = []
    done = census(paths, out, CensusConfig(**config), given, events.append)
    return done, events


def rows(out, name):
    return pq.read_table(out / f"{name}.parquet").to_pylist()


def tags(out):
    return {f"{row['key']}={row['value']}": row for row in rows(out, "tags")}


@pytest.fixture
def small(tmp_path):
    return write_opl(
        tmp_path / "small.opl",
        CORNERS,
        """\
        n10 Tnatural=tree,name=Oak x7.005 y43.005
        n11 Tnatural=tree,tunnel=yes x7.005 y43.005
        n12 Tname=Nowhere x7.005 y43.005
        n13 Tnatural=tree
        w1 Tbuilding=yes Nn1,n2,n3,n4,n1
        w2 Thighway=path Nn1,n99
        w5 Thighway=path Nn99,n1,n2
        w3 Tname=Only Nn1,n2
        w4 Nn1,n2
        r1 Ttype=multipolygon,landuse=forest Mw1@outer
        r2 Ttype=route,highway=path Mw1@
        """,
    )


def test_every_object_that_was_read_is_counted_rejected_or_not_wanted(small, tmp_path):
    done, _ = counted([small], tmp_path / "out")
    assert done.totals == {
        ("node", "counted", ""): 2,
        ("node", "rejected", places.NO_PLACE): 1,
        ("node", "not wanted", counts.NO_KEY): 1,
        ("node", "not wanted", places.NO_TAG): 7,
        ("way", "counted", ""): 1,
        ("way", "rejected", places.NO_NODES): 2,
        ("way", "not wanted", counts.NO_KEY): 1,
        ("way", "not wanted", places.NO_TAG): 1,
        ("relation", "counted", ""): 1,
        ("relation", "rejected", places.NOT_AREA): 1,
    }
    assert done.totals.total() == sum(1 for _ in osmium.FileProcessor(str(small)))
    assert sum(row["objects"] for row in rows(tmp_path / "out", "totals")) == 18
    assert "read        18 objects: 11 nodes, 5 ways, 2 relations" in done.lines


def test_tags_are_counted_by_kind_and_free_text_by_key_alone(small, tmp_path):
    counted([small], tmp_path)
    found = tags(tmp_path)
    assert found["natural=tree"] == {
        **{"key": "natural", "value": "tree", "n": 2, "w": 0, "a": 0, "r": 0, "objects": 2}
    }
    assert found["building=yes"]["a"] == 1
    assert found["landuse=forest"]["r"] == 1
    assert found["name=*"]["objects"] == 1
    assert not any(name.startswith("name=O") for name in found)


def test_cells_hold_objects_at_the_centres_of_their_boxes_and_count_the_visible_ones(
    small, tmp_path
):
    counted([small], tmp_path)
    assert rows(tmp_path, "cells") == [
        {"x": 700, "y": 4300, "n": 2, "w": 0, "a": 1, "r": 0, "objects": 3, "visible": 2}
    ]
    counted([small], tmp_path, cell_degrees=0.001)
    found = {(row["x"], row["y"]): row["objects"] for row in rows(tmp_path, "cells")}
    assert found == {(7005, 43005): 2, (7000, 43000): 1}


@pytest.mark.parametrize("path", extracts("monaco"))
def test_the_census_agrees_with_an_extract(tmp_path, path):
    done, _ = counted([path], tmp_path / "census")
    table = extracted(path, tmp_path)
    some = [row for row in table.to_pylist() if row["status"] == "ok"]
    cells = Counter(
        (int(np.floor(x / 0.01)), int(np.floor(y / 0.01)), row["kind"])
        for row in some
        for x, y in [((row["west"] + row["east"]) / 2, (row["south"] + row["north"]) / 2)]
        if row["kind"] != "r"
    )
    found = Counter(
        {
            (row["x"], row["y"], kind): row[kind]
            for row in rows(tmp_path / "census", "cells")
            for kind in "nwa"
            if row[kind]
        }
    )
    # what only geometries tell: areas without a surface, ways that stand for their multipolygon
    assert cells <= found
    assert (found - cells).total() <= 0.005 * cells.total()
    rejected = sum(n for (_, what, _), n in done.totals.items() if what == "rejected")
    kept = sum(n for (_, what, _), n in done.totals.items() if what == "counted")
    assert kept + rejected == len(table)
    assert done.totals.total() == sum(1 for _ in osmium.FileProcessor(str(path)))


def test_old_spellings_of_several_tags_count_as_what_they_stand_for(tmp_path):
    old = {"amenity": "vending_machine", "vending": "parcel_pickup"}
    assert tag_vocab.never_visible("vending")
    file = write_opl(
        tmp_path / "old.opl", "n1 Tamenity=vending_machine,vending=parcel_pickup x7 y43"
    )
    [row] = (counted([file], tmp_path), rows(tmp_path, "cells"))[1]
    assert row["visible"] == (tag_vocab.SHIPPED.max_gsd(old) is not None)


@pytest.mark.parametrize("path", extracts("monaco"))
def test_visible_objects_are_those_that_may_get_a_tile(tmp_path, path):
    counted([path], tmp_path / "census")
    table = extracted(path, tmp_path)
    found = pa.concat_tables(eligible(ds.dataset(table)))
    fits = pc.and_(pc.equal(found["status"], "ok"), pc.not_equal(table["kind"], "r"))
    visible = sum(row["visible"] for row in rows(tmp_path / "census", "cells"))
    assert visible == pytest.approx(pc.sum(fits).as_py(), rel=0.005)


def test_counts_that_do_not_fit_into_memory_are_added_up_all_the_same(tmp_path, monkeypatch):
    counted([TOWN], tmp_path / "one")
    monkeypatch.setattr(counts, "MOST", 100)
    monkeypatch.setattr(places, "BATCH", 7)
    counted([TOWN], tmp_path / "two")
    for name in ("tags", "cells", "totals"):
        assert rows(tmp_path / "one", name) == rows(tmp_path / "two", name)


def test_files_in_another_format_and_files_together_count_the_same(small, tmp_path):
    other = convert(small, tmp_path / "small.osm.pbf")
    counted([small], tmp_path / "one")
    counted([other], tmp_path / "pbf")
    assert rows(tmp_path / "one", "tags") == rows(tmp_path / "pbf", "tags")
    done, _ = counted([small, other], tmp_path / "both")
    assert done.totals.total() == 36
    assert tags(tmp_path / "both")["natural=tree"]["n"] == 4


def test_what_sources_cover_of_the_cells(small, tmp_path):
    sources = {
        "SIM": {"backend": "simulated", "gsd": [0.5]},
        "S2": {"backend": "stac"},
        "US": {"backend": "stac"},
    }
    done, _ = counted([small], tmp_path, sources)
    found = {row.pop("source"): row for row in rows(tmp_path, "coverage")}
    assert found["SIM"] == {"finest_gsd": 0.5, "cells": 1, "objects": 3, "shown": 2}
    assert found["S2"] == {"finest_gsd": 10.0, "cells": 1, "objects": 3, "shown": 0}
    assert (found["US"]["cells"], found["US"]["objects"]) == (0, 0)
    assert any(line.startswith("SIM         covers 1 of these cells") for line in done.lines)
    counted([small], tmp_path, sources, gsd_slack=30)
    assert rows(tmp_path, "coverage")[0]["shown"] == 2


def test_progress_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr("stages.census.job.REPORT_EVERY", 1000)
    done, events = counted([TOWN], tmp_path)
    assert [event.done for event in events] == sorted(event.done for event in events)
    assert len(events) > 2
    assert events[-1].done <= done.totals.total()
    assert events[0].task == TOWN.name


@pytest.mark.parametrize("case", ["bad_coordinate", "nan_coordinate", "osm_id_too_large"])
def test_a_file_with_an_impossible_object_is_named(tmp_path, shared_data, case):
    path = shared_data.parent / f"cases/osm/{case}.osm"
    with pytest.raises(InputError, match=case):
        counted([path], tmp_path / "out")


@pytest.mark.parametrize("name", ["none.osm.pbf", "note.txt", "broken.osm.pbf"])
def test_a_file_that_cannot_be_read_is_named(tmp_path, name):
    if name != "none.osm.pbf":
        (tmp_path / name).write_bytes(b"no map")
    with pytest.raises(InputError, match=name):
        counted([tmp_path / name], tmp_path / "out")
    assert not (tmp_path / "out" / "tags.parquet").exists()


@pytest.mark.slow
def test_the_command_prints_the_summary_and_takes_the_sources_of_a_run(small, tmp_path):
    config = tmp_path / "run.yaml"
    config.write_text("extract: {path: small.opl}\nsources: {SIM: {backend: simulated}}\n")
    out = tmp_path / "out"
    done = skyscript("census", small, "--out", out, "--config", config)
    assert done.returncode == 0, done.stderr
    assert "read        18 objects" in done.stdout
    assert "SIM         covers 1 of these cells" in done.stdout
    assert done.stdout == (out / "summary.txt").read_text()
    refused = answered("census", tmp_path / "none.pbf", "--out", out)
    assert refused.returncode == 2
    assert "none.pbf" in refused.stderr


def test_a_cell_is_ten_degrees_at_most():
    assert CensusConfig(cell_degrees=10).cell_degrees == 10
    with pytest.raises(ValidationError, match="less than or equal to 10"):
        CensusConfig(cell_degrees=10.5)
