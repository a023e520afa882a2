"""Overpass, against a local server that answers and fails as the public instances do."""

import json
from collections import deque

import pyarrow.compute as pc
import pytest
import shapely

from pipeline.config import config_of_block
from pipeline.errors import ConfigError, InputError, LockError, RemoteError
from pipeline.identity import cache_file
from pipeline.locks import exclusive_lock
from skyscript.backends.overpass import OverpassConfig, ask_overpass
from skyscript.backends.overpass import client as overpass_client
from skyscript.backends.overpass.query import Tag, area_km2, check_counts, query
from skyscript.geo.tile import Box
from tests.conftest import TOWN, skyscript
from tests.emulators.overpass import Instance
from tests.skyscript.osm.osm_text import CORNERS, by_id, extracted, write_opl

AREA = (-30.08, 45.02, -29.79, 45.16)


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def instance(tmp_path):
    path = write_opl(
        tmp_path / "few.opl",
        CORNERS,
        """
        n8 v2 t2021-05-04T03:02:01Z Tman_made=observatory x7.0005 y43.0005
        n9 Tman_made=mast x7 y43
        w14 Nn1,n2,n3
        w15 Nn3,n4,n1
        r10 v1 Ttype=multipolygon,man_made=observatory Mw14@outer,w15@outer
        """,
    )
    with Instance(path) as running:
        yield running


class Waits(list):
    """Notes how long the client would have slept."""

    def __call__(self, seconds):
        self.append(seconds)


def ask(instance, out, sleep=None, **config):
    config = OverpassConfig(endpoint=instance.url, tags=["man_made=observatory"], **config)
    return ask_overpass(config, out, Waits() if sleep is None else sleep)


def test_a_rare_tag_is_fetched_from_the_whole_world_with_its_relations(instance, tmp_path):
    out = tmp_path / "answer.json"
    assert ask(instance, out, contact="me@example.org") == 2
    rows = by_id(extracted(out, tmp_path))
    assert set(rows) == {"n8", "r10"}
    assert shapely.from_wkb(rows["r10"]["geometry"]).equals(shapely.box(7, 43, 7.001, 43.001))
    assert (rows["n8"]["osm_version"], rows["n8"]["changed"].year) == (2, 2021)
    (agent,) = instance.agents
    assert agent.startswith("SkyScript/")
    assert "me@example.org" in agent
    assert instance.desk.most_at_once == 1


@pytest.mark.slow
def test_an_area_gives_the_objects_that_its_extract_gives(tmp_path):
    with Instance(TOWN) as instance:
        config = OverpassConfig(endpoint=instance.url, bbox=AREA)
        ask_overpass(config, tmp_path / "town.json", Waits())
    ours, theirs = (
        table.filter(pc.field("status") == "ok").select(
            ["object_id", "tags", "geom_rule", "osm_version", "changed", "west", "north"]
        )
        for table in (extracted(tmp_path / "town.json", tmp_path), extracted(TOWN, tmp_path))
    )
    assert len(ours) > 6000
    assert ours.equals(theirs)


def test_the_same_query_is_sent_once(instance, tmp_path):
    ask(instance, tmp_path / "one.json")
    sent = len(instance.desk.calls)
    ask(instance, tmp_path / "two.json")
    assert len(instance.desk.calls) == sent
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()
    ask(instance, tmp_path / "two.json", max_age=0)
    assert len(instance.desk.calls) == 2 * sent
    ask(instance, tmp_path / "three.json", bbox=(7, 43, 8, 44))
    assert len(instance.desk.calls) == 3 * sent


@pytest.mark.parametrize(
    ("fault", "retry_after", "least"),
    [
        ("429", "77", 77),
        ("429", None, 45),  # by the page of the status
        ("429", "3", overpass_client.LEAST_WAIT),
        ("504", None, overpass_client.LEAST_WAIT),
        ("504", "90", 90),
        ("page", None, overpass_client.LEAST_WAIT),
        ("remark", None, overpass_client.LEAST_WAIT),
        ("half", None, 0),
        ("cut", None, 0),
    ],
)
def test_the_client_waits_as_told_and_goes_on(instance, tmp_path, fault, retry_after, least):
    instance.faults.planned = deque([fault])
    instance.retry_after = retry_after
    waits = Waits()
    assert ask(instance, tmp_path / "answer.json", waits) == 2
    (waited,) = waits
    assert least <= waited <= max(least, 1)


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        ("429", RemoteError, r"too many requests \(429\), 6 times: try again later.*geofabrik"),
        ("504", RemoteError, r"overloaded \(504\), 6 times"),
        ("page", RemoteError, "a page instead of data, 6 times"),
        ("half", RemoteError, "cut off, 6 times"),
        ("remark", RemoteError, "Query timed out.*ask for a smaller box.*2 times"),
        ("403", InputError, "say who you are with `contact`"),
    ],
)
def test_a_service_that_goes_on_failing_is_one_sentence(instance, tmp_path, fault, error, words):
    instance.faults.planned = deque([fault] * 9)
    with pytest.raises(error, match=words) as raised:
        ask(instance, tmp_path / "answer.json")
    assert "127.0.0.1" in str(raised.value)
    assert not (tmp_path / "answer.json").exists()
    instance.faults.planned.clear()
    assert ask(instance, tmp_path / "answer.json") == 2  # no wrong answer is kept


