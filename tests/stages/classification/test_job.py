"""The set that training never sees: balanced, unambiguous, and with no ground in common."""

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import InputError
from stages.classification import Built, ClassificationConfig, build_classification
from tests.conftest import content_of
from tests.stages.classification.towns import SIDE, captions_of, filtered, run_of, tile

CHURCH = {"building": "church"}
PITCH = {"leisure": "pitch"}
QUARRY = {"landuse": "quarry"}
ROAD = {"highway": "residential"}
HOUSE = {"building": "yes"}
KINDS = (CHURCH, PITCH, QUARRY)


def country() -> list[dict[str, Any]]:
    """Three kinds of thing in turn on a grid of 40 x 12 tiles, some of which overlap."""
    rows = [filtered(9999)]
    for x in range(40):
        for y in range(12):
            number = x * 12 + y
            place = 7.0 + x * SIDE * 0.75, 47.0 + y * SIDE * 1.5
            rows.append(tile(number, place, KINDS[number % 3], ROAD))
    return rows


def build(tmp_path: Path, rows: list[dict[str, Any]], **options: Any) -> Built:
    given = {"classes": 3, "per_class": 4, "block": 0.01, "max_held_out": 0.3, **options}
    training = given.pop("training", ())
    config = ClassificationConfig.model_validate(given)
    meta = run_of(tmp_path / "run", rows)
    return build_classification(
        meta, tmp_path / "run", tmp_path / "bench/SkyScript_cls", config, training=training
    )


def rows_of(out: Path) -> list[tuple[str, str]]:
    header, *rows = (out / "img_txt_pairs_val.csv").read_text().splitlines()
    assert header == "filepath,label"
    return [(path, label) for path, label in (row.split(",") for row in rows)]


def object_of(path: str) -> str:
    return Path(path).name.partition("_")[0]


def test_a_set_in_the_published_layout_with_as_many_images_of_each_class(tmp_path: Path) -> None:
    done = build(tmp_path, country())
    out = tmp_path / "bench/SkyScript_cls"
    assert (out / "classnames.txt").read_text().splitlines() == [
        "building of church",
        "landuse of quarry",
        "leisure land of pitch",
    ]
    rows = rows_of(out)
    assert [label for _, label in rows] == sorted(label for _, label in rows)
    assert done.images == len(rows) == 12
    assert len({path for path, _ in rows}) == 12
    for path, label in rows:
        assert (tmp_path / "bench" / path).read_bytes() == object_of(path).encode()
        kind = KINDS[int(object_of(path)[1:]) % 3]
        assert label.endswith(next(iter(kind.values())))


