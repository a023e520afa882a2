"""Several captions of a pair, and statements on its image: which text an epoch takes."""

import json
from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.config import config_of_block
from pipeline.errors import InputError
from stages.train.config import TrainConfig
from stages.train.loading import load_pairs, load_training_pairs, load_validation_pairs
from stages.train.mixing import NONE
from tests.stages.train.test_pairs import PIXELS, shard

ROWS = [
    ("a.jpg", "a pond", "a pond beside a road", "a pond. One road can be seen."),
    ("b.jpg", "a road", "", "a road. A tree can be seen."),
    ("c.jpg", "a pond", "", ""),
]
SAID = [
    ("a.jpg", "count", "statement", "Two ponds are visible."),
    ("a.jpg", "direction", "statement", "A pond is north of a road."),
    ("a.jpg", "region", "statement", "The box [0, 0, 9, 9] shows a pond."),
    ("a.jpg", "not_count", "negative", "Three ponds are visible."),
    ("a.jpg", "not_relation", "negative", "A pond is in a road."),
    ("a.jpg", "not_direction", "negative", "A pond is south of a road."),
    ("b.jpg", "count", "statement", "a road"),  # as its title says
    ("b.jpg", "ask_count", "question", "How many roads are there?"),
    ("z.jpg", "count", "statement", "a text of no image here"),
]
WEIGHTS = {"title": 2, "title_multi_objects": 1, "title_long": 1}


@pytest.fixture
def folder(tmp_path):
    for name in "abc":
        (tmp_path / f"{name}.jpg").write_bytes(PIXELS)
    lines = ["filepath,title,title_multi_objects,title_long"]
    (tmp_path / "pairs.csv").write_text("\n".join([*lines, *map(",".join, ROWS)]) + "\n")
    rows = [
        {"filepath": f"images9/{path}", "kind": kind, "role": role, "text": text}
        for path, kind, role, text in SAID
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "statements.parquet")
    return tmp_path


def config(folder, **options):
    given = {"train_data": folder / "pairs.csv", "root_data_dir": folder}
    return TrainConfig(**{**given, **options})


def mixed(folder, **options):
    return load_training_pairs(config(folder, caption_weights=WEIGHTS, **options))


def texts(pairs, row, epochs=400, negatives=0):
    """How often each caption of a row was drawn."""
    return Counter(
        pairs.captions[pairs.choice.draw(0, f"{epoch}:{row}", row, negatives).caption].as_py()
        for epoch in range(epochs)
    )


def test_captions_are_drawn_by_their_weights_among_those_that_a_pair_has(folder):
    pairs = mixed(folder)
    found = texts(pairs, 0, 4000)
    assert {text: round(count / 4000, 1) for text, count in found.items()} == {
        "a pond": 0.5,
        "a pond beside a road": pytest.approx(0.25, abs=0.06),
        "a pond. One road can be seen.": pytest.approx(0.25, abs=0.06),
    }
    found = texts(pairs, 1, 4000)
    assert found["a road"] / 4000 == pytest.approx(2 / 3, abs=0.03)
    assert len(found) == 2
    assert texts(pairs, 2) == {"a pond": 400}


def test_a_draw_depends_on_seed_epoch_and_row_alone(folder):
    pairs = mixed(folder)
    draws = [pairs.choice.draw(7, f"{epoch}:0", 0, 0).caption for epoch in range(50)]
    again = [pairs.choice.draw(7, f"{epoch}:0", 0, 0).caption for epoch in reversed(range(50))]
    other = [pairs.choice.draw(8, f"{epoch}:0", 0, 0).caption for epoch in range(50)]
    assert draws == again[::-1] != other


def test_without_weights_a_pair_has_its_caption_only(folder):
    pairs = load_training_pairs(config(folder))
    assert texts(pairs, 0) == {"a pond": 400}
    assert pairs.choice.columns.shape == (3, 1)


def test_a_pair_takes_part_with_any_of_its_captions(folder, caplog):
    options = config(folder, caption_weights={"title_multi_objects": 1, "title_long": 1})
    pairs = load_training_pairs(options)
    assert pairs.choice.columns.tolist() == [[0, 1], [NONE, 2]]
    assert [pairs.captions[int(text)].as_py() for text in pairs.texts] == [ROWS[0][2], ROWS[1][3]]
    assert "1 of 3 pairs have no caption and are left out, the first in line 4" in caplog.text


def test_validation_takes_the_one_caption(folder):
    options = config(folder, caption_weights=WEIGHTS, csv_caption_key="title")
    assert load_validation_pairs(folder / "pairs.csv", options).choice.columns.shape == (3, 1)


def test_shards_have_all_captions_of_their_descriptions(folder):
    samples = []
    for path, title, multi, long in ROWS:
        about = {"title_multi_objects": multi, "title_long": long}
        samples += [(path, PIXELS), (path.replace("jpg", "txt"), title.encode())]
        samples.append((path.replace("jpg", "json"), json.dumps(about).encode()))
    tar = shard(folder / "a.tar", samples)
    of_csv = mixed(folder, statements=folder / "statements.parquet", hard_negatives=1)
    of_tar = mixed(
        folder, train_data=tar, statements=folder / "statements.parquet", hard_negatives=1
    )
    assert of_csv.captions.equals(of_tar.captions)
    assert of_csv.choice.columns.tolist() == of_tar.choice.columns.tolist()
    assert [of_csv.choice.draw(0, f"{n}:0", 0, 1) for n in range(9)] == [
        of_tar.choice.draw(0, f"{n}:0", 0, 1) for n in range(9)
    ]


