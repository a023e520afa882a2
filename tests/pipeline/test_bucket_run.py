"""A run in a bucket is a run: the same bytes as on a disk, whatever the network does."""

import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline import lease
from pipeline.bucket import BucketPath
from pipeline.errors import ConfigError, LockError, StorageError
from pipeline.locks import exclusive_lock, lock_holder, shared_lock
from pipeline.record import recording
from pipeline.run import Run
from pipeline.storage import place_of
from tests.buckets import EVERY_STORAGE
from tests.conftest import REPOSITORY
from tests.emulators.faults import Faults
from tests.emulators.storage import AFTER, Storage
from tests.pipeline.recipe import NUMBERS, RECIPE
from tests.pipeline.world import World

pytestmark = pytest.mark.slow


TWO = {"executor": "processes", "workers": 2}


@pytest.fixture
def there(bucket: BucketPath) -> World:
    return World(bucket / "runs/town")


@pytest.fixture
def on_disk(world: World) -> dict[str, bytes]:
    world.run()
    return world.content()


@EVERY_STORAGE
def test_a_run_in_a_bucket_has_the_bytes_of_a_run_on_disk(
    there: World, on_disk: dict[str, bytes]
) -> None:
    there.run()
    assert there.content() == on_disk
    assert len(there.ran()) == 4 + 4 + 1
    assert there.sum() == sum(n * n for n in range(10))
    there.run()
    assert there.ran() == []


def test_worker_processes_give_the_same_bytes_in_a_bucket(
    there: World, on_disk: dict[str, bytes]
) -> None:
    there.run(runner=TWO)
    assert there.content() == on_disk


def test_a_bucket_itself_can_be_the_folder_of_a_run(
    bucket: BucketPath, on_disk: dict[str, bytes]
) -> None:
    there = World(bucket)
    there.run()
    assert there.content() == on_disk


@EVERY_STORAGE
@pytest.mark.parametrize("kinds", [("500", "503"), ("cut", "slow"), (AFTER,)])
def test_faults_of_the_network_change_no_byte(
    there: World, on_disk: dict[str, bytes], storage: Storage, kinds: tuple[str, ...]
) -> None:
    storage.behave(Faults(share=0.1, kinds=kinds, seed=7))
    there.run()
    storage.behave(Faults())
    assert there.content() == on_disk


def test_lost_objects_are_made_again_alone(there: World) -> None:
    there.run()
    before = there.content()
    (there.root / "tables/squares/part-00002.parquet").unlink()
    (there.root / "files/0.txt").unlink()
    there.run()
    assert sorted(there.ran()) == [("square", 0), ("square", 2)]
    assert there.content() == before


@EVERY_STORAGE
def test_a_damaged_part_is_noticed_when_it_is_read(there: World) -> None:
    there.run()
    before = there.content()
    part = there.root / "tables/numbers/part-00001.parquet"
    part.write_bytes(bytes(len(part.read_bytes())))
    there.run(square={"power": 3})
    there.run()
    assert there.content() == before


def test_files_that_a_rebuilt_table_no_longer_names_are_removed(there: World) -> None:
    there.run()
    (there.root / "files/mine.txt").write_bytes(b"of the user")
    there.run(count={"upto": 3})
    names = [name for name in there.content() if name.startswith("files/")]
    assert names == ["files/0.txt", "files/1.txt", "files/4.txt", "files/mine.txt"]


@EVERY_STORAGE
def test_the_log_and_the_commands_of_several_runs_are_kept(there: World) -> None:
    for word in ("first", "second"):
        with recording(there.root, RECIPE, there.config(), ["skyscript", word]):
            logging.getLogger().warning("the %s run", word)
    assert (there.root / "_config.yaml").is_file()
    said = (there.root / "_run.log").read_bytes().decode().splitlines()
    assert [line.partition("the ")[2] for line in said] == ["first run", "second run"]
    commands = (there.root / "_commands.log").read_bytes().decode().splitlines()
    assert [line.split()[-1] for line in commands] == ["first", "second"]


