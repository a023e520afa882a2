"""Extract against the decode floor, osmium-tool, GDAL and pyosmium, interleaved in one run.

Run with ``pytest -m bench -s tests/bench/bench_extract.py``. The machine may be busy, so user CPU
seconds count, of all processes; a peer that is not installed is left out. Ours is sorted, checked
Parquet, made by a run with one worker and with two.
"""

import shutil

import pytest

from tests.bench.extract_peers import commands, measured, replicated
from tests.bench.record import record

ROUNDS = 2


def compare(path, folder, rounds, leave=()):
    """Run every peer ``rounds`` times in turn; print and give the round with the least CPU."""
    peers = {name: command for name, command in commands(path, folder).items() if name not in leave}
    best = {}
    for _ in range(rounds):
        for name, command in peers.items():
            taken = measured(*command)
            best[name] = min(best.get(name, taken), taken)
    print(f"\n{path.name}, {path.stat().st_size / 1e6:,.0f} MB:")
    for name, (user, wall, mb, said) in sorted(best.items(), key=lambda item: item[1]):
        print(f"  {name:10} {user:8.2f} user s  {wall:8.2f} wall s  {mb:7,.0f} MB  {said}")
    return best


@pytest.mark.bench
def test_29_areas(tmp_path, shared_data):
    measured(*commands(shared_data / "osm/monaco.osm.pbf", tmp_path)["ours"])  # compiles
    best = compare(shared_data / "osm/merged_29_areas.osm.pbf", tmp_path, ROUNDS)
    what = "`extract`, 29 areas (20 MB), sorted and checked"
    for name, against in (
        ("objects", "the same rows, object by object"),
        ("processor", "pyosmium FileProcessor writing Parquet"),
        ("tool", "osmium tags-filter + export"),
        ("gdal", "GDAL's OSM driver, by pyogrio"),
    ):
        if name in best:
            ratio = best[name].user / best["ours"].user
            record(f"extract_{name}", what=what, against=against, ratio=ratio)


@pytest.mark.bench
def test_a_gigabyte_and_a_quarter_of_it(tmp_path, shared_data):
    if not shutil.which("osmium"):
        pytest.skip("osmium-tool writes the large file")
    source, found = shared_data / "osm/merged_29_areas.osm.pbf", []
    for times in (13, 52):
        path = replicated(source, tmp_path, times)
        found.append(compare(path, tmp_path, 1, leave=("objects", "processor", "gdal")))
    small, large = (best["ours"] for best in found)
    print(f"peak memory of ours: {small.mb:,.0f} MB, then {large.mb:,.0f} MB at 4 x the input")