def test_true_statements_are_captions_and_false_ones_negatives_of_their_image(folder):
    pairs = load_training_pairs(
        config(
            folder,
            caption_weights={"title": 1, "statements": 1},
            statements=folder / "statements.parquet",
            hard_negatives=3,
        )
    )
    assert set(texts(pairs, 0)) == {"a pond", "Two ponds are visible."}  # not the turned, the box
    assert texts(pairs, 1) == {"a road": 400}
    assert texts(pairs, 2) == {"a pond": 400}
    drawn = pairs.choice.draw(0, "0:0", 0, 3).negatives
    said = {pairs.captions[text].as_py() for text in drawn}
    assert said == {"Three ponds are visible.", "A pond is in a road."}
    one = {pairs.choice.draw(0, f"{epoch}:0", 0, 1).negatives for epoch in range(40)}
    assert one == {(text,) for text in drawn}
    assert pairs.choice.draw(0, "0:1", 1, 3).negatives == ()


def test_statements_on_directions_serve_where_images_are_not_turned(folder):
    pairs = load_training_pairs(
        config(
            folder,
            caption_weights={"title": 1, "statements": 1},
            statements=folder / "statements.parquet",
            random_rotation=False,
            hard_negatives=3,
        )
    )
    assert "A pond is north of a road." in texts(pairs, 0)
    assert len(pairs.choice.draw(0, "0:0", 0, 3).negatives) == 3


def test_what_a_statement_names_is_not_known_to_the_truth(folder):
    row = {"filepath": "a.jpg", "concept": "pond", "focus": True, "verdict": "yes"}
    pq.write_table(pa.Table.from_pylist([row]), folder / "truth.parquet")
    pairs = load_training_pairs(
        config(
            folder,
            caption_weights={"title": 1, "title_long": 1, "statements": 1},
            statements=folder / "statements.parquet",
            truth=folder / "truth.parquet",
        )
    )
    numbers = {text: number for number, text in enumerate(pairs.captions.to_pylist())}
    named = [int(pairs.flags(0, numbers[text])[0].sum()) for text in (ROWS[0][1], ROWS[0][3])]
    assert named == [1, 1]
    says, shows = pairs.flags(0, numbers["Two ponds are visible."])
    assert (says.tolist(), shows.tolist()) == ([0], [1])


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"caption_weights": {"title": 1, "title_polished": 1}}, "has no column 'title_polished'"),
        ({"caption_weights": {"title": 1}, "statements": "none", "hard_negatives": 1},
         "there is no such file or folder"),
        ({"statements": "pairs.csv", "hard_negatives": 1}, "pairs.csv: is not Parquet"),
        ({"statements": "other.parquet", "hard_negatives": 1},
         "is no table statements: it has no column kind, role"),
        ({"statements": "far.parquet", "hard_negatives": 1}, "has no sentence on any image, such"),
        ({"statements": "true.parquet", "hard_negatives": 1}, "has no false sentence"),
        ({"statements": "false.parquet", "caption_weights": {"title": 1, "statements": 1}},
         "has no true sentence"),
    ],
)  # fmt: skip
def test_a_column_or_a_table_that_is_not_there_is_named(folder, options, sentence):
    one = {"filepath": "a.jpg", "kind": "count", "role": "statement", "text": "Two."}
    for name, more in (
        ("true", {}),
        ("false", {"kind": "not_count", "role": "negative"}),
        ("far", {"filepath": "q.jpg"}),
    ):
        pq.write_table(pa.Table.from_pylist([one | more]), folder / f"{name}.parquet")
    pq.write_table(pa.table({"filepath": ["a"], "text": ["b"]}), folder / "other.parquet")
    if "statements" in options:
        options = options | {"statements": folder / options["statements"]}
    with pytest.raises(InputError, match=sentence):
        load_training_pairs(config(folder, **options))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"caption_weights": {"title": 0}}, "greater than 0"),
        ({"caption_weights": {"title": "much"}}, "valid number"),
        ({"caption_weights": {"statements": 1}}, "caption_weights needs a column"),
        ({"caption_weights": {"title": 1, "statements": 1}}, "statements needs statements, a run"),
        ({"hard_negatives": 1}, "hard_negatives needs statements, a run"),
        ({"statements": "run"}, "statements needs hard_negatives, or caption_weights"),
        ({"hard_negatives": 1, "statements": "run", "same_text": "negative"},
         "hard_negatives needs same_text: positive"),
        ({"protocol": "skyclip", "hard_negatives": 1, "statements": "run"},
         "protocol skyclip has hard_negatives 0, not 1"),
    ],
)  # fmt: skip
def test_options_that_do_not_fit_together_are_refused(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        TrainConfig(train_data="a.csv", **options)


def test_numbers_of_texts_point_at_texts(folder):
    pairs = mixed(folder, statements=folder / "statements.parquet", hard_negatives=2)
    numbers = pairs.choice.statements.false.values
    assert len(pairs.captions) == len(set(pairs.captions.to_pylist())) > numbers.max()
    assert isinstance(numbers, np.ndarray)
    assert config_of_block(None, TrainConfig, {"train_data": "a.csv"}, "").hard_negatives == 0
    assert load_pairs(folder / "pairs.csv", config(folder)).choice.statements is None