@EVERY_STORAGE
def test_runs_of_some_shards_end_as_one_run(there: World, on_disk: dict[str, bytes]) -> None:
    there.run(only=("count",))
    for shards in (range(2, 4), range(0, 2)):
        there.run(shards=shards)
    there.run()
    assert there.content() == on_disk


def test_a_bucket_with_other_objects_is_no_place_for_a_run(there: World) -> None:
    (there.root / "photos/1.jpg").write_bytes(b"")
    with pytest.raises(ConfigError, match=r"s3://.*/runs/town: contains files but no run"):
        there.run()


def test_an_address_that_is_no_bucket_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"http://a/b: is an address; choose a folder, or"):
        place_of("http://a/b")


@EVERY_STORAGE
def test_a_second_run_is_refused_with_the_first_one(there: World) -> None:
    with exclusive_lock(there.root / "_lock"):
        holder = f"process {os.getpid()} on "
        assert (lock_holder(there.root / "_lock") or "").startswith(holder)
        with pytest.raises(LockError, match=rf"runs/town: {holder}.* uses this folder"):
            there.run()
    assert lock_holder(there.root / "_lock") is None
    there.run()


@EVERY_STORAGE
def test_runs_of_shards_share_a_folder_and_keep_others_out(there: World) -> None:
    lock = there.root / "_lock"
    there.run(only=("count",))
    with shared_lock(lock), shared_lock(lock):
        with pytest.raises(LockError, match="another run with --shards uses this folder"):
            there.run()
        assert lock_holder(lock) == "another run with --shards"
    with exclusive_lock(lock), pytest.raises(LockError, match=r"process .* uses this folder"):
        there.run(shards=range(2))


@EVERY_STORAGE
def test_a_lock_that_is_not_renewed_is_taken_over(
    there: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    (there.root / "_lock").write_bytes(b'{"holder": "process 1 on a lost node"}')
    monkeypatch.setattr(lease, "LASTS", 1.0)
    time.sleep(2.1)
    there.run()
    assert Run(there.root).tables == ["numbers", "squares", "sum"]


@EVERY_STORAGE
def test_a_renewed_lock_is_kept_for_longer_than_it_lasts(
    there: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "LASTS", 2.0)
    monkeypatch.setattr(lease, "RENEWED_EVERY", 0.2)
    with exclusive_lock(there.root / "_lock"):
        time.sleep(3.5)
        with pytest.raises(LockError), exclusive_lock(there.root / "_lock"):
            pass


@EVERY_STORAGE
def test_a_run_that_loses_its_lock_stops(there: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "RENEWED_EVERY", 0.1)
    lost = pytest.raises(StorageError, match="the lock could not be renewed")
    with lost, exclusive_lock(there.root / "_lock"):
        (there.root / "_lock").write_bytes(b'{"holder": "process 1 on another node"}')
        time.sleep(10)
    assert (there.root / "_lock").read_bytes() == b'{"holder": "process 1 on another node"}'


@pytest.mark.slow
def test_a_killed_run_is_continued(
    there: World, on_disk: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    code = (
        "from pipeline.storage import place_of; from tests.pipeline.world import World; "
        f"World(place_of({str(there.root)!r})).run(square={{'pause': 0.2}})"
    )
    killed = subprocess.Popen([sys.executable, "-c", code], cwd=REPOSITORY)
    folder = Run(there.root).folder(NUMBERS)
    done = there.root / "tables/squares/_receipts/00001.json"
    while not done.exists():
        assert killed.poll() is None
        time.sleep(0.1)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    with pytest.raises(LockError, match="The lock of a process that was killed ends after 120 s"):
        there.run()
    monkeypatch.setattr(lease, "LASTS", 1.0)
    time.sleep(2.1)
    there.run()
    assert folder.is_whole()
    assert 0 < [stage for stage, _ in there.ran()].count("square") <= 3
    assert there.content() == on_disk
