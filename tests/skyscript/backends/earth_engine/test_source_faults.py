"""Earth Engine fails, is busy, or refuses the account: what passes, and what stops a run."""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pipeline.errors import InputError
from skyscript.geo.tile import tile_around
from skyscript.imagery.protocol import NeverAvailable, Problem, Scene, TryLater
from tests.emulators.world import naip
from tests.skyscript.backends.earth_engine.conftest import (
    HERE,
    NOTHING,
    Start,
    around,
    backend,
    scene_of,
)

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    "fault", ["429", "crowded", "500", "503", "cut", "garbage", "hang", "slow"]
)
def test_a_fault_that_passes_is_survived(start: Start, tmp_path: Path, fault: str) -> None:
    earth = start(naip(HERE))
    found = backend(earth, tmp_path, longest_answer=0.5)
    scene, tile = scene_of(found), tile_around(*HERE, 100, 100, 0.6)
    wanted = found.cut(scene, tile, NOTHING)
    earth.faults.planned.extend([fault, fault])
    again = found.cut(scene, tile, NOTHING)
    assert again.jpeg == wanted.jpeg
    assert sum(earth.desk.count("getPixels").values()) == 4


def test_too_many_computations_at_once_are_too_many_requests(start: Start, tmp_path: Path) -> None:
    earth = start(naip(HERE))
    found = backend(earth, tmp_path, at_once=12)
    scene = scene_of(found)
    earth.faults.planned.extend(["crowded"] * 5)
    begun = found._connection().quota.at_once()
    assert found.cut(scene, tile_around(*HERE, 100, 100, 0.6), NOTHING).jpeg
    assert earth.desk.count("getPixels") == {400: 5, 200: 1}
    assert found._connection().quota.at_once() < begun


@pytest.mark.parametrize(
    ("kind", "says", "most"),
    [
        ("429", "of the last 200 requests were too many", 201),
        ("503", "of the last 100 requests failed", 101),
    ],
)
def test_a_service_that_is_always_busy_or_down_stops_the_run(
    start: Start, tmp_path: Path, kind: str, says: str, most: int
) -> None:
    earth = start(naip(HERE))
    found = backend(earth, tmp_path)
    scene, tile = scene_of(found), tile_around(*HERE, 50, 50, 0.6)
    earth.faults.share, earth.faults.kinds = 1.0, (kind,)

    def everything() -> None:
        for _ in range(100):
            with pytest.raises(TryLater):
                found.cut(scene, tile, NOTHING)

    with pytest.raises(InputError, match=says):
        everything()
    assert sum(earth.desk.count("getPixels").values()) <= most


def test_many_threads_that_are_refused_a_token_ask_for_it_once(
    start: Start, tmp_path: Path
) -> None:
    earth = start(naip(HERE))
    found = backend(earth, tmp_path)
    scene = scene_of(found)
    before = sum(earth.desk.count("token").values())
    earth.tokens.clear()
    earth.revoked = True

    def refused(_: int) -> bool:
        with pytest.raises(InputError, match=r"invalid_grant.*earthengine authenticate"):
            found.cut(scene, tile_around(*HERE, 100, 100, 0.6), NOTHING)
        return True

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(refused, range(60)))
    assert sum(earth.desk.count("token").values()) - before == 1


def test_a_fault_that_stays_ends_after_six_attempts(start: Start, tmp_path: Path) -> None:
    earth = start(naip(HERE))
    found = backend(earth, tmp_path)
    scene = scene_of(found)
    earth.faults.planned.extend(["503"] * 20)
    with pytest.raises(TryLater, match=r"Earth Engine failed \(503\), 6 times") as caught:
        found.cut(scene, tile_around(*HERE, 100, 100, 0.6), NOTHING)
    assert caught.value.problem is Problem.DOWN
    assert earth.desk.count("getPixels") == {503: 6}


