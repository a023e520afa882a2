"""A set by truth: an image shows its class for certain, and none of the other classes."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from pipeline.errors import InputError
from stages import tables
from stages.classification import Built, ClassificationConfig, build_classification
from tests.stages.classification.test_job import CHURCH, PITCH, QUARRY, country, object_of, rows_of
from tests.stages.classification.towns import run_of, tile

CONCEPTS = ("church", "sports pitch", "quarry")
TENNIS = {"leisure": "pitch", "sport": "tennis"}
Verdicts = dict[tuple[str, str], str]


def truth_of(rows: list[dict[str, Any]], changes: Verdicts | None = None) -> ds.Dataset:
    """Give a truth by which each image shows its own thing and no other, but for changes."""
    verdicts: Verdicts = {}
    for row in rows:
        if row["status"] == "ok":
            own = CONCEPTS[int(row["object_id"][1:]) % 3]
            for name in CONCEPTS:
                verdicts[row["object_id"], name] = "yes" if name == own else "no"
    verdicts |= changes or {}
    table = [
        {"truth_id": f"{image}/{name}", "object_id": image, "filepath": image, "concept": name}
        | {"focus": False, "verdict": verdict, "objects": 1, "share": 0.0}
        for (image, name), verdict in verdicts.items()
    ]
    return ds.dataset(pa.Table.from_pylist(table, schema=tables.TRUTH.schema))


def build(
    tmp_path: Path, rows: list[dict[str, Any]], truth: ds.Dataset | None, **options: Any
) -> Built:
    given = {"classes": 3, "per_class": 4, "block": 0.01, "max_held_out": 0.3, **options}
    config = ClassificationConfig.model_validate(given)
    meta = run_of(tmp_path / "run", rows)
    out = tmp_path / "bench/SkyScript_cls"
    return build_classification(meta, tmp_path / "run", out, config, truth=truth)


def chosen(tmp_path: Path) -> dict[str, str]:
    return {object_of(path): label for path, label in rows_of(tmp_path / "bench/SkyScript_cls")}


def report(tmp_path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((tmp_path / "bench/SkyScript_cls/report.json").read_text())
    return found


def test_an_image_that_does_not_certainly_show_its_class_is_no_image_of_it(tmp_path: Path) -> None:
    rows = country()
    build(tmp_path, rows, truth_of(rows), per_class=9)
    unsure = sorted(chosen(tmp_path))[::5]
    changes = {(one, CONCEPTS[int(one[1:]) % 3]): "unknown" for one in unsure}
    build(tmp_path, rows, truth_of(rows, changes), per_class=9)
    assert chosen(tmp_path).keys().isdisjoint(unsure)
    counts = [(one["images"], one["images_that_show_it"]) for one in report(tmp_path)["classes"]]
    assert sum(tagged - shown for tagged, shown in counts) == len(unsure)
    build(tmp_path, rows, truth_of(rows, changes), per_class=9, shown="all")
    assert not chosen(tmp_path).keys().isdisjoint(unsure)


def test_an_image_that_certainly_shows_another_class_is_left_out(tmp_path: Path) -> None:
    rows = country()
    build(tmp_path, rows, truth_of(rows))
    churches = [one for one, label in chosen(tmp_path).items() if label.endswith("church")]
    changes = {(one, "quarry"): "yes" for one in churches}
    done = build(tmp_path, rows, truth_of(rows, changes))
    assert chosen(tmp_path).keys().isdisjoint(churches)
    assert done.others == (0, 1, 0)  # of no other class, for certain
    build(tmp_path, rows, truth_of(rows, changes), ambiguous="focus")
    assert set(churches) <= chosen(tmp_path).keys()
    assert report(tmp_path)["other_classes_by_truth"]["shown"] == pytest.approx(4 / 24)


def test_an_image_that_may_show_another_class_stays_and_is_counted(tmp_path: Path) -> None:
    rows = country()
    every = {row["object_id"]: int(row["object_id"][1:]) % 3 for row in rows[1:]}
    changes = {
        (one, "quarry"): "unknown" for one, kind in every.items() if CONCEPTS[kind] != "quarry"
    }
    done = build(tmp_path, rows, truth_of(rows, changes))
    assert done.others == pytest.approx((0, 2 / 3, 1 / 3))
    assert "67% are certainly not shown, 0% certainly are, and 33% are unknown" in done.lines()[-1]


def test_a_class_is_what_its_objects_show_because_of_the_tag(tmp_path: Path) -> None:
    """A pitch for tennis is a tennis court: a sports pitch for certain is not enough."""
    kinds = (CHURCH, TENNIS, QUARRY)
    rows = [
        tile(number, (row["west"], row["south"]), kinds[number % 3])
        for number, row in enumerate(country()[1:])
    ]
    with pytest.raises(InputError, match="1 tags: too few images that certainly show it"):
        build(tmp_path, rows, truth_of(rows))
    courts = {(row["object_id"], "tennis court"): "yes" for row in rows[1::3]}
    assert build(tmp_path, rows, truth_of(rows, courts)).classes == 3


def test_why_a_tag_is_no_class_is_told(tmp_path: Path) -> None:
    rows = country()
    changes = {(row["object_id"], "church"): "unknown" for row in rows}
    build(tmp_path, rows, truth_of(rows, changes), classes=2)
    (left,) = report(tmp_path)["not_chosen"]
    assert (left["class"], left["images_that_show_it"]) == ("building of church", 0)
    assert left["why"] == "too few images that certainly show it"


def test_without_a_truth_the_tags_decide_unless_it_is_asked_for(tmp_path: Path) -> None:
    rows = country()
    assert build(tmp_path, rows, None).others is None
    assert report(tmp_path)["other_classes_by_truth"] is None
    with pytest.raises(InputError, match=r"no table truth, which shown=yes needs"):
        build(tmp_path, rows, None, shown="yes")
    assert build(tmp_path, rows, truth_of(rows), shown="yes").others == (0, 1, 0)


def test_the_concepts_are_those_of_the_tree() -> None:
    from stages.classification.certain import _because_of

    for tags, name in zip((CHURCH, PITCH, QUARRY), CONCEPTS, strict=True):
        ((key, value),) = tags.items()
        assert _because_of(((key, value),), f"{key}={value}", "a") == {name}
