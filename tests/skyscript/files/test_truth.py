"""The table truth, read for pairs."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.errors import InputError
from skyscript.files.truth import read_truth

ROWS = [  # image, concept, of its own object, verdict
    ("a", "church", True, "yes"),
    ("a", "road", False, "yes"),
    ("b", "church", True, "unknown"),
    ("b", "road", False, "no"),
    ("c", "road", True, "yes"),
    ("c", "church", False, "no"),
    ("c", "hedge", False, "yes"),
    ("d", "church", True, "yes"),
    ("d", "cemetery", True, "yes"),
]
IMAGES = pa.array([f"images{n}/{name}_SIM_24.jpg" for n, name in enumerate("abcdx", 2)])
TEXTS = np.array([0, 0, 1, 2, 1])


def write(path, rows=ROWS):
    path.parent.mkdir(parents=True, exist_ok=True)
    names, concepts, focus, verdicts = zip(*rows, strict=True)
    table = {"filepath": [f"images9/{name}_SIM_24.jpg" for name in names], "concept": concepts}
    pq.write_table(pa.table(table | {"focus": focus, "verdict": verdicts}), path)
    return path


def read(path, texts=TEXTS):
    return read_truth(path, IMAGES, np.arange(5), texts)


def named(truth, lists, count=5):
    flags = lists.flags(np.arange(count), len(truth.concepts))
    return [{truth.concepts[i] for i in row.nonzero()[0]} for row in flags]


def test_images_are_known_by_their_file_names(tmp_path):
    truth = read(write(tmp_path / "truth.parquet"))
    assert truth.concepts == ["cemetery", "church", "road"]  # no caption names a hedge
    assert named(truth, truth.shows) == [
        {"church", "road"},
        set(),
        {"road"},
        {"church", "cemetery"},
        set(),
    ]
    assert named(truth, truth.lacks) == [set(), {"road"}, {"church"}, set(), set()]


def test_a_caption_names_what_the_own_objects_of_all_its_images_are(tmp_path):
    truth = read(write(tmp_path / "truth.parquet"))
    assert named(truth, truth.says, 3) == [{"church"}, {"road"}, {"church", "cemetery"}]
    shared = read(tmp_path / "truth.parquet", np.array([0, 0, 1, 0, 1]))
    assert named(shared, shared.says, 2) == [{"church"}, {"road"}]


def test_a_run_gives_its_table_and_parts_add_up(tmp_path):
    whole = read(write(tmp_path / "truth.parquet"))
    for number, rows in enumerate((ROWS[:4], ROWS[4:])):
        write(tmp_path / f"run/tables/truth/part-{number:05}.parquet", rows)
    parts = read(tmp_path / "run")
    for one, other in zip(whole[1:4], parts[1:4], strict=True):
        assert [list(column) for column in one] == [list(column) for column in other]
    assert whole.identity != parts.identity


def test_what_is_no_table_truth_is_refused_by_name(tmp_path):
    with pytest.raises(InputError, match="holds no table truth"):
        read(tmp_path)
    with pytest.raises(InputError, match=r"gone: there is no such file or folder"):
        read(tmp_path / "gone")
    (tmp_path / "a.parquet").write_text("no")
    with pytest.raises(InputError, match=r"a\.parquet: is not Parquet"):
        read(tmp_path / "a.parquet")
    pq.write_table(pa.table({"filepath": ["a"], "concept": ["b"]}), tmp_path / "b.parquet")
    with pytest.raises(InputError, match="no column focus, verdict"):
        read(tmp_path / "b.parquet")
    others = write(tmp_path / "c.parquet", [("z", "church", True, "yes")])
    with pytest.raises(InputError, match=r"no row for any image, such as 'images2/a_SIM_24\.jpg'"):
        read(others)
