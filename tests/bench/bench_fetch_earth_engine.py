"""Fetching from Earth Engine: throughput, requests and refusals, on an emulator with its quotas.

The emulator runs in a process of its own and takes half a second for every answer. Beside it, in
the same run, the plain way: getDownloadURL and a pool of threads, with the client's own retries.
"""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from pipeline.stage import Shard
from skyscript.backends.earth_engine.account import _connect
from stages import tables
from stages.fetch import FetchConfig, fetch
from stages.index import IndexConfig, index
from tests.bench.record import record
from tests.emulators.earth_engine import EarthEngine
from tests.emulators.faults import Faults
from tests.emulators.world import naip
from tests.stages.fetch.conftest import HERE, focus, images, source, tiles

LATENCY, CAP, RATE = 0.5, 40, 100
TILES, SMALL_RUN, PLAIN_TILES = 3200, 1000, 300
SCENE = "US/m_0_20140613"
SETTLED = 10.0
"""Seconds after which the number of requests at once has found its place."""
NO_OBJECTS = ds.dataset(tables.OBJECTS.schema.empty_table())


def serve(pipe: Connection, faults: Faults) -> None:
    with EarthEngine(naip(HERE), faults=faults) as earth:
        pipe.send(earth.url)
        while pipe.recv() == "calls":
            pipe.send((earth.desk.calls, earth.desk.most_at_once, Counter(earth.asked)))


@dataclass
class Remote:
    """The emulator in its own process, as far as the benchmark asks it."""

    url: str
    pipe: Connection

    def account(self) -> tuple[Any, int, Counter[tuple[str, str]]]:
        self.pipe.send("calls")
        answer: tuple[Any, int, Counter[tuple[str, str]]] = self.pipe.recv()
        return answer


@contextmanager
def earth_engine(**faults: Any) -> Iterator[Remote]:
    here, there = get_context("spawn").Pipe()
    process = get_context("spawn").Process(
        target=serve, args=(there, Faults(latency=LATENCY, rate=RATE, **faults))
    )
    process.start()
    try:
        yield Remote(here.recv(), here)
    finally:
        here.send("end")
        process.join()


def ours(earth: Remote, folder: Path, count: int, **fields: Any) -> tuple[float, pa.Table]:
    sources = {"US": source(earth, folder, at_once=CAP, a_second=95, **fields)}  # type: ignore[arg-type]
    indexing = IndexConfig.model_validate({"sources": sources})
    scenes = ds.dataset(pa.concat_tables(index(focus(), config=indexing, root=folder)))
    settings = FetchConfig.model_validate({"sources": sources})
    start = time.perf_counter()
    table = fetch(tiles(count, SCENE), scenes, NO_OBJECTS, config=settings, shard=Shard(0, folder))
    return time.perf_counter() - start, table


def plain(earth: Remote, folder: Path, count: int) -> float:
    """Fetch as most tools do: two requests a tile, 40 threads, the client's own retries."""
    import ee
    import requests

    ours(earth, folder, 1)  # to sign in
    credentials = ee.data._get_state().credentials
    _connect.cache_clear()
    ee.Reset()
    ee.Initialize(credentials, url=earth.url, project="toy-project")
    asset = ee.Image("USDA/NAIP/DOQQ/m_0_20140613")
    given = tiles(count, SCENE).column("candidates").to_pylist()

    def one(candidates: list[dict[str, Any]]) -> None:
        box = candidates[0]
        region = ee.Geometry.Rectangle(
            [box["west"], box["south"], box["east"], box["north"]], "EPSG:4326", False
        )
        url = asset.getDownloadURL(
            {
                "bands": ["R", "G", "B"],
                "region": region,
                "dimensions": [box["width"], box["height"]],
                "crs": "EPSG:3857",
                "format": "NPY",
            }
        )
        for _ in range(6):
            answer = requests.get(url, timeout=60)
            if answer.ok:
                return
            time.sleep(1)
        raise AssertionError(answer.text)

    start = time.perf_counter()
    with ThreadPoolExecutor(CAP) as pool:
        list(pool.map(one, given))
    ee.Reset()
    return time.perf_counter() - start


