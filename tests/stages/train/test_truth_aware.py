"""Training with a table truth: images that show what a caption names are no negatives of it."""

import csv

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.errors import ConfigError, InputError
from pipeline.stage import StageConfig
from stages.train.config import TrainConfig
from stages.train.loading import load_pairs
from stages.train.loop import train
from tests.conftest import assert_close
from tests.stages.train.conftest import CSV, losses

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow]


@pytest.fixture
def table(town, tmp_path):
    """A truth in which every image shows what its own caption names, and what ten others do."""
    with (town / CSV).open() as file:
        rows = list(csv.DictReader(file))
    titles = sorted({row["title"] for row in rows})
    truth = [
        {"filepath": row["filepath"], "concept": name, "focus": number == 0, "verdict": "yes"}
        for row in rows
        for number, name in enumerate(dict.fromkeys([row["title"], *titles[::3][:10]]))
    ]
    pq.write_table(pa.Table.from_pylist(truth), tmp_path / "truth.parquet")
    return tmp_path / "truth.parquet"


def learn(options, **more):
    return losses(train(TrainConfig(**options, **more), lambda _: None))


def test_the_loss_is_lower_without_false_negatives(options, table):
    plain = learn(options | {"name": "plain"})
    aware = learn(options | {"name": "aware"}, truth=table)
    assert aware[0] < plain[0] - 0.01


def test_accumulated_batches_know_the_truth_of_each_other(options, table):
    whole = learn(options | {"name": "whole"}, truth=table)
    parts = learn(options | {"name": "parts", "batch_size": 8}, accum_freq=4, truth=table)
    assert_close(whole, parts, 1e-4)


def test_another_truth_is_another_training(options, table):
    learn(options | {"epochs": 1}, truth=table)
    with pytest.raises(ConfigError, match="truth"):
        learn(options | {"epochs": 1})


def test_pairs_know_what_their_image_shows(options, table, town):
    config: StageConfig = TrainConfig(**options)
    pairs = load_pairs(town / CSV, config).with_truth(table)
    says, shows = pairs.flags(5, int(pairs.texts[5]))
    concepts = pairs.truth.of.concepts
    assert [concepts[i] for i in says.nonzero()[0]] == [pairs.captions[int(pairs.texts[5])].as_py()]
    assert says.sum() == 1
    assert shows.sum() >= 10
    assert (says <= shows).all()


def test_a_truth_of_other_images_is_refused(options, tmp_path):
    row = {"filepath": "z.jpg", "concept": "pond", "focus": True, "verdict": "yes"}
    pq.write_table(pa.Table.from_pylist([row]), tmp_path / "other.parquet")
    with pytest.raises(InputError, match="has no row for any image"):
        learn(options, truth=tmp_path / "other.parquet")


def test_truth_needs_that_equal_captions_are_no_negatives(options, table):
    with pytest.raises(ValueError, match="truth needs same_text: positive"):
        TrainConfig(**options, truth=table, same_text="negative")
