"""Which tags a verdict on a statement speaks of, and the suggestions that follow."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from skyscript.files.verdicts import Word
from stages import tables
from stages.judged import Judged, JudgedConfig, judge_by_person, write_sheet
from stages.judged.deciding import deciding_tags
from stages.judged.sample import draw
from tag_vocab import read_own_labels
from tests.stages.judged.runs import Made, run_of

CONFIG = JudgedConfig(what="statements", sample=400)
COURT, FOUNTAIN = "a9001", "n9002"
AROUND = [
    {
        "object_id": COURT,
        "tags": [("leisure", "pitch"), ("sport", "tennis"), ("surface", "clay")],
        **{"share": 0.1, "distance": 9.0},
    },
    {"object_id": FOUNTAIN, "tags": [("amenity", "fountain")], "share": 0.0, "distance": 12.0},
]
SAID = {
    "church": ("ask_presence", "present(church)", "a church?", None),
    "fountain": ("ask_presence", "present(fountain)", "a fountain?", FOUNTAIN),
    "court": ("ask_presence", "present(tennis court)", "a tennis court?", COURT),
    "clay": ("attribute", "attribute(tennis court, clay surface)", "clay", COURT),
    "number": ("count", "count(fountain) = 1", "one fountain", FOUNTAIN),
    "place": ("region", "region(fountain) = [0, 0, 9, 9]", "fountain here", FOUNTAIN),
    "absent": ("not_present", "present(pond)", "a pond", None),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Give a run of churches with a tennis court and a fountain, and statements on all three."""
    run = run_of(tmp_path_factory.mktemp("made") / "run", {"building=church": 40})
    images = run.meta.to_table().to_pylist()
    for image in images:
        image["surrounding"] = AROUND if image["filepath"] else []
    rows = [_row(image, name) for image in images if image["filepath"] for name in SAID]
    return run._replace(
        meta=ds.dataset(pa.Table.from_pylist(images, tables.META.schema)),
        captions=ds.dataset(pa.Table.from_pylist(rows, tables.STATEMENTS.schema)),
    )


def _row(image: dict[str, Any], name: str) -> dict[str, Any]:
    kind, claim, text, thing = SAID[name]
    role = {"ask_presence": "question", "not_present": "negative"}.get(kind, "statement")
    rests_on = [] if kind == "not_present" else [thing or image["object_id"]]
    return {
        **{"statement_id": f"{image['object_id']}/{kind}/{name}", "object_id": image["object_id"]},
        **{"filepath": image["filepath"], "kind": kind, "role": role, "text": text},
        **{"answer": "Yes." if role == "question" else None, "claim": claim, "rests_on": rests_on},
        **{"geometry": b"", "box": [0.0, 0, 16, 16], "bins": [0, 0, 9, 9]},
    }


def judged(made: Made, tmp_path: Path, word: Callable[[str], Word]) -> Judged:
    """Judge all statements by hand."""
    sheet = tmp_path / "sheet.csv"
    write_sheet(made.meta, made.captions, sheet, CONFIG)
    rows = list(csv.DictReader(sheet.read_text().splitlines()))
    with sheet.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows({**row, "verdict": word(row["statement"])} for row in rows)
    return judge_by_person(made.meta, made.captions, sheet, tmp_path, CONFIG)


def test_presence_rests_on_the_tags_of_its_thing_and_an_attribute_on_its_own(made: Made) -> None:
    units = draw(made.meta, made.captions, CONFIG).units
    tags = deciding_tags(made.meta, units)
    found = {unit.text: own for unit, own in zip(units, tags, strict=True)}
    assert found == {
        "a church? Yes.": (("building", "church"),),
        "a fountain? Yes.": (("amenity", "fountain"),),
        "a tennis court? Yes.": (("leisure", "pitch"), ("sport", "tennis")),
        "clay": (("surface", "clay"),),
        "one fountain": (),
        "fountain here": (),
        "a pond": (),
    }


def test_a_thing_that_nobody_sees_gives_a_label_for_its_tag(made: Made, tmp_path: Path) -> None:
    done = judged(made, tmp_path, lambda text: "wrong" if "fountain?" in text else "right")
    labels = read_own_labels(tmp_path / "suggestions.csv")
    assert list(labels) == [("amenity", "fountain")]
    assert not labels["amenity", "fountain"].entry.groundable
    assert done.suggestions == 1
    (row,) = csv.DictReader((tmp_path / "suggestions.csv").read_text().splitlines())
    assert row["reason"].endswith(" statements")
    assert any(line.endswith("1  tags that need another label") for line in done.lines())


def test_a_wrong_surface_blames_the_surface_and_not_the_court(made: Made, tmp_path: Path) -> None:
    judged(made, tmp_path, lambda text: "wrong" if text == "clay" else "right")
    assert list(read_own_labels(tmp_path / "suggestions.csv")) == [("surface", "clay")]


def test_wrong_numbers_places_and_negatives_blame_no_tag(made: Made, tmp_path: Path) -> None:
    def word(text: str) -> Word:
        return "wrong" if "fountain" in text and "?" not in text else "right"

    done = judged(made, tmp_path, word)
    assert done.wrong > 60
    assert done.suggestions == 0
