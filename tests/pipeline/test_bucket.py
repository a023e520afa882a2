"""Objects behave as files do, whatever becomes of the answers of the storage."""

import pickle
import random
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline import bucket as objects
from pipeline.append import open_to_append
from pipeline.atomic import appending, content_id, content_id_of_file, write_bytes, write_file
from pipeline.bucket import BucketPath
from pipeline.errors import ConfigError, StorageError
from pipeline.parquet_files import open_parts
from pipeline.storage import Sizes, local_copy, matching, place_of, remove_all, scan
from tests.buckets import in_every_storage as pytest_generate_tests  # noqa: F401 - pytest's name
from tests.emulators.storage import AFTER, Storage

pytestmark = pytest.mark.slow


def test_an_address_is_read_as_bucket_and_key() -> None:
    place = place_of("s3://images/run//town/")
    assert place == BucketPath("s3://images", "run/town")
    assert str(place / "a.jpg") == "s3://images/run/town/a.jpg"
    assert (place.name, str(place.parent)) == ("town", "s3://images/run")
    assert pickle.loads(pickle.dumps(place)) == place
    assert place_of("runs/town") == Path("runs/town")
    with pytest.raises(ConfigError, match=r"cannot contain '\.\.'"):
        place_of("s3://images/../other")


def test_an_address_without_the_extra_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "obstore", None)
    with pytest.raises(ConfigError, match=r"s3://images/run: buckets need the extra `storage`"):
        place_of("s3://images/run")
    assert place_of("runs/town") == Path("runs/town")


def test_an_address_of_no_bucket_is_answered_by_the_form() -> None:
    for wrong in ("s3://", "S3://images/run", "https://images/run"):
        with pytest.raises(ConfigError, match=r"is an address; .*a bucket \(s3://BUCKET/NAME, gs"):
            place_of(wrong)


@pytest.mark.parametrize("fault", ["500", "503", "cut", "slow", AFTER])
def test_a_fault_is_repeated_and_changes_nothing(
    bucket: BucketPath, storage: Storage, fault: str
) -> None:
    data = bytes(range(256)) * 40

    def faulty() -> None:
        storage.faults.planned.append(fault)

    faulty()
    write_bytes(bucket / "a/b.bin", data)
    faulty()
    assert (bucket / "a/b.bin").read_bytes() == data
    faulty()
    assert [place.name for place, _ in bucket.objects()] == ["b.bin"]
    faulty()
    assert matching(bucket, "a/*.bin") == [bucket / "a/b.bin"]
    faulty()
    (bucket / "a/b.bin").unlink()
    assert not (bucket / "a/b.bin").exists()
    storage.faults.planned.clear()


def test_a_large_object_is_written_in_parts_and_read_in_pieces(
    bucket: BucketPath, storage: Storage, tmp_path: Path
) -> None:
    data = bytes(range(256)) * (70 << 10)  # 18 MB
    storage.faults.planned.extend(["500", AFTER, "cut"])
    write_file(bucket / "large.bin", lambda temporary: temporary.write_bytes(data))
    storage.faults.planned.append("cut")
    with (bucket / "large.bin").open() as file:
        file.seek(9 << 20)
        assert file.read(300) == data[9 << 20 : (9 << 20) + 300]
    assert content_id_of_file(bucket / "large.bin") == content_id(data)
    assert local_copy(bucket / "large.bin").read_bytes() == data


def test_a_write_in_parts_whose_last_answer_is_lost_is_made_again(
    bucket: BucketPath, storage: Storage
) -> None:
    data = bytes(range(256)) * (24 << 10)  # 6 MB: two parts
    storage.faults.planned.extend(["none"] * 3 + [AFTER])
    write_file(bucket / "large.bin", lambda temporary: temporary.write_bytes(data))
    assert (bucket / "large.bin").read_bytes() == data


def test_a_write_that_fails_leaves_no_object(bucket: BucketPath) -> None:
    def fail(temporary: Path) -> None:
        temporary.write_bytes(b"half")
        raise ValueError

    with pytest.raises(ValueError):
        write_file(bucket / "out.csv", fail)
    assert not bucket.exists()


def test_a_changed_object_is_copied_again(bucket: BucketPath) -> None:
    write_bytes(bucket / "a.txt", b"one")
    first = local_copy(bucket / "a.txt")
    assert local_copy(bucket / "a.txt") == first
    write_bytes(bucket / "a.txt", b"two")
    assert local_copy(bucket / "a.txt").read_bytes() == b"two"
    assert first.read_bytes() == b"one"