def test_a_query_that_the_service_does_not_understand_is_named(instance, tmp_path, monkeypatch):
    monkeypatch.setattr("skyscript.backends.overpass.job.query", lambda *_: "nwr;")
    with pytest.raises(InputError, match=r"does not understand the query .line 1: parse error"):
        ask(instance, tmp_path / "answer.json")
    assert len(instance.desk.calls) == 1


def test_what_is_too_much_for_a_public_service_is_refused_before_it_is_fetched(
    instance, tmp_path, monkeypatch
):
    config = OverpassConfig(endpoint=instance.url, bbox=(6, 45, 11, 48))
    with pytest.raises(InputError, match=r"km².*geofabrik.*extract.path"):
        ask_overpass(config, tmp_path / "answer.json")
    assert not instance.desk.calls
    with pytest.raises(InputError, match=r"1,200,000 such objects, about 300 MB.*geofabrik"):
        check_counts({"nodes": "1200000", "ways": "0", "relations": "0", "total": "1200000"})
    monkeypatch.setattr("skyscript.backends.overpass.query.MOST_BYTES", 1000)
    with pytest.raises(InputError, match="2 such objects"):
        ask(instance, tmp_path / "answer.json")
    assert instance.desk.count("interpreter") == {200: 1}


def test_nothing_found_is_said(instance, tmp_path):
    with pytest.raises(InputError, match="no such object"):
        ask(instance, tmp_path / "answer.json", bbox=(0, 0, 1, 1))


def test_two_jobs_never_run_at_once(instance, tmp_path):
    with (
        exclusive_lock(cache_file().parent / "overpass" / "lock"),
        pytest.raises(LockError, match="wait for it"),
    ):
        ask(instance, tmp_path / "answer.json")


def test_no_service_at_all_is_one_sentence(tmp_path):
    config = OverpassConfig(endpoint="http://127.0.0.1:9", tags=["man_made=mast"])
    with pytest.raises(RemoteError, match="no connection"):
        ask_overpass(config, tmp_path / "answer.json", Waits())


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"bbox": [9, 47, 8, 48]}, "bbox: write west, south, east, north"),
        ({"bbox": [179, -17, -179, -16]}, "crosses 180° in two"),
        ({"tags": ["=yes"]}, "names no key"),
        ({"endpoint": "overpass-api.de"}, "endpoint"),
        ({"contact": "me\r\nX: y"}, "contact"),
    ],
)
def test_a_wrong_job_is_named(given, words):
    with pytest.raises(ConfigError, match=words):
        config_of_block(None, OverpassConfig, given, "overpass")


def test_a_job_needs_a_box_or_tags_and_a_json_file(tmp_path):
    with pytest.raises(ConfigError, match="name a `bbox` or `tags`"):
        ask_overpass(OverpassConfig(), tmp_path / "answer.json")
    with pytest.raises(ConfigError, match=r"ends in \.json"):
        ask_overpass(OverpassConfig(tags=["man_made"]), tmp_path / "answer.osm.pbf")


def test_tags_are_quoted_in_queries():
    text = query([Tag.parse('name=a"b\\c'), Tag.parse("building=*")], Box(1, 2, 3, 4), "count")
    assert "[bbox:2,1,4,3]" in text
    assert 'nwr["building"];' in text
    assert 'nwr["name"="a\\"b\\\\c"];' in text
    assert area_km2(Box(0, 0, 1, 1)) == pytest.approx(12_364, rel=0.01)


@pytest.mark.slow
def test_the_command_writes_a_file_for_extract(instance, tmp_path):
    done = skyscript(
        "overpass",
        "--tags",
        "man_made=observatory",
        "--bbox=-8,40,8,44",
        "--endpoint",
        instance.url,
        "--out",
        tmp_path / "answer.json",
    )
    assert done.returncode == 0, done.stderr
    assert "2 objects" in done.stderr
    assert len(json.loads((tmp_path / "answer.json").read_text())["elements"]) == 2