@pytest.mark.parametrize("fault", ["memory", "timeout"])
def test_a_computation_that_is_too_large_is_tried_twice(
    start: Start, tmp_path: Path, fault: str
) -> None:
    earth = start(naip(HERE))
    found = backend(earth, tmp_path)
    scene = scene_of(found)
    earth.faults.planned.extend([fault] * 20)
    with pytest.raises(TryLater, match=r"Earth Engine answered 400.*, 2 times") as caught:
        found.cut(scene, tile_around(*HERE, 100, 100, 0.6), NOTHING)
    assert caught.value.problem is Problem.TOO_HEAVY
    assert earth.desk.count("getPixels") == {400: 2}


def test_what_can_never_work_is_asked_once(start: Start, tmp_path: Path) -> None:
    earth = start(naip(HERE))
    found = backend(earth, tmp_path)
    scene = scene_of(found)
    gone = Scene(**{**vars(scene), "name": "USDA/NAIP/DOQQ/none"})
    with pytest.raises(NeverAvailable, match="404"):
        found.cut(gone, tile_around(*HERE, 100, 100, 0.6), NOTHING)
    with pytest.raises(NeverAvailable, match="Total request size"):
        found.cut(scene, tile_around(*HERE, 8000, 8000, 0.6), NOTHING)
    assert earth.desk.count("getPixels") == {404: 1, 400: 1}


def test_a_token_that_ran_out_is_renewed(start: Start, tmp_path: Path) -> None:
    earth = start(naip(HERE))
    found = backend(earth, tmp_path)
    scene, tile = scene_of(found), tile_around(*HERE, 100, 100, 0.6)
    earth.tokens.clear()
    found.cut(scene, tile, NOTHING)
    assert earth.desk.count("token") == {200: 2}


def test_an_account_that_is_gone_stops_the_run_and_says_what_to_do(
    start: Start, tmp_path: Path
) -> None:
    earth = start(naip(HERE))
    found = backend(earth, tmp_path)
    scene = scene_of(found)
    earth.tokens.clear()
    earth.revoked = True
    with pytest.raises(InputError, match=r"invalid_grant.*earthengine authenticate"):
        found.cut(scene, tile_around(*HERE, 100, 100, 0.6), NOTHING)


def test_a_project_that_is_not_ours_stops_the_run(start: Start, tmp_path: Path) -> None:
    earth = start(naip(HERE))
    with pytest.raises(InputError, match=r"permission to use project other-project.*registered"):
        backend(earth, tmp_path, project="other-project").search("US", around(HERE))


def test_no_account_at_all_gives_one_sentence(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    earth = start(naip(HERE))
    for name in ("HOME", "CLOUDSDK_CONFIG"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    with pytest.raises(InputError, match="no Earth Engine account on this machine: run"):
        backend(earth, tmp_path, service_account=None).search("US", around(HERE))


def test_a_file_that_is_no_key_is_named(start: Start, tmp_path: Path) -> None:
    earth = start(naip(HERE))
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(InputError, match=r"other.json: not the key file of a service account"):
        backend(earth, tmp_path, service_account=tmp_path / "other.json").search("US", around(HERE))


def test_a_restricted_project_is_asked_for_little(start: Start, tmp_path: Path) -> None:
    earth = start(naip(HERE))
    found = backend(earth, tmp_path)
    scene = scene_of(found)
    earth.faults.restricted = True
    found.cut(scene, tile_around(*HERE, 100, 100, 0.6), NOTHING)
    assert found._connection().quota.at_once() <= 4


def test_an_address_where_nobody_answers_gives_one_sentence(start: Start, tmp_path: Path) -> None:
    earth = start(naip(HERE))
    with pytest.raises(InputError, match=r"http://127.0.0.1:9 cannot be used now: the connection"):
        backend(earth, tmp_path, endpoint="http://127.0.0.1:9").search("US", around(HERE))


def test_without_the_client_the_way_to_get_it_is_named(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = backend(start(naip(HERE)), tmp_path)
    monkeypatch.setitem(sys.modules, "ee", None)
    with pytest.raises(InputError, match=r"pip install 'skyscript\[ee\]'"):
        found.search("US", around(HERE))
