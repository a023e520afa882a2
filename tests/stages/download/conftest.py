"""A bucket of small files with the published names, and downloads that do not wait."""

import os
import random
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import pytest
import stamina

from pipeline.events import TaskProgress
from stages.download import Artefact, DownloadConfig, Outcome, choose, download
from tests.emulators.published import FileServer

SYNC = 1 << 16
CSV = "SkyScript_val_5K_filtered_by_CLIP_openai.csv"
NAME = f"dataframe/{CSV.removesuffix('.csv')}.csv"


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=4, cap=True):
        yield


def noise(count: int, seed: int = 0) -> bytes:
    return random.Random(seed).randbytes(count)


@pytest.fixture
def bucket(tmp_path: Path) -> Iterator[FileServer]:
    files = tmp_path / "bucket"
    (files / "dataframe").mkdir(parents=True)
    (files / "benchmark").mkdir()
    (files / "dataframe" / CSV).write_bytes(b"filepath,title\n" + noise(300_000))
    with zipfile.ZipFile(files / "images2.zip", "w") as archive:
        for number in range(5):
            archive.writestr(f"images2/a{number}_CH_19.jpg", noise(50_000, number))
    with zipfile.ZipFile(files / "benchmark" / "aid.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("aid/aid_img_txt_pairs_test.csv", "filepath,label\n")
        archive.writestr("aid/classnames.txt", "airport\n")
        archive.writestr("__MACOSX/aid/._classnames.txt", "junk")
    with FileServer(files) as server:
        yield server


def source(bucket: FileServer) -> Path:
    assert bucket.files is not None
    return bucket.files / "dataframe" / CSV


def change_midway(bucket: FileServer) -> bytes:
    """Cut the first answer, then put another file of the same length in its place.

    Gives the content of that file.
    """
    bucket.faults.planned.append("cut")
    new = noise(source(bucket).stat().st_size, 7)

    def change() -> None:
        bucket.after_each = None
        source(bucket).write_bytes(new)
        os.utime(source(bucket), (1_700_000_000, 1_700_000_000))

    bucket.after_each = change
    return new


class Download(Protocol):
    """What the fixture gives."""

    root: Path
    report: Callable[[TaskProgress], None]

    def __call__(self, *names: str, **options: object) -> dict[str, Outcome]: ...

    def outcome(self, artefact: Artefact, **options: object) -> Outcome: ...


class _Download:
    def __init__(self, root: Path, base_url: str) -> None:
        self.root, self.base_url = root, base_url
        self.report: Callable[[TaskProgress], None] = lambda _: None

    def __call__(self, *names: str, **options: object) -> dict[str, Outcome]:
        # The published MD5s are of the published files, not of these.
        artefacts = [artefact._replace(md5=None) for artefact in choose(names)]
        outcomes = self._bring(artefacts, options)
        return {outcome.artefact.name: outcome for outcome in outcomes}

    def outcome(self, artefact: Artefact, **options: object) -> Outcome:
        (outcome,) = self._bring([artefact], options)
        return outcome

    def _bring(self, artefacts: list[Artefact], options: dict[str, object]) -> list[Outcome]:
        given = {"base_url": self.base_url, "sync_every": SYNC, "attempts": 4, **options}
        config = DownloadConfig.model_validate(given)
        return download(artefacts, self.root, config, self.report)


@pytest.fixture
def bring(tmp_path: Path, bucket: FileServer) -> Download:
    return _Download(tmp_path / "data", bucket.base_url)
