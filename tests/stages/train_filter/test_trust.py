"""Which pairs are trusted, and the figures of cuts, on records whose values are known."""

import csv
import json
from contextlib import ExitStack

import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from pipeline.errors import InputError
from pipeline.scratch import database
from stages import tables
from stages.train_filter import TrainFilterConfig, choose_trusted, compare_cuts
from stages.train_filter.records import load_records

NAMES = ("filepath", "title", "title_multi_objects", "west", "south", "east", "north", "match")
FIGURES = ("match_confidence", "cloud_share", "blank_share", "haze", "sharpness")
SCHEMA = pa.schema(
    [tables.RUN_PAIRS.schema.field(name) for name in (*NAMES, *FIGURES, "scorer", "similarity")]
)
CONCEPTS = ("church", "pond", "barn, red", "mill")


def record(number, **changes):
    """Give a pair that all trust; its match and its score rise with its number."""
    place = dict.fromkeys(("west", "south", "east", "north"), 9.5)
    clear = {"cloud_share": 0.0, "blank_share": 0.0, "haze": 0.0, "sharpness": 0.4}
    return {
        "filepath": f"images2/a{number:02}_SIM_24.jpg",
        "title": f"a satellite image of {CONCEPTS[number % 4]}",
        "match": number / 10,
        "match_confidence": 0.5 + number / 100,
        **place,
        **clear,
        "scorer": "CLIP_old",
        "similarity": number / 10,
        **changes,
    }


RECORDS = [
    *(record(number) for number in range(4)),
    record(4, cloud_share=0.5),
    record(5, haze=0.3),
    record(6, sharpness=0.05),
    record(7, blank_share=0.04),
    record(8, match=None, match_confidence=None),
    record(9),
]
PATHS = [row["filepath"] for row in RECORDS]


def truth_of(verdicts):
    rows = [
        {"filepath": path, "focus": focus, "verdict": verdict} for path, focus, verdict in verdicts
    ]
    return ds.dataset(pa.Table.from_pylist(rows))


@pytest.fixture
def choose(tmp_path):
    """Choose among the records; give what is chosen, and the open database."""
    with ExitStack() as stack:

        def run(truth=None, records=RECORDS, **options):
            connection = stack.enter_context(database(tmp_path))
            config = TrainFilterConfig(**options)
            pairs = ds.dataset(pa.Table.from_pylist(records, schema=SCHEMA))
            load_records(connection, pairs, truth, config)
            return choose_trusted(connection, tmp_path, config), connection

        yield run


def read(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def verdicts_csv(path, words):
    with path.open("w", newline="") as file:
        write = csv.writer(file).writerow
        write(("filepath", "statement", "verdict", "why"))
        for number, word in words.items():
            write((PATHS[number], RECORDS[number]["title"], word, ""))
    return path


def test_a_pair_is_trusted_if_match_and_pixels_are_good(choose, tmp_path):
    done, _ = choose(match_quantile=0.25)
    # of the nine with a match, the quantile is that of the third
    assert done.match_at_least == pytest.approx(0.52)
    assert done.reasons == {
        "match_confidence below 0.5200": 2,
        "a black or white area": 1,
        "blur": 1,
        "cloud": 1,
        "haze": 1,
        "map and image have no match": 1,
    }
    assert [row["filepath"] for row in read(tmp_path / "trusted.csv")] == [
        PATHS[2],
        PATHS[3],
        PATHS[9],
    ]
    assert [row["filepath"] for row in read(tmp_path / "pairs.csv")] == PATHS
    written = json.loads((tmp_path / "trust.json").read_text())
    assert (written["pairs"], written["trusted"], written["reasons"]) == (10, 3, done.reasons)


def test_the_truth_decides_by_the_concepts_of_the_caption(choose):
    rows = [(path, True, "yes") for path in PATHS[:8]]
    rows += [(PATHS[0], True, "unknown"), (PATHS[1], False, "no")]
    # neither its second concept of 0 is shown, nor is 9 in the table
    done, connection = choose(truth_of(rows), match_quantile=0)
    found = connection.execute("SELECT filepath FROM records WHERE is_trusted ORDER BY 1")
    assert [path for (path,) in found.fetchall()] == PATHS[1:4]
    assert done.reasons["the image does not certainly show what its caption names"] == 3
    done, _ = choose(truth_of(rows), match_quantile=0, shown="all")
    assert done.trusted == 6


def test_what_cannot_be_looked_at_is_said(choose):
    done, _ = choose(records=[record(1, match_confidence=None)])
    assert (done.trusted, len(done.notes)) == (1, 2)


def test_a_judge_can_object(choose, tmp_path):
    path = verdicts_csv(tmp_path / "verdicts.csv", {1: "wrong", 2: "Unsure", 3: "right", 9: ""})
    done, _ = choose(verdicts=path, match_quantile=0)
    assert (done.reasons["judged wrong"], done.reasons["judged unsure"]) == (1, 1)
    assert done.trusted == 4


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (f"{PATHS[0]},a satellite image of church,good", "line 2 has the verdict 'good'"),
        (f"{PATHS[0]},a satellite image of pond,right", "is not the title of a pair of this run"),
        (f"{PATHS[0]},x,right\n{PATHS[0]},x,right", "line 3 names an image for the second time"),
        (f"{PATHS[0]},x,", "contains no verdict"),
    ],
)
def test_wrong_verdicts_are_one_sentence(choose, tmp_path, line, sentence):
    path = tmp_path / "verdicts.csv"
    path.write_text(f"filepath,statement,verdict\n{line}\n")
    with pytest.raises(InputError, match=sentence):
        choose(verdicts=path)


def test_no_trusted_pair_is_an_error_that_says_why(choose):
    with pytest.raises(
        InputError, match=r"none of the pairs is trusted: .*1 {2}not trusted: cloud"
    ):
        choose(records=[record(4, cloud_share=0.5)])


def test_the_figures_of_a_cut_are_those_of_its_rows(choose, tmp_path):
    path = verdicts_csv(tmp_path / "verdicts.csv", {0: "right", 1: "wrong", 8: "right"})
    _, connection = choose(verdicts=path, match_quantile=0)
    scored = tmp_path / "scored.csv"
    # the new score falls where the old one rises; one pair has none
    scores = [f"{path},{-number if number != 5 else ''}" for number, path in enumerate(PATHS)]
    scored.write_text("\n".join(["filepath,similarity_CLIP_filter", *scores]) + "\n")
    config = TrainFilterConfig(top=(50,), verdicts=path)
    done = compare_cuts(connection, scored, "CLIP_filter", tmp_path, config)
    assert (done.pairs, done.unscored, done.concepts) == (9, 1, 4)
    new, old, chance = done.cuts
    # floor(9 / 2) rows: 0 to 3 by the new score; 9, 8, 7, 6 by the old one, of them 8 and 9 trusted
    assert new[:5] == (50, "CLIP_filter", 4, 0.0, 4)
    assert new.match == pytest.approx((0 + 0.1 + 0.2 + 0.3) / 4)
    assert new[6:] == (0.75, 2, 0.5)
    assert old[:5] == (50, "CLIP_old of the run", 4, 1.0, 4)
    assert old.match == pytest.approx((0.9 + 0.7 + 0.6) / 3)
    assert old[6:] == (0.5, 1, 1.0)
    assert (chance.by, chance.rows) == ("random", 4)
    written = json.loads((tmp_path / "comparison.json").read_text())
    assert written["cuts"] == [cut._asdict() for cut in done.cuts]