def test_a_copy_that_broke_off_is_continued(
    bucket: BucketPath, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = random.Random(0).randbytes(40 << 20)
    write_bytes(bucket / "large.bin", data)
    read_piece, read = BucketPath.read_piece, []

    def break_off(place: BucketPath, start: int, end: int) -> object:
        read.append(start)
        if start >= 24 << 20 and len(read) < 5:
            raise StorageError("away")
        return read_piece(place, start, end)

    monkeypatch.setattr(BucketPath, "read_piece", break_off)
    with pytest.raises(StorageError, match="away"):
        local_copy(bucket / "large.bin")
    before = max(read)
    read[:] = [0] * 5
    copy = local_copy(bucket / "large.bin")
    assert copy.read_bytes() == data
    assert min(read[5:]) >= before - (2 << 20) > 0
    assert [file.name for file in copy.parent.iterdir()] == ["large.bin"]


def test_an_object_that_changes_while_it_is_copied_is_copied_again(
    bucket: BucketPath, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_bytes(bucket / "a.txt", b"one")
    opened = BucketPath.open
    later = [b"three", b"two"]

    def open_then_change(place: BucketPath) -> object:
        source = opened(place)
        if later:
            write_bytes(place, later.pop())
        return source

    monkeypatch.setattr(BucketPath, "open", open_then_change)
    assert local_copy(bucket / "a.txt").read_bytes() == b"three"
    later[:] = [b"7" * size for size in range(9)]
    write_bytes(bucket / "a.txt", b"other")
    with pytest.raises(StorageError, match=r"a.txt: changes while it is copied"):
        local_copy(bucket / "a.txt")


def test_a_condition_lets_one_of_two_writers_through(bucket: BucketPath) -> None:
    place = bucket / "lock"
    version = place.write_if(b"1", None)
    assert version is not None
    assert place.write_if(b"2", None) is None
    assert place.write_if(b"2", version) is not None
    assert place.write_if(b"3", version) is None
    assert place.read_bytes() == b"2"


def test_folders_are_listed_as_on_a_disk(bucket: BucketPath, tmp_path: Path) -> None:
    for root in (bucket, tmp_path):
        for name in ("t/part-0.parquet", "t/_receipts/0.json", "t2/x"):
            write_bytes(root / name, b"1234")
    for pattern in ("*", "t/*.parquet", "*/_receipts/*.json", "t"):
        found = [str(place) for place in matching(bucket, pattern)]
        assert [name.removeprefix(f"{bucket}/") for name in found] == [
            str(path.relative_to(tmp_path)) for path in matching(tmp_path, pattern)
        ]
    for root in (bucket, tmp_path):
        assert {e.name for e in scan(root / "t")} - {"_receipts"} == {"part-0.parquet"}
        assert list(scan(root / "none")) == []
        sizes = Sizes(root)
        assert [sizes(name) for name in ("t2/x", "t2/y", "t", "x/y")] == [4, None, None, None]
        remove_all(root / "t")
        assert [path.name for path in matching(root, "*")] == ["t2"]


def test_parts_are_a_dataset(bucket: BucketPath) -> None:
    parts = [bucket / f"part-{number}.parquet" for number in range(3)]
    for number, part in enumerate(parts):
        table = pa.table({"n": [number, number + 10]})
        write_file(part, lambda file, table=table: pq.write_table(table, file))
    dataset = open_parts(parts, pa.schema([("n", pa.int64())]))
    assert dataset.files == [str(part) for part in parts]
    assert dataset.to_table()["n"].to_pylist() == [0, 10, 1, 11, 2, 12]
    assert open_parts(parts[1:], None).count_rows() == 4


def test_what_is_appended_is_there_whole(bucket: BucketPath) -> None:
    for words in (b"one\n", b"two\n"):
        with appending(bucket / "log") as path, path.open("ab") as file:
            file.write(words)
    assert (bucket / "log").read_bytes() == b"one\ntwo\n"
    for start in (0, 40):
        journal = open_to_append(bucket / "journal")
        for number in range(start, start + 40):
            journal.write(b"%d\n" % number)
        written = (bucket / "journal").read_bytes().splitlines()
        assert len(written) == start + 32
        journal.close()
    assert (bucket / "journal").read_bytes().split() == [b"%d" % n for n in range(80)]


def test_a_storage_that_is_away_is_one_sentence(
    bucket: BucketPath, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.requests_to_bucket._SECONDS_OF_RETRIES", 0)
    objects.connect.cache_clear()
    storage.faults.share, storage.faults.kinds = 1.0, ("500",)
    with pytest.raises(StorageError, match=r"://.*/a: the storage does not answer .*run the sa"):
        (bucket / "a").read_bytes()
