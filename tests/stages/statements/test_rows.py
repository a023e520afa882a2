"""The rows of a shard are those that its claims give one by one."""

import numpy as np
import pytest
import shapely

from skyscript.geo.meeting import meeting_boxes
from stages import tables
from stages.statements import STATEMENTS, StatementsConfig
from stages.statements.bins import to_bins
from stages.statements.choice import Choice
from stages.statements.claims import VALUE
from stages.statements.kinds import KINDS
from stages.statements.making import make_scenes, usable
from stages.statements.wording import to_rows
from tests.stages.statements.test_statements import IMAGE, META, TRUTH, objects, table_of

__all__ = ["objects"]  # a fixture
NAMES = ("b2", "b3", "b4")
COUNT = 1 + len(NAMES)


@pytest.fixture(scope="module")
def chosen(objects):
    """Give scenes of the same things in four images, and the claims on them."""
    ids = [{"object_id": "a1"}, *({"object_id": name} for name in NAMES)]
    sizes = [{}, {"width": 100}, {"width": 300, "height": 150}, {"time_precision": "range"}]
    meta = table_of([META | one for one in ids], tables.META)
    images = table_of(
        [IMAGE | one | size for one, size in zip(ids, sizes, strict=True)], tables.IMAGES
    )
    rows = usable(meta, images)
    scenes = make_scenes(rows, objects, table_of(TRUTH, tables.TRUTH))
    choice = Choice(scenes, 0, 5)
    return scenes, [choice.of(kind) for kind in KINDS.values()], rows["filepath"]


def row_by_row(scenes, chosen, paths):
    """Make the rows in the plain way: kind by kind, claim by claim."""
    for kind, claims, draws in chosen:
        ends = np.cumsum(claims.sizes)
        for row, (image, one, other, value) in enumerate(zip(*claims[:4], strict=True)):
            things = claims.things[ends[row] - claims.sizes[row] : ends[row]]
            about = [scenes.concepts.all[number] for number in (one, other) if number >= 0]
            claim, words = kind.say(about, int(value))
            if kind.texts is not None:
                (told,) = kind.texts(np.array([value])).to_pylist()
                claim = claim.replace(VALUE, told)
                words = {key: text.replace(VALUE, told) for key, text in words.items()}
            way = int(draws[row]) % len(kind.phrasings)
            second = kind.seconds[way].format(**words) if kind.seconds else None
            shape = scenes.frames[image]
            if len(things):
                shape = shapely.geometrycollections(scenes.geometry[things])
            box = np.array([shape.bounds])
            yield {
                "statement_id": f"{scenes.images[image]}/{kind.name}/{int(draws[row]):016x}",
                "object_id": scenes.images[image],
                "filepath": paths[image].as_py(),
                "kind": kind.name,
                "role": kind.role,
                "text": kind.phrasings[way].format(**words),
                "answer": second if kind.role == "question" else None,
                "true_text": second if kind.role == "negative" else None,
                "claim": claim,
                "rests_on": scenes.object_ids.take(things).to_pylist(),
                "geometry": shapely.to_wkb(shape),
                "box": box[0].tolist(),
                "bins": to_bins(scenes, np.array([image]), box)[0].tolist(),
            }


def test_rows_of_all_kinds_are_those_of_single_claims(chosen):
    scenes, claims, paths = chosen
    made = to_rows(claims, scenes, paths).to_pylist()
    expected = list(row_by_row(scenes, claims, paths))
    place = {name: number for number, name in enumerate(scenes.images)}
    expected.sort(key=lambda row: place[row["object_id"]])
    assert made == expected
    assert len(made) > 20 * COUNT
    assert {row["kind"] for row in made} == set(KINDS)


def test_words_are_the_same_when_those_of_earlier_shards_are_forgotten(chosen, monkeypatch):
    scenes, claims, paths = chosen
    kept = to_rows(claims, scenes, paths)
    monkeypatch.setattr("stages.statements.wording._KEPT", 1)
    assert to_rows(claims, scenes, paths).equals(kept)
    monkeypatch.setattr("stages.statements.wording._SAID", {})
    assert to_rows(claims, scenes, paths).equals(kept)


def test_boxes_that_meet_are_found_whatever_is_compared_at_once(monkeypatch):
    draw = np.random.default_rng(3)
    corner = draw.integers(0, 60, (300, 2))
    boxes = np.column_stack([corner, corner + draw.integers(0, 12, (300, 2))]).astype(float)
    group = np.sort(draw.integers(0, 5, 300))
    expected = [
        (one, other)
        for one in range(300)
        for other in range(one + 1, 300)
        if group[one] == group[other]
        and (boxes[one, :2] <= boxes[other, 2:]).all()
        and (boxes[other, :2] <= boxes[one, 2:]).all()
    ]
    assert len(expected) > 100
    for most in (1 << 22, 50, 1):
        monkeypatch.setattr("skyscript.geo.meeting._AT_ONCE", most)
        assert (
            list(zip(*(side.tolist() for side in meeting_boxes(boxes, group)), strict=True))
            == expected
        )
    none = np.zeros((0, 4)), np.zeros(0, np.int64)
    assert [len(side) for side in meeting_boxes(*none)] == [0, 0]


@pytest.mark.parametrize(
    ("kinds", "needed"), [(["count"], {}), (["count", "not_present"], {"truth": "not_present"})]
)
def test_only_kinds_on_absent_things_need_the_truth(kinds, needed):
    found = STATEMENTS.needs(StatementsConfig(kinds=kinds))
    assert found == {name: f"statements.kinds: {kind}" for name, kind in needed.items()}
