"""Whatever ends a training early, its last complete step is saved, and the same command goes on."""

import csv
import json
import shutil
import signal
import time

import pytest
import torch

from pipeline.errors import InputError, StorageError
from pipeline.interrupts import Interrupted
from stages.train import checkpoint
from stages.train.config import TrainConfig
from stages.train.loop import train
from tests.conftest import assert_close
from tests.stages.train.conftest import CSV, losses, start_together, weights, words

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow]


def learn(options, **more):
    return train(TrainConfig(**{**options, **more}), lambda step: None)


def step_of(folder):
    return torch.load(folder / "checkpoints/epoch_latest.pt", weights_only=True)["step"]


def same(left, right):
    return left.keys() == right.keys() and all(torch.equal(left[key], right[key]) for key in left)


@pytest.fixture
def eight_steps(options):
    """Four steps an epoch; nothing is written before the end."""
    return options | {"batch_size": 16, "epochs": 2, "save_steps": 0}


def copy_of(town, root):
    """Copy the tiles; give their paths in the order of the CSV."""
    rows = list(csv.DictReader((town / CSV).open()))
    for row in rows:
        (root / row["filepath"]).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(town / row["filepath"], root / row["filepath"])
    return [root / row["filepath"] for row in rows]


def test_an_unreadable_image_is_named_and_the_repaired_training_ends_as_if_it_had_been_whole(
    eight_steps, town, tmp_path
):
    whole = learn(eight_steps, name="whole")
    paths = copy_of(town, tmp_path / "copy")
    first = int(torch.load(whole / "checkpoints/epoch_latest.pt", weights_only=True)["step"])
    assert first == 8
    content = paths[5].read_bytes()
    paths[5].write_bytes(b"\xff\xd8 not a picture")
    broken = eight_steps | {"root_data_dir": tmp_path / "copy", "name": "broken"}
    with pytest.raises(InputError, match=r"\(row 6\): is not an image.*1 of 64 images cannot be"):
        learn(broken)
    paths[5].write_bytes(content)
    (tmp_path / "runs/broken/unreadable.jsonl").unlink()
    again = learn(broken)
    assert same(weights(whole), weights(again))
    assert losses(again) == losses(whole)


def test_unreadable_images_are_replaced_and_counted_up_to_the_limit(
    options, town, tmp_path, caplog
):
    paths = copy_of(town, tmp_path / "copy")
    for row in (5, 6, 40):
        paths[row].write_bytes(b"\xff\xd8 not a picture")
    copied = options | {"root_data_dir": tmp_path / "copy", "batch_size": 64}
    folder = learn(copied, max_bad_images=0.05)
    written = [json.loads(line) for line in (folder / "unreadable.jsonl").open()]
    assert sorted(line["row"] for line in written) == [6, 7, 41]
    assert "3 images cannot be read; other pairs took their places" in caplog.text
    some = learn(copied, max_bad_images=0.05, name="workers", workers=2)
    assert same(weights(folder), weights(some))
    with pytest.raises(InputError, match=r"3 of 64 images cannot be read, and --max-bad-images"):
        learn(copied, max_bad_images=0.04, name="too-many")


def test_ctrl_c_and_sigterm_save_the_last_step(eight_steps, tmp_path):
    whole = learn(eight_steps, name="whole")
    for signum in (signal.SIGINT, signal.SIGTERM):
        stopped = eight_steps | {"name": signum.name}
        folder = eight_steps["runs"] / signum.name
        out = tmp_path / f"{signum.name}.txt"
        (process,) = start_together(words(stopped), out, 1)
        deadline = time.monotonic() + 600
        while time.monotonic() < deadline and process.poll() is None:
            if (folder / "progress.jsonl").exists() and len(losses(folder)) >= 2:
                break
            time.sleep(0.01)
        process.send_signal(signum)
        assert process.wait() == 128 + signum, out.read_text()
        assert 2 <= step_of(folder) < 8
        assert "saved step" in out.read_text().replace("\n", " ")
        learn(stopped)
        assert same(weights(whole), weights(folder))


def test_a_full_disk_leaves_the_earlier_checkpoint(eight_steps, monkeypatch):
    save = checkpoint.save

    def full(folder, state, *, step, **rest):
        if step > 3:
            raise StorageError("the disk is full")
        save(folder, state, step=step, **rest)

    monkeypatch.setattr(checkpoint, "save", full)
    with pytest.raises(StorageError, match="the disk is full"):
        learn(eight_steps, save_steps=1)
    monkeypatch.undo()
    folder = eight_steps["runs"] / "run"
    assert step_of(folder) == 3
    learn(eight_steps, save_steps=1)
    assert same(weights(learn(eight_steps, name="whole")), weights(folder))


def test_an_interrupt_while_the_weights_change_waits_for_the_step(eight_steps, monkeypatch):
    from stages.train.step import Learner

    update = Learner._update_weights

    def interrupted(self):
        update(self)
        if not interrupted.sent:
            interrupted.sent = True
            signal.raise_signal(signal.SIGINT)

    interrupted.sent = False
    monkeypatch.setattr(Learner, "_update_weights", interrupted)
    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        with pytest.raises(Interrupted):
            learn(eight_steps)
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
    assert step_of(eight_steps["runs"] / "run") == 1


def test_an_error_while_the_weights_change_saves_nothing(eight_steps, monkeypatch):
    from stages.train.step import Learner

    def fails(self):
        raise RuntimeError("out of memory")

    monkeypatch.setattr(Learner, "_update_weights", fails)
    with pytest.raises(RuntimeError, match="out of memory"):
        learn(eight_steps)
    assert not (eight_steps["runs"] / "run/checkpoints/epoch_latest.pt").exists()


def test_a_finished_training_can_be_extended(options):
    folder = learn(options, epochs=2)
    longer = learn(options, epochs=3, extend=True)
    assert longer == folder
    assert step_of(folder) == 6
    assert len(losses(folder)) == 6
    assert_close(losses(folder)[:2], losses(learn(options, epochs=3, name="whole"))[:2], 1e-4)


def test_two_trainings_of_one_name_are_refused(options):
    from pipeline.errors import LockError
    from pipeline.locks import exclusive_lock

    folder = options["runs"] / "run"
    folder.mkdir(parents=True)
    with exclusive_lock(folder / "_lock"), pytest.raises(LockError, match=str(folder)):
        learn(options)
