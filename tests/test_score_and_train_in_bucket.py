"""Scoring and training read the images of a run in a bucket as they read those of a folder."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("open_clip", reason="needs the extra clip")

from pipeline.atomic import write_bytes
from pipeline.bucket import BucketPath
from pipeline.cli.run import TOY
from pipeline.config import load_config
from pipeline.errors import InputError
from pipeline.runner import run
from skyscript.clip.pairs import CsvFolder, PairSource
from stages import PIPELINE
from stages.train.config import TrainConfig
from stages.train.loading import load_pairs, load_training_pairs
from tests.buckets import EVERY_STORAGE
from tests.conftest import content_of, skyscript

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

CSV = "SkyScript_train_unfiltered.csv"
TINY = ["--model", "tiny", "--name", "tiny", "--set", "pairs.shard_rows=20"]
OPTIONS = ["sample.max_objects=48", "sample.shard_rows=20", "runner.executor=serial"]
KINDS = ["statements.kinds=[count, not_count]", "density.cell=0.01"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Give a run on disk with its images in files or tars."""
    folder = tmp_path_factory.mktemp("runs")

    def built(layout: str) -> Path:
        root = folder / layout
        if not root.exists():
            options = [*OPTIONS, *KINDS, f"layout.images={layout}"]
            run(PIPELINE, load_config(TOY, PIPELINE, options), root, lambda event: None)
        return root

    return built


def copied(root: Path, bucket: BucketPath) -> BucketPath:
    """Copy a run to a bucket, as `aws s3 sync` does."""
    for path in sorted(root.rglob("*")):
        if path.is_file():
            write_bytes(bucket / "run" / str(path.relative_to(root)), path.read_bytes())
    return bucket / "run"


def score(root: object, out: object) -> str:
    words = ["--images", root, "--captions", f"{root}/{CSV}", "--out", out, *TINY]
    done = skyscript("score", *words)
    assert done.returncode == 0, done.stderr
    return done.stderr


def results(out: Path) -> dict[str, bytes]:
    """Give the scored CSV and the vectors; the tables name their inputs by other ids."""
    found = content_of(out)
    return {name: data for name, data in found.items() if name.endswith((".csv", ".arrow"))}


@EVERY_STORAGE
def test_scores_of_a_run_in_a_bucket_are_those_of_the_run_on_disk(
    runs: Callable[[str], Path], bucket: BucketPath, tmp_path: Path
) -> None:
    there = copied(runs("files"), bucket)
    score(runs("files"), tmp_path / "one")
    score(there, tmp_path / "other")
    expected = results(tmp_path / "one")
    assert len(expected) == 1 + 2 * 3
    assert results(tmp_path / "other") == expected
    score(there, bucket / "scored")
    inside = len((bucket / "scored").key) + 1
    written = {place.key[inside:]: place for place, _ in (bucket / "scored").objects()}
    assert {name: written[name].read_bytes() for name in expected} == expected


def test_images_in_tars_in_a_bucket_are_scored(
    runs: Callable[[str], Path], bucket: BucketPath, tmp_path: Path
) -> None:
    there = copied(runs("tars"), bucket)
    score(runs("tars"), tmp_path / "one")
    score(there, tmp_path / "other")
    assert results(tmp_path / "other") == results(tmp_path / "one")


def test_a_changed_image_alone_is_scored_again(
    runs: Callable[[str], Path], bucket: BucketPath
) -> None:
    there = copied(runs("files"), bucket)
    table = CsvFolder(runs("files") / CSV, there)
    before = [part["origin"][0].as_py() for part in table.parts(20)]
    assert [part["origin"][0].as_py() for part in table.parts(20)] == before
    (name, *_) = next(table.batches())["path"].to_pylist()
    write_bytes(there / name, b"another")
    after = [part["origin"][0].as_py() for part in table.parts(20)]
    assert [one == other for one, other in zip(before, after, strict=True)] == [False, True, True]
    assert table.identity() != CsvFolder(runs("files") / CSV, runs("files")).identity()


@pytest.mark.parametrize("layout", ["files", "tars"])
def test_training_reads_the_pairs_of_a_run_in_a_bucket(
    runs: Callable[[str], Path], bucket: BucketPath, layout: str
) -> None:
    here = runs(layout)
    there = copied(here, bucket)

    def pairs(root: object) -> Any:
        more = {"statements": f"{root}", "truth": f"{root}", "hard_negatives": 1}
        data = {"train_data": f"{root}/{CSV}", "root_data_dir": f"{root}", "model": "tiny"}
        return load_training_pairs(TrainConfig.model_validate(data | more))

    one, other = pairs(here), pairs(there)
    assert other.identity == one.identity
    assert other.truth.of.identity == one.truth.of.identity
    assert other.choice.statements.identity == one.choice.statements.identity
    assert len(one.texts) == 48
    for row in range(len(one.texts)):
        assert other.images.name(row) == one.images.name(row)
        assert other.images.read(row) == one.images.read(row)


def test_a_training_from_a_bucket_gives_the_weights_of_one_from_disk(
    runs: Callable[[str], Path], bucket: BucketPath, tmp_path: Path
) -> None:
    weights = []
    for number, root in enumerate((runs("files"), copied(runs("files"), bucket))):
        data = ["--train-data", f"{root}/{CSV}", "--root-data-dir", root, "--workers", 1]
        size = ["--model", "tiny", "--batch-size", 16, "--epochs", 1, "--warmup", 0]
        done = skyscript("train", *data, *size, "--name", number, "--runs", tmp_path)
        assert done.returncode == 0, done.stderr
        (file,) = (tmp_path / str(number) / "export").glob("*.safetensors")
        weights.append(file.read_bytes())
    assert weights[0] == weights[1]


def test_what_is_not_read_from_a_bucket_is_one_sentence(bucket: BucketPath) -> None:
    write_bytes(bucket / "a.tar", b"")
    data = {"train_data": f"{bucket}/a.tar", "model": "tiny"}
    with pytest.raises(InputError, match=r"a.tar: shards are read from this machine only: copy"):
        load_pairs(bucket / "a.tar", TrainConfig.model_validate(data))
    with pytest.raises(InputError, match=r"shards are read from this machine only.*--captions"):
        PairSource.model_validate({"images": str(bucket)}).source()
    done = skyscript("score", "--images", bucket, "--captions", bucket / "none.csv", "--out", "a")
    assert done.returncode == 2
    assert "none.csv: there is no such object, or no such bucket" in done.stderr
    done = skyscript("train", "--train-data", "a.csv", "--model", "tiny", "--runs", bucket / "runs")
    assert "copy it here" in done.stderr or "is an address" in done.stderr
