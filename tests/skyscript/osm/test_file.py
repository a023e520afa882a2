"""An OSM file in no order: a sorted copy is read, if it is small enough to be sorted here."""

import pytest

from pipeline.errors import InputError
from skyscript.osm import file as osm_file
from skyscript.osm.file import OsmFile
from tests.skyscript.osm.osm_text import write_opl


def sorted_ids(path, folder):
    """Let a file be sorted, and give the ids of its objects as they are then read."""
    osm = OsmFile(path, folder, "opl")
    osm.not_in_order().make_copy()
    return [thing.id for thing in osm.things()]


def test_a_file_is_sorted_up_to_a_size(tmp_path, monkeypatch):
    path = write_opl(tmp_path / "a.opl", "n2 x7 y43", "n1 x7 y43", "n2 v2 x8 y43")
    monkeypatch.setattr(osm_file, "SORT_UP_TO", path.stat().st_size)
    assert sorted_ids(path, tmp_path) == [1, 2]
    monkeypatch.setattr(osm_file, "SORT_UP_TO", path.stat().st_size - 1)
    with pytest.raises(InputError, match="too large to be sorted here"):
        sorted_ids(path, tmp_path)
