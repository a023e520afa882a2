"""Every command reads a CSV of pairs alike: the same rows, or one sentence about the same fault."""

from pathlib import Path
from types import SimpleNamespace

import duckdb
import pytest

from pipeline.errors import InputError
from skyscript.benchmarks.files import read_captioned
from stages.classification.held_out import open_captions, read_rows
from stages.filter.input_table import load_csv
from stages.laion_rs.web import WebConfig, web
from stages.score.job import PairsConfig, pairs
from stages.train.config import TrainConfig
from stages.train.pairs import csv_pairs

ONE, TWO = "images2/n1_CH_19.jpg", "images2/n2_CH_19.jpg"
X, Y = "a satellite image of x", "a satellite image of y"


def _score(path):
    parts = pairs(config=PairsConfig(images=path.parent, captions=path), root=path.parent)
    return [(row["filepath"], row["title"]) for part in parts for row in part.to_pylist()]


def _filter(path):
    with duckdb.connect() as connection:
        load_csv(connection, path)
        return connection.execute(
            "SELECT filepath, title FROM input_rows ORDER BY rowid"
        ).fetchall()


def _train(path):
    config = TrainConfig(train_data=path, root_data_dir=path.parent)
    found = csv_pairs(path, config)
    titles = [found.captions[int(text)].as_py() for text in found.texts]
    return [(found.images.name(row), title) for row, title in enumerate(titles)]


def _classification(path):
    return [row[:2] for row, _ in read_rows(open_captions(path))]


def _laion(path):
    parts = web(config=WebConfig(images=path.parent, captions=path), root=path.parent)
    return [(row["filepath"], row["title"]) for part in parts for row in part.to_pylist()]


def _evaluate(path):
    benchmark = SimpleNamespace(
        csv=path.name, column="title", prefix="", images="", kind="retrieval"
    )
    found = read_captioned(benchmark, path.parent)
    return [
        (found.paths[image], found.texts[text])
        for image, text in zip(found.image_of, found.text_of, strict=True)
    ]


READERS = {
    "score": _score,
    "filter": _filter,
    "train": _train,
    "build-classification": _classification,
    "build-laion-rs": _laion,
    "evaluate": _evaluate,
}


def _csv(second, header="filepath,title,title_multi_objects"):
    return f"{header}\n{ONE},{X},{X}\n{second}"


LINES = "a satellite\nimage"
BOTH = [(ONE, X), (TWO, Y)]
PLAIN = _csv(f"{TWO},{Y},{Y}\n")
CASES = {
    "plain": (PLAIN, BOTH),
    "crlf": (PLAIN.replace("\n", "\r\n"), BOTH),
    "bom": ("\ufeff" + PLAIN, BOTH),
    "blank_end": (PLAIN + "\n\n", BOTH),
    "blank_line": (_csv(f"\n{TWO},{Y},{Y}\n"), BOTH),
    "quote_mid": (_csv(f'{TWO},a 6" pipe,b\n'), [(ONE, X), (TWO, 'a 6" pipe')]),
    "newline_in_field": (_csv(f'{TWO},"a satellite\nimage",b\n'), [(ONE, X), (TWO, LINES)]),
    "long_field": (_csv(f"{TWO},{'x' * 200_000},b\n"), [(ONE, X), (TWO, "x" * 200_000)]),
    "na_title": (_csv(f"{TWO},NA,NA\n"), [(ONE, X), (TWO, None)]),
    "empty_title": (_csv(f"{TWO},,\n"), [(ONE, X), (TWO, None)]),
    "blank_title": (_csv(f"{TWO}, ,y\n"), [(ONE, X), (TWO, None)]),
    "absolute": (_csv("/etc/n2_CH_19.jpg,y,b\n"), [(ONE, X), ("/etc/n2_CH_19.jpg", "y")]),
    "dotdot": (_csv("../../etc/n2_CH_19.jpg,y,b\n"), [(ONE, X), ("../../etc/n2_CH_19.jpg", "y")]),
    "only_header": ("filepath,title,title_multi_objects\n", "contains no pairs below its header"),
    "empty": ("", "has no column 'filepath'"),
    "empty_path": (_csv(f",{Y},b\n"), "line 3 names no image"),
    "extra_field": (_csv(f"{TWO},a,b,c\n"), "line 3 has 4 fields, the header 3"),
    "short_row": (_csv(f"{TWO},a\n"), "line 3 has 2 fields, the header 3"),
    "latin1": (_csv(f"{TWO},Zürich,b\n").encode("latin-1"), "line 3 is not text in UTF-8"),
    "longer_field": (_csv(f"{TWO},{'x' * 1_100_000},b\n"), "line 3 has a field over 1 MiB"),
    "nul": (_csv(f"{TWO},a\0b,b\n"), "line 3 contains a NUL character"),
    "spaces_header": (_csv("", "filepath, title, title_multi_objects"), "blanks around ' title'"),
    "twice_header": (_csv("", "filepath,title,title"), "has the column 'title' 2 times"),
    "unclosed_quote": (_csv(f'{TWO},"a satellite image,b\n'), "line 3 opens a quote that is never"),
    "unclosed_last": (_csv(f'{TWO},a,"b\n{ONE},c,d\n'), "line 3 opens a quote that is never"),
    "pandas_index": (f",filepath,title\n0,{ONE},{X}\n", "column 1 of its header has no name"),
}  # fmt: skip
OF_THEIR_OWN = {
    # Training leaves out what has no caption, which no score ranks, and refuses a path out of its
    # root.
    ("train", "na_title"): [(ONE, X)],
    ("train", "empty_title"): [(ONE, X)],
    ("train", "blank_title"): [(ONE, X)],
    ("train", "absolute"): "line 3: '/etc/n2_CH_19.jpg' leads out",
    ("train", "dotdot"): "line 3: '../../etc/n2_CH_19.jpg' leads out",
    # The published evaluation reads with pandas: null words are no caption, a blank is one.
    ("evaluate", "na_title"): [(ONE, X)],
    ("evaluate", "empty_title"): [(ONE, X)],
    ("evaluate", "blank_title"): [(ONE, X), (TWO, " ")],
    ("evaluate", "absolute"): "images are missing, the first '/etc/n2_CH_19.jpg' (line 3)",
    ("evaluate", "dotdot"): "line 3: '../../etc/n2_CH_19.jpg' leads out",
    ("evaluate", "only_header"): "no row has a value in 'title'",
    # These two hand titles on as they stand; the first only needs paths.
    ("build-classification", "spaces_header"): [(ONE, X)],
    ("build-classification", "na_title"): [(ONE, X), (TWO, "NA")],
    ("build-classification", "empty_title"): [(ONE, X), (TWO, "")],
    ("build-classification", "blank_title"): [(ONE, X), (TWO, " ")],
    ("build-classification", "only_header"): [],
    # Captions of the web become one line.
    ("build-laion-rs", "newline_in_field"): [(ONE, X), (TWO, "a satellite image")],
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("command", READERS)
def test_every_command_reads_pairs_alike(tmp_path: Path, command: str, case: str) -> None:
    data, expected = CASES[case]
    expected = OF_THEIR_OWN.get((command, case), expected)
    (tmp_path / "images2").mkdir()
    for name in (ONE, TWO):
        (tmp_path / name).write_bytes(b"an image")
    path = tmp_path / "pairs.csv"
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    if isinstance(expected, str):
        with pytest.raises(InputError, match=r"pairs\.csv: ") as caught:
            READERS[command](path)
        assert expected in str(caught.value)
        assert "\n" not in str(caught.value)
    else:
        assert READERS[command](path) == expected
