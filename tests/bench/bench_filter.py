"""The filter on 5.2 million synthetic rows, as many as SkyScript has: seconds and peak memory.

Against the plain way, a pandas table sorted and cut (which sets nothing aside by block).
Run: pytest -m bench -s tests/bench/bench_filter.py. SKYSCRIPT_BENCH_ROWS sets another size.
"""

import os
import subprocess
import sys
import time

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest

pytestmark = pytest.mark.bench

ROWS = int(os.environ.get("SKYSCRIPT_BENCH_ROWS", 5_200_000))
_OURS = """
import resource, sys
from pathlib import Path
from stages.filter import (FilterConfig, filter_csv)
done = filter_csv(Path(sys.argv[1]), Path(sys.argv[2]), FilterConfig(min_per_tag=int(sys.argv[3])))
print(*done.lines(), sep="\\n")
used = resource.getrusage(resource.RUSAGE_SELF)
print(used.ru_utime, used.ru_stime, used.ru_maxrss / 1e6)
"""
_PLAIN = """
import resource, sys
import pandas as pd
rows = pd.read_csv(sys.argv[1])
for percent in (20, 30, 50):
    best = rows.sort_values(["similarity_CLIP_openai", "filepath"], ascending=[False, True])
    best.head(len(rows) * percent // 100).to_csv(f"{sys.argv[2]}/{percent}.csv", index=False)
used = resource.getrusage(resource.RUSAGE_SELF)
print(used.ru_utime, used.ru_stime, used.ru_maxrss / 1e6)
"""


@pytest.fixture(scope="module")
def captions(tmp_path_factory):
    """Titles as SkyScript's repeat: 100,000 distinct ones, the frequent ones most of the rows."""
    draw = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("filter") / "scored.csv"
    title = np.minimum(draw.zipf(1.3, ROWS), 100_000)
    west = draw.integers(-1800, 1800, ROWS) / 10 + draw.uniform(0, 0.09, ROWS)
    south = draw.integers(-600, 700, ROWS) / 10 + draw.uniform(0, 0.09, ROWS)
    sources = np.array(["US", "S2", "CH", "L8"])[draw.integers(0, 4, ROWS)]
    numbers = pa.array(np.arange(ROWS)).cast(pa.string())
    titles = pa.array(title).cast(pa.string())
    join = pa.compute.binary_join_element_wise
    table = pa.table(
        {
            "filepath": join("images2/a", numbers, "_", pa.array(sources), "_20.jpg", ""),
            "title": join("a satellite image of tag ", titles, ""),
            "title_multi_objects": join(
                "a satellite image of tag ", titles, ", near ", numbers, ""
            ),
            "similarity_CLIP_openai": np.float32(draw.normal(0.2, 0.03, ROWS)).round(4),
            "image_hash": pa.array([draw.bytes(8).hex() for _ in range(ROWS)]),
            "west": west,
            "south": south,
            "east": west + 0.003,
            "north": south + 0.003,
        }
    )
    pa.csv.write_csv(table, path)
    return path


def measured(code, *arguments):
    """Run in a process of its own; give what it used, in a line, and what it said."""
    start = time.perf_counter()
    said = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=True,
    )
    seconds = time.perf_counter() - start
    *lines, last = said.stdout.splitlines()
    user, system, peak = map(float, last.split())
    used = f"{user:.1f} s user, {system:.1f} s system, {seconds:.1f} s in all, peak {peak:.2f} GB"
    return f"{used}; load {os.getloadavg()[0]:.0f}", "\n".join(lines)


def test_rows_a_second(captions, tmp_path):
    print(f"\n{ROWS:,} rows")
    for quota in (0, 100):
        (tmp_path / f"{quota}").mkdir()
        used, said = measured(_OURS, captions, tmp_path / f"{quota}", quota)
        print(f"ours, min_per_tag={quota}: {used}\n{said}")
    used, _ = measured(_PLAIN, captions, tmp_path)
    print(f"pandas, top-k only: {used}")
