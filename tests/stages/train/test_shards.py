"""WebDataset shards: any number of workers, a new order each epoch, and shards that fail midway."""

import csv
import json
import os

import pytest

from pipeline.errors import InputError
from stages.train.config import TrainConfig
from stages.train.loading import load_batches
from stages.train.loop import train
from stages.train.sampler import Batches, Split
from stages.train.unreadable import Unreadable
from tests.stages.train.conftest import CSV
from tests.stages.train.test_pairs import dataset, load, pair, shard
from tests.stages.train.test_ways_out import learn, same, step_of, weights

WORKERS = pytest.mark.parametrize("workers", [0, 2])


def two_shards(folder, pairs=6):
    """Write two shards; each caption is the number of its pair in x."""
    half = pairs // 2
    for name, numbers in (("a", range(half)), ("b", range(half, pairs))):
        some = (pair(f"n{number}", "x" * (number + 1)) for number in numbers)
        shard(folder / f"{name}.tar", [member for one in some for member in one])
    return folder


def batches_of(folder, workers, epochs=1, unreadable=None):
    pairs = load(folder)
    keys = Batches(pairs.texts, Split(2, 1, 1, 0), epochs, 0, "shuffled")
    config = TrainConfig(train_data=folder, workers=workers)
    return load_batches(dataset(pairs), keys, config, "cpu", unreadable)


def test_workers_may_outnumber_shards_and_each_epoch_has_a_new_order(tmp_path):
    two_shards(tmp_path, 12)
    (tmp_path / "b.tar").unlink()
    alone, many = [
        [length for batch in batches_of(tmp_path, workers, 3) for length in batch.tokens[:, 0]]
        for workers in (0, 2)
    ]
    assert alone == many
    epochs = [alone[:6], alone[6:12], alone[12:]]
    assert all(sorted(epoch) == [1, 2, 3, 4, 5, 6] for epoch in epochs)
    assert epochs[0] != epochs[1] != epochs[2]


def cut_off(path):
    os.truncate(path, 700)


def replaced(path):
    """Put another version with the same names and sizes in the place of a shard."""
    other = path.with_suffix(".new")
    other.write_bytes(path.read_bytes().replace(b"xxxx", b"yyyy"))
    other.rename(path)


def changed_in_place(path):
    with path.open("r+b") as file:
        file.write(b"n9")
    os.utime(path, ns=(1, 1))  # a file system may keep times to a second only


@WORKERS
@pytest.mark.parametrize("change", [cut_off, replaced, changed_in_place])
def test_a_shard_that_changes_is_named_and_no_image_of_it_is_used(tmp_path, change, workers):
    batches = batches_of(two_shards(tmp_path), workers)
    change(tmp_path / "b.tar")
    sentence = r"^[^\n]*b\.tar: was changed, cut off or replaced while the training reads it\..*"
    with pytest.raises(InputError, match=rf"{sentence}run the same command again\.$"):
        list(batches)


@WORKERS
def test_a_shard_that_is_removed_is_named(tmp_path, workers):
    batches = batches_of(two_shards(tmp_path), workers)
    (tmp_path / "b.tar").unlink()
    with pytest.raises(InputError, match=r"^[^\n]*b\.tar: can no longer be opened: No such file"):
        list(batches)


def test_a_cut_off_shard_is_named_before_the_training(tmp_path):
    data = (two_shards(tmp_path) / "b.tar").read_bytes()
    for size in (len(data) // 2, data.rindex(b"xxxx"), 100):
        (tmp_path / "b.tar").write_bytes(data[:size])
        with pytest.raises(InputError, match=r"b\.tar: is not an uncompressed tar, or is trunc"):
            load(tmp_path)


def test_a_member_that_is_no_image_is_named_with_its_shard(tmp_path):
    bad = pair("n1", "xx", pixels=b"\xff\xd8 not a picture")
    members = [*pair("n0", "x"), *bad, *pair("n2", "xxx"), *pair("n3", "xxxx")]
    shard(tmp_path / "a.tar", members)
    unreadable = Unreadable(tmp_path / "unreadable.jsonl", 0.25, 4)
    assert len(list(batches_of(tmp_path, 2, unreadable=unreadable))) == 2
    (line,) = (tmp_path / "unreadable.jsonl").read_text().splitlines()
    named = json.loads(line)
    assert named["row"] == 2
    assert named["reason"].startswith(f"{tmp_path / 'a.tar'}: n1.jpg (row 2): is not an image")
    with pytest.raises(InputError, match=r"a\.tar: n1\.jpg \(row 2\): is not an image.*Repair it"):
        list(batches_of(tmp_path, 2))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.slow
def test_the_training_saves_its_last_step_and_goes_on_with_the_repaired_shard(
    options, town, tmp_path
):
    rows = list(csv.DictReader((town / CSV).open()))
    for number, some in enumerate((rows[:32], rows[32:])):
        named = [(town / row["filepath"], row["title"]) for row in some]
        pairs = (pair(path.stem, title, pixels=path.read_bytes()) for path, title in named)
        shard(tmp_path / f"{number}.tar", [member for one in pairs for member in one])
    tars = options | {"train_data": tmp_path / "{0..1}.tar", "batch_size": 16, "save_steps": 0}
    whole = learn(tars, name="whole")
    content = (tmp_path / "1.tar").read_bytes()
    after = iter(range(100))

    def cut(_):
        if next(after) == 4:
            os.truncate(tmp_path / "1.tar", 4096)

    with pytest.raises(InputError, match=r"1\.tar: was changed, cut off or replaced"):
        train(TrainConfig(**tars | {"name": "cut"}), cut)
    assert 0 < step_of(tars["runs"] / "cut") < step_of(whole)
    (tmp_path / "1.tar").write_bytes(content)
    assert same(weights(whole), weights(learn(tars, name="cut")))
