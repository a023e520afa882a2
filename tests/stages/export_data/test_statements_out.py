"""Exports of a run with statements: several captions, questions, boxes and multiple choice."""

import json
import tarfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from pipeline.errors import InputError
from stages import tables
from stages.export_data import RunTables
from tests.stages.export_data.runs import export, made_run

LONG = "thing 1. There are two barns."
SAID = [
    ("count", "statement", "There are two barns.", None, None),
    ("ask_count", "question", "How many barns are there?", "Two.", None),
    ("referring", "statement", "the largest barn", None, None),
    ("region", "statement", "The box [100, 200, 300, 400] shows a barn.", None, None),
    ("not_count", "negative", "There are nine barns.", None, "There are two barns."),
    ("not_direction", "negative", "A barn can be seen east of a tree.", None, "true"),
]


def said(kind: str, role: str, text: str, answer: str | None, true: str | None) -> dict[str, Any]:
    """Give a row of the table statements, of the image of a1."""
    ids = {"statement_id": f"a1/{kind}/0", "object_id": "a1", "filepath": "images3/a1_SIM_24.jpg"}
    place = {"geometry": b"", "box": [0.0] * 4, "bins": [100, 200, 300, 400], "rests_on": ["a1"]}
    words = {"kind": kind, "role": role, "text": text, "answer": answer, "true_text": true}
    return ids | place | words | {"claim": text}


@pytest.fixture
def run(tmp_path: Path) -> RunTables:
    """Give a run of two images, the second with statements and composed captions."""
    made = made_run(tmp_path / "run", 2, lost=0)
    captions = made.captions.to_table().to_pylist()
    captions[1] |= {"title_short": "thing 1.", "title_long": LONG}
    statements = pa.Table.from_pylist([said(*one) for one in SAID], tables.STATEMENTS.schema)
    return made._replace(
        captions=ds.dataset(pa.Table.from_pylist(captions, tables.CAPTIONS.schema)),
        statements=ds.dataset(statements),
    )


def test_a_sample_has_its_captions_and_statements(run: RunTables, tmp_path: Path) -> None:
    export(tmp_path / "run", run, tmp_path / "out", formats=["webdataset"])
    with tarfile.open(tmp_path / "out/webdataset/train-000000.tar") as tar:
        parts = {name: tar.extractfile(name).read() for name in tar.getnames()}  # type: ignore[union-attr]
    assert parts["a1_SIM_24.txt"].decode() == "a satellite image of thing 1"
    assert parts["a1_SIM_24.long.txt"].decode() == LONG
    about = json.loads(parts["a1_SIM_24.json"])
    assert (about["title_short"], about["title_long"]) == ("thing 1.", LONG)
    assert {one["text"] for one in about["statements"]} == {one[2] for one in SAID}
    assert "a0_SIM_24.long.txt" not in parts
    assert "statements" not in json.loads(parts["a0_SIM_24.json"])


def test_a_conversation_asks_the_questions_and_gives_boxes(run: RunTables, tmp_path: Path) -> None:
    export(tmp_path / "run", run, tmp_path / "out", formats=["llava"])
    records = json.loads((tmp_path / "out/llava/train.json").read_text())
    (record,) = [one for one in records if one["id"] == "a1_SIM_24"]
    turns = [one["value"] for one in record["conversations"]]
    assert [one["from"] for one in record["conversations"]] == ["human", "gpt"] * (len(turns) // 2)
    answers = dict(zip(turns[::2], turns[1::2], strict=True))
    assert answers["How many barns are there?"] == "Two."
    assert answers["Give the box of the largest barn."] == "[100, 200, 300, 400]"
    assert "The box [100, 200, 300, 400] shows a barn." in answers.values()
    assert LONG in answers.values()
    assert not any("nine barns" in turn for turn in turns)
    assert [turn.startswith("<image>") for turn in turns] == [True] + [False] * (len(turns) - 1)


def test_a_true_sentence_stands_among_false_ones(run: RunTables, tmp_path: Path) -> None:
    export(tmp_path / "run", run, tmp_path / "out", formats=["choices"])
    (question,) = json.loads((tmp_path / "out/choices/train.json").read_text())
    options = question["options"]
    assert options.pop(question["answer"]) == "There are two barns."
    assert options == ["There are nine barns.", "A barn can be seen east of a tree."]
    assert (tmp_path / "out/choices" / question["image"]).exists()


def test_a_run_without_false_sentences_has_no_choices(run: RunTables, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="begin with not_"):
        export(
            tmp_path / "run",
            run._replace(statements=None),
            tmp_path / "out",
            formats=["choices"],
        )
    assert not (tmp_path / "out").exists()