def overlaps(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return bool(
        one["west"] <= other["east"]
        and other["west"] <= one["east"]
        and one["south"] <= other["north"]
        and other["south"] <= one["north"]
    )


@pytest.mark.parametrize("hold_out", ["blocks", "objects"])
def test_training_keeps_no_object_and_no_ground_of_the_set(tmp_path: Path, hold_out: str) -> None:
    rows = country()
    captions = captions_of(tmp_path / "train.csv", rows)
    done = build(tmp_path, rows, hold_out=hold_out, training=[captions])
    out = tmp_path / "bench/SkyScript_cls"
    by_name = {row["object_id"]: row for row in rows if row["status"] == "ok"}
    kept = (out / "training/train.csv").read_text().splitlines()[1:]
    training = [by_name[object_of(line.partition(",")[0])] for line in kept]
    chosen = [by_name[object_of(path)] for path, _ in rows_of(out)]
    left_out = (out / "left_out_objects.txt").read_text().split()
    assert not any(overlaps(one, other) for one in chosen for other in training)
    assert len(training) + len(left_out) == len(by_name)
    assert done.held_out_objects == done.training[str(captions)] == len(left_out)
    assert len(training) > len(by_name) / 2


def test_training_loses_whole_blocks_and_only_those_that_the_set_is_made_of(
    tmp_path: Path,
) -> None:
    rows = country()
    build(tmp_path, rows, per_class=1)
    out = tmp_path / "bench/SkyScript_cls"
    report = json.loads((out / "report.json").read_text())
    blocks = {
        tuple(map(int, name.split("/"))) for name in report["blocks_that_training_must_leave_out"]
    }
    by_name = {row["object_id"]: row for row in rows if row["status"] == "ok"}

    def touches(row: dict[str, Any]) -> bool:
        xs = range(int(row["west"] // 0.01), int(row["east"] // 0.01) + 1)
        ys = range(int(row["south"] // 0.01), int(row["north"] // 0.01) + 1)
        return any((x, y) in blocks for x in xs for y in ys)

    left_out = set((out / "left_out_objects.txt").read_text().split())
    assert left_out == {name for name, row in by_name.items() if touches(row)}
    assert 1 <= len(blocks) <= 3


def test_the_set_for_a_model_that_was_trained_shares_nothing_with_its_training(
    tmp_path: Path,
) -> None:
    rows = country()
    trained = captions_of(tmp_path / "top.csv", rows[1:241])
    build(tmp_path, rows, trained_on=(trained,))
    chosen = {object_of(path) for path, _ in rows_of(tmp_path / "bench/SkyScript_cls")}
    there = [row for row in rows if row["object_id"] in chosen]
    assert not any(overlaps(one, other) for one in there for other in rows[1:241])


def test_an_image_that_shows_two_of_the_classes_is_left_out(tmp_path: Path) -> None:
    rows = country()
    for row in rows[1::2]:  # half of all churches and pitches stand beside a quarry
        row["surrounding"].append(
            {"object_id": "w7", "tags": list(QUARRY.items()), "share": 0.1, "distance": 1.0}
        )
    build(tmp_path, rows)
    by_name = {row["object_id"]: row for row in rows}
    for path, label in rows_of(tmp_path / "bench/SkyScript_cls"):
        around = [dict(other["tags"]) for other in by_name[object_of(path)]["surrounding"]]
        assert label == "landuse of quarry" or QUARRY not in around


def test_what_its_focus_shows_alone_counts_where_asked_for(tmp_path: Path) -> None:
    rows = country()
    for row in rows[1:]:
        row["surrounding"].append(
            {"object_id": "w7", "tags": list(QUARRY.items()), "share": 0.1, "distance": 1.0}
        )
    with pytest.raises(InputError, match=r"show it and no other class|leave another class"):
        build(tmp_path, rows)
    assert build(tmp_path, rows, ambiguous="focus").classes == 3


def test_attributes_and_what_only_says_that_a_thing_is_there_are_no_classes(
    tmp_path: Path,
) -> None:
    rows = country()
    for number, row in enumerate(rows[1:]):
        row["center_tags"].append(("surface", "grass"))
        if number % 3 == 0 and number % 2:
            row["center_tags"] = list(HOUSE.items())
    build(tmp_path, rows, classes=3)
    report = json.loads((tmp_path / "bench/SkyScript_cls/report.json").read_text())
    named = [one["class"] for one in (*report["classes"], *report["not_chosen"])]
    assert sorted(named) == ["building of church", "landuse of quarry", "leisure land of pitch"]


def test_the_same_run_gives_the_same_set_again_and_another_seed_another(tmp_path: Path) -> None:
    rows = country()
    out = tmp_path / "bench/SkyScript_cls"
    build(tmp_path, rows)
    first = content_of(out)
    build(tmp_path, rows)
    assert content_of(out) == first
    build(tmp_path, rows, seed=1)
    assert content_of(out) != first
    assert not list(out.parent.glob(".tmp-*"))


def test_too_few_classes_are_one_sentence_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"3 classes of 4 images can be made .* require 5"):
        build(tmp_path, country(), classes=5)
    with pytest.raises(InputError, match=r"too few images.*--per-class"):
        build(tmp_path, country(), per_class=99)
    with pytest.raises(InputError, match="choose smaller blocks"):
        build(tmp_path, country(), block=10)
    assert not (tmp_path / "bench").exists()


def test_another_folder_and_a_run_are_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "bench/SkyScript_cls").mkdir(parents=True)
    (tmp_path / "bench/SkyScript_cls/mine.txt").write_text("mine")
    with pytest.raises(InputError, match="choose another --out"):
        build(tmp_path, country())
    assert (tmp_path / "bench/SkyScript_cls/mine.txt").read_text() == "mine"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("path,title\n", "has no column 'filepath'"),
        ("filepath,title\nimages2/photo.jpg,x\n", "line 2: 'images2/photo.jpg' is not the name"),
        ("filepath,title\nimages2/a1_SIM_24.jpg\n", "line 2 has 1 fields"),
    ],
)
def test_a_bad_captions_file_is_named_and_nothing_is_left(
    tmp_path: Path, text: str, sentence: str
) -> None:
    (tmp_path / "train.csv").write_text(text)
    with pytest.raises(InputError, match=sentence):
        build(tmp_path, country(), training=[tmp_path / "train.csv"])
    assert not (tmp_path / "bench/SkyScript_cls").exists()


def test_an_image_that_is_gone_is_named(tmp_path: Path) -> None:
    rows = country()
    build(tmp_path, rows)
    gone = object_of(rows_of(tmp_path / "bench/SkyScript_cls")[0][0])
    meta = run_of(tmp_path / "run", rows)
    (path,) = (tmp_path / "run").rglob(f"{gone}_*.jpg")
    path.unlink()
    config = ClassificationConfig(classes=3, per_class=4, block=0.01, max_held_out=0.3)
    with pytest.raises(InputError, match=rf"{gone}_SIM_24\.jpg: the run's table names this image"):
        build_classification(meta, tmp_path / "run", tmp_path / "bench/SkyScript_cls", config)