def settled(calls: Any) -> Counter[int]:
    pixels = [call for call in calls if call.method == "getPixels"]
    begin = min(call.at for call in pixels) + SETTLED
    return Counter(call.status for call in pixels if call.at > begin)


def report(name: str, count: int, seconds: float, calls: Any, ideal: float) -> None:
    made = Counter(
        call.status for call in calls if "Pixels" in call.method or "Thumb" in call.method
    )
    total = sum(made.values())
    print(
        f"{name}: {count / seconds:.1f} tiles/s, {count / seconds / ideal:.1%} of the ideal "
        f"{ideal:.0f}/s; {total / count:.3f} requests a tile; "
        f"{made[429] / total:.2%} answered 429"
    )


@pytest.mark.bench
def test_throughput_under_the_quota(tmp_path: Path) -> None:
    ideal = min(CAP / LATENCY, RATE)
    print()
    with earth_engine(cap=CAP) as earth:
        took, table = ours(earth, tmp_path / "ours", TILES)
        calls, most, _ = earth.account()
        report("ours", TILES, took, calls, ideal)
        late = settled(calls)
        print(f"  at most {most} at once; once settled {late[429] / sum(late.values()):.2%} 429")
        assert set(table.column("status").to_pylist()) == {"ok"}
    with earth_engine(cap=CAP // 2) as earth:
        seconds, _ = ours(earth, tmp_path / "half", TILES // 2)
        calls, most, _ = earth.account()
        report(
            "ours, where the project has half of the quota", TILES // 2, seconds, calls, ideal / 2
        )
        late = settled(calls)
        print(f"  at most {most} at once; once settled {late[429] / sum(late.values()):.2%} 429")
    with earth_engine(cap=CAP) as earth:
        seconds = plain(earth, tmp_path / "plain", PLAIN_TILES)
        calls, _, _ = earth.account()
        report("getDownloadURL and 40 threads", PLAIN_TILES, seconds, calls, ideal)
    what = f"`fetch` from an emulated Earth Engine, {LATENCY} s an answer, its quotas"
    rate = PLAIN_TILES / seconds
    against = f"getDownloadURL, {CAP} threads"
    record("fetch_earth_engine", what=what, against=against, ratio=TILES / took / rate)


@pytest.mark.bench
@pytest.mark.parametrize("share", [0.0, 0.1, 0.3])
def test_a_run_of_a_thousand_tiles(tmp_path: Path, share: float) -> None:
    """Small runs, too, use the quota from the start; failed requests are repeated, and no more."""
    with earth_engine(cap=CAP, share=share) as earth:
        ours(earth, tmp_path / "sign in", 1)
        before = len(earth.account()[0])
        seconds, table = ours(earth, tmp_path / "run", SMALL_RUN)
        calls, most, _ = earth.account()
        print()
        # A failed request takes a slot as long as one that succeeds.
        ideal = min(CAP / LATENCY, RATE) * (1 - share)
        report(f"{share:.0%} fail at random", SMALL_RUN, seconds, calls[before:], ideal)
        made = Counter(call.status for call in calls[before:] if call.method == "getPixels")
        needed = SMALL_RUN / (1 - share)
        print(
            f"  at most {most} at once; {made.total() / needed:.3f} of the requests needed; {made}"
        )
        states = Counter(table.column("status").to_pylist())
        print(f"  {dict(states)}")


@pytest.mark.bench
def test_a_fifth_of_the_requests_failing(tmp_path: Path) -> None:
    count = TILES // 2
    with earth_engine(cap=CAP, share=0.2) as earth:
        seconds, table = ours(earth, tmp_path / "run", count)
        calls, _, asked = earth.account()
        print()
        report("a fifth fails at random", count, seconds, calls, min(CAP / LATENCY, RATE))
        states = Counter(table.column("status").to_pylist())
        reasons = Counter(reason for reason in table.column("reason").to_pylist() if reason)
        print(f"  {dict(states)}, {dict(reasons)}")
        assert len(table) == count == len(set(table.column("object_id").to_pylist()))
        assert len(images(tmp_path / "run")) == states["ok"]
        assert threading.active_count() < 20
        assert len(asked) >= states["ok"]
