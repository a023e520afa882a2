"""Pairs whose image does not certainly show what its caption names can be dropped."""

import json

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from pipeline.errors import InputError
from stages import tables
from stages.filter import FILTER, FilterConfig, filter_csv
from tests.stages.test_filter import all_for_training, pairs, read, write

COUNT = 10
PATHS = [f"images2/a{number}_US_20.jpg" for number in range(COUNT)]
FILE = "SkyScript_train_top100pct_filtered_by_CLIP_openai.csv"


def truth_rows():
    """Images 0 to 4 show what their captions name; 5 shows half of it; 9 is not in the table."""
    for number, path in enumerate(PATHS[:9]):
        verdicts = {"church": "yes", "cemetery": "yes" if number < 5 else "unknown"}
        for name, verdict in verdicts.items():
            yield {"filepath": path, "concept": name, "focus": True, "verdict": verdict}
        yield {"filepath": path, "concept": "road", "focus": False, "verdict": "no"}


@pytest.fixture
def captions(tmp_path):
    return write(tmp_path / "in.csv", pairs(COUNT, lambda number: number / 10))


@pytest.fixture
def table(tmp_path):
    pq.write_table(pa.Table.from_pylist(list(truth_rows())), tmp_path / "truth.parquet")
    return tmp_path / "truth.parquet"


def test_only_pairs_that_are_shown_are_kept(tmp_path, captions, table):
    out = tmp_path / "out"
    filter_csv(captions, out, all_for_training(join=(table,), shown="yes", top=(100,)))
    assert sorted(row["filepath"] for row in read(out / FILE)) == PATHS[:5]
    told = json.loads((out / "filter_report.json").read_text())["pairs"]
    assert told["the image does not certainly show what its caption names"] == 5


def test_without_the_table_the_option_is_refused(tmp_path, captions):
    with pytest.raises(InputError, match=r"has no column 'truth', which shown needs; .*density"):
        filter_csv(captions, tmp_path / "out", all_for_training(shown="yes", top=(100,)))


def test_a_run_uses_its_own_table(tmp_path):
    rows = {table.name: [] for table in FILTER.reads}
    for number, path in enumerate(PATHS):
        of = {"object_id": f"a{number}", "status": "ok", "filepath": path}
        west = 7 + number / 10
        box = {"west": west, "south": 47.0, "east": west + 0.001, "north": 47.001}
        score = {"scorer": "CLIP_openai", "similarity": 0.5, "vectors": "x"}
        for name, more in {
            "captions": {"title": "a satellite image of a church"},
            "images": {"source": "US", **box},
            "scores": score,
            "normalised": {"scorer": "CLIP_openai"},
            "match": {},
        }.items():
            rows[name].append(of | more)
    rows["truth"] = [
        {"truth_id": f"{n}", "object_id": "a", "objects": 1, "share": 0.0, **row}
        for n, row in enumerate(truth_rows())
    ]
    given = {
        table.name: ds.dataset(
            pa.Table.from_pylist(
                [
                    {k: v for k, v in row.items() if k in table.schema.names}
                    for row in rows[table.name]
                ],
                table.schema,
            )
        )
        for table in (*FILTER.reads, tables.TRUTH)
    }
    assert tables.TRUTH in FILTER.may_read
    config = FilterConfig(split="random", test_rows=0, val_rows=0, top=(100,), shown="yes")
    list(FILTER.run(**given, config=config, root=tmp_path))
    found = read(tmp_path / FILE)
    assert sorted(row["filepath"] for row in found) == PATHS[:5]
