"""The child that reads: each way of dying is one sentence."""

import signal
from pathlib import Path

import pytest

from pipeline.child import ChildDiedError
from pipeline.errors import InputError, SkyScriptError, StorageError
from skyscript.osm.crash import where_it_crashes
from stages.extract import reading as osm_reading
from stages.extract.reading import Reading, read_files
from tests.conftest import TOWN
from tests.stages.extract.test_bad_files import make_nul_in_tag


def dies(exit_code):
    def run_in_child(*_):
        raise ChildDiedError(exit_code, (0, 0))

    return run_in_child


@pytest.mark.parametrize(
    ("exit_code", "error", "words"),
    [
        (-signal.SIGKILL, InputError, "was killed, most likely because memory ran out: set"),
        (-signal.SIGBUS, StorageError, "the disk is full, or was lost, while .*town"),
        (-signal.SIGABRT, InputError, "crashed with SIGABRT, but every single object can be read"),
        (1, SkyScriptError, r"ended without a result \(exit code 1\)"),
    ],
)
def test_each_death_of_the_reader_has_its_sentence(tmp_path, monkeypatch, exit_code, error, words):
    monkeypatch.setattr(osm_reading, "run_in_child", dies(exit_code))
    with pytest.raises(error, match=words) as raised:
        read_files(Reading([(TOWN, "osm.pbf")], ["building"]), tmp_path)
    assert str(TOWN) in str(raised.value)


def test_the_place_of_a_crash_is_found_only_where_there_is_one(tmp_path):
    assert where_it_crashes(make_nul_in_tag(tmp_path), "osm.pbf") == "node 2"
    assert where_it_crashes(TOWN, "osm.pbf") is None
    assert where_it_crashes(Path("nowhere"), "osm.pbf") is None
