"""The command `skyscript download`, as a user runs it, kills it and runs it again."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import COMMAND, answered, skyscript
from tests.emulators.published import FileServer
from tests.stages.download.conftest import noise

pytestmark = pytest.mark.slow


CSV = "SkyScript_train_unfiltered_5M.csv"
SIZE = 3_000_000


@pytest.fixture
def bucket(tmp_path: Path) -> Iterator[FileServer]:
    (tmp_path / "bucket/dataframe").mkdir(parents=True)
    (tmp_path / "bucket/dataframe" / CSV).write_bytes(noise(SIZE))
    with FileServer(tmp_path / "bucket") as server:
        yield server


def arguments(bucket: FileServer, root: Path) -> list[str]:
    more = ["--connections", "2", "--set", "sync_every=65536", "--set", "attempts=2"]
    return ["download", CSV, "--to", str(root), "--base-url", bucket.base_url, *more]


@pytest.mark.slow
def test_killed_and_run_again_it_goes_on_and_then_does_nothing(
    bucket: FileServer, tmp_path: Path
) -> None:
    root = tmp_path / "data"
    bucket.pause = 0.05
    process = subprocess.Popen([*COMMAND, *arguments(bucket, root)], stderr=subprocess.DEVNULL)
    while sum(part.stat().st_size for part in root.glob("_download/*.part")) < SIZE // 5:
        assert process.poll() is None
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert not (root / CSV).exists()
    bucket.pause, bucket.given = 0.0, 0
    done = skyscript(*arguments(bucket, root))
    assert done.returncode == 0, done.stderr
    assert f"fetched  dataframe/{CSV}: 3.0 MB, verified by the server's MD5" in done.stderr
    assert bucket.given <= SIZE - SIZE // 5 + 2 * 65536
    assert (root / CSV).read_bytes() == noise(SIZE)
    calls = len(bucket.desk.calls)
    again = skyscript(*arguments(bucket, root))
    assert again.returncode == 0
    assert f"there    dataframe/{CSV}: complete" in again.stderr
    assert len(bucket.desk.calls) == calls


def test_what_does_not_come_is_named_and_ends_with_1(bucket: FileServer, tmp_path: Path) -> None:
    done = skyscript(*arguments(bucket, tmp_path / "data"), "images7")
    assert done.returncode == 1
    assert "images7.zip: 404: the server has no such file." in done.stderr
    assert "1 of 2 failed: images7" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_list_names_all_without_a_network() -> None:
    said = answered("download", "--list").stdout
    for name in ("images2", "benchmark/SkyScript_cls", "ckpt/CLIP_ViT_L14_LAION_RS", CSV):
        assert name in said


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "name the files to download"),
        (["aid", "--base-url", "ftp://example.org", "--set", "limits.max_byte=3"], "max_byte'"),
    ],
)
def test_a_mistake_is_one_sentence(arguments: list[str], sentence: str, tmp_path: Path) -> None:
    done = answered("download", *arguments, "--to", tmp_path / "data")
    assert done.returncode == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "data").exists()
