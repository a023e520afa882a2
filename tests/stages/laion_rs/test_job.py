"""Remote-sensing pairs of the web, by the tiny CLIP: what stays, what is named, what is redone."""

import csv
import json
import shutil
import tarfile
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("open_clip")
pytest.importorskip("simplejpeg")
pytest.importorskip("sklearn")

from pipeline.config import config_of_command
from pipeline.errors import InputError, ItemsFailed
from pipeline.events import StageFinished
from pipeline.runner import run
from stages import LAION_RS_JOB
from stages.laion_rs import summarise
from tests.stages.laion_rs.pictures import bomb, folder_of, ground, jpeg, poster

pytestmark = pytest.mark.filterwarnings("ignore")

HALF = {"kept": {"threshold": 0.5}}
TITLES = {f"{kind}{n}.jpg": f"{kind} number {n}" for n in range(5) for kind in ("field", "poster")}


def job(images: Path, out: Path, examples: Path, captions: Path | None, **blocks: Any) -> set[str]:
    """Run the job; give the stages that worked."""
    given = {
        "images": images,
        "captions": captions,
        "model": "tiny",
        "threads": 1,
        "examples": {"remote_sensing": examples / "rs", "other": examples / "other"},
        "web": {"shard_rows": 6},
        "runner": {"executor": "serial"},
        **blocks,
    }
    events: list[object] = []
    try:
        run(LAION_RS_JOB, config_of_command(given, LAION_RS_JOB, [], "job"), out, events.append)
    finally:
        worked = {e.stage for e in events if isinstance(e, StageFinished) and e.ran}
    return worked


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("examples")
    folder_of(root / "rs", {f"{n}.jpg": jpeg(ground(n)) for n in range(6)})
    folder_of(root / "other", {f"{n}.jpg": jpeg(poster(n)) for n in range(6)})
    return root


def web_images() -> dict[str, bytes]:
    return {f"field{n}.jpg": jpeg(ground(50 + n)) for n in range(5)} | {
        f"poster{n}.jpg": jpeg(poster(50 + n)) for n in range(5)
    }


def table(path: Path, rows: dict[str, str]) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("filepath", "title"), *rows.items()])
    return path


@pytest.fixture(scope="module")
def done(examples: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("web")
    images = folder_of(root / "images", web_images())
    job(images, root / "out", examples, table(root / "web.csv", TITLES), **HALF)
    return root


def test_the_fields_stay_with_their_captions_and_a_score(done: Path) -> None:
    kept = rows_of(done / "out/laion_rs.csv")
    assert [(row["filepath"], row["title"]) for row in kept] == [
        (path, title) for path, title in TITLES.items() if path.startswith("field")
    ]
    assert all(0.5 < float(row["score"]) <= 1 for row in kept)
    assert not rows_of(done / "out/laion_rs.rejected.csv")
    report = json.loads((done / "out/laion_rs_report.json").read_text())
    assert report["cross_validated"]["auc"] == 1
    assert report["kept"] == 5
    assert report["not_kept"] == {"the classifier says no": 5}
    assert "AUC 1.0000" in summarise(done / "out")[0]


def test_a_second_run_does_nothing_and_a_threshold_costs_no_image(
    done: Path, examples: Path
) -> None:
    again = done / "again"
    shutil.copytree(done / "out", again)
    images, captions = done / "images", done / "web.csv"
    assert job(images, again, examples, captions, **HALF) == set()
    scores = sorted(float(row["score"]) for row in rows_of(done / "out/laion_rs.csv"))
    line = (scores[1] + scores[2]) / 2
    assert job(images, again, examples, captions, kept={"threshold": line}) == {"kept"}
    assert len(rows_of(again / "laion_rs.csv")) == 3


def test_another_classifier_judges_again_by_the_vectors_that_are_kept(
    done: Path, examples: Path
) -> None:
    again, more = done / "more", done / "more_examples"
    shutil.copytree(done / "out", again)
    shutil.copytree(examples, more)
    (more / "rs/new.jpg").write_bytes(jpeg(ground(99)))
    before = {path: path.stat().st_mtime_ns for path in again.glob("embeddings/*/web/**/*.arrow")}
    worked = job(done / "images", again, more, done / "web.csv", **HALF)
    assert worked == {"examples", "classifier", "judge", "kept"}
    after = {path: path.stat().st_mtime_ns for path in again.glob("embeddings/*/web/**/*.arrow")}
    assert before == after
    assert len(before) == 2


def test_hostile_and_missing_images_are_named_and_the_others_judged(
    examples: Path, tmp_path: Path
) -> None:
    odd = {"bomb.png": bomb(), "broken.jpg": b"\xff\xd8 broken", "field.jpg": jpeg(ground(70))}
    images = folder_of(tmp_path / "images", odd)
    names = ["bomb.png", "broken.jpg", "../../etc/passwd", "gone.jpg", "field.jpg"]
    rows = dict.fromkeys(names, "a caption") | {"empty.jpg": " "}
    with pytest.raises(ItemsFailed, match="judge"):
        job(images, tmp_path / "out", examples, table(tmp_path / "web.csv", rows))
    assert [row["filepath"] for row in rows_of(tmp_path / "out/laion_rs.csv")] == ["field.jpg"]
    rejected = {r["filepath"]: r["reason"] for r in rows_of(tmp_path / "out/laion_rs.rejected.csv")}
    assert rejected == {
        "bomb.png": "more pixels than any tile",
        "broken.jpg": "is not an image",
        "../../etc/passwd": "its path may not be read",
        "gone.jpg": "there is no such image",
        "empty.jpg": "it has no caption",
    }


def shards_of(folder: Path) -> Path:
    """Write the same pairs as two tars, one pair twice."""
    folder.mkdir()
    images = web_images()
    names = list(TITLES)
    for number, some in enumerate((names[:5], [*names[5:], names[0]])):
        with tarfile.open(folder / f"{number:05}.tar", "w") as tar:
            for index, name in enumerate(some):
                for kind, data in (("jpg", images[name]), ("txt", TITLES[name].encode())):
                    info = tarfile.TarInfo(f"{number}{index:04}.{kind}")
                    info.size = len(data)
                    tar.addfile(info, BytesIO(data))
    return folder


@pytest.mark.slow
def test_shards_give_the_same_pairs_and_their_images_are_written_out(
    done: Path, examples: Path, tmp_path: Path
) -> None:
    shards, out = shards_of(tmp_path / "shards"), tmp_path / "out"
    job(shards, out, examples, None, **HALF)
    kept = rows_of(out / "laion_rs.csv")
    of_folder = rows_of(done / "out/laion_rs.csv")
    assert [row["title"] for row in kept] == [row["title"] for row in of_folder]
    for row, other in zip(kept, of_folder, strict=True):
        assert (out / row["filepath"]).read_bytes() == web_images()[other["filepath"]]
        assert row["score"] == other["score"]
    report = json.loads((out / "laion_rs_report.json").read_text())
    assert report["not_kept"]["the same image with the same caption is there already"] == 1
    job(shards, out, examples, None, kept={"threshold": 1.0})
    assert not rows_of(out / "laion_rs.csv")
    assert not list((out / "images").rglob("*.jpg"))


@pytest.mark.slow
def test_a_tar_that_changed_is_judged_again(examples: Path, tmp_path: Path) -> None:
    """Names and captions are as before; only an image is another."""
    shards, out = shards_of(tmp_path / "shards"), tmp_path / "out"
    job(shards, out, examples, None, **HALF)
    assert job(shards, out, examples, None, **HALF) == set()
    first = shards / "00000.tar"
    with tarfile.open(first) as old:
        members = [(info, old.extractfile(info).read()) for info in old]  # type: ignore[union-attr]
    members[0] = (members[0][0], jpeg(poster(77)))
    with tarfile.open(first, "w") as tar:
        for info, data in members:
            info.size = len(data)
            tar.addfile(info, BytesIO(data))
    assert job(shards, out, examples, None, **HALF) == {"web", "judge", "kept"}
    # It was a field; the same field is there a second time, in the other tar.
    titles = [row["title"] for row in rows_of(out / "laion_rs.csv")]
    assert titles[-1] == TITLES["field0.jpg"]
    assert titles.count(TITLES["field0.jpg"]) == 1


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda rs, other: shutil.rmtree(other), "there is no such folder of examples"),
        (lambda rs, other: [f.unlink() for f in rs.iterdir()], "holds no image that can be used"),
        (lambda rs, other: (rs / "0.jpg").unlink(), "there are 4 usable remote-sensing examples"),
        (
            lambda rs, other: shutil.copy(rs / "1.jpg", other / "x.jpg"),
            "is the same image as remote_sensing/1.jpg",
        ),
    ],
)
def test_examples_that_cannot_teach_are_one_sentence(
    tmp_path: Path, change: Any, sentence: str
) -> None:
    rs = folder_of(tmp_path / "rs", {f"{n}.jpg": jpeg(ground(n)) for n in range(5)})
    other = folder_of(tmp_path / "other", {f"{n}.jpg": jpeg(poster(n)) for n in range(5)})
    change(rs, other)
    captions = table(tmp_path / "web.csv", {"a.jpg": "a"})
    with pytest.raises(InputError, match=sentence):
        job(tmp_path, tmp_path / "out", tmp_path, captions)


@pytest.mark.slow
def test_real_aerial_images_are_told_from_photographs(shared_data: Path, tmp_path: Path) -> None:
    """The photographs are three that scikit-learn and matplotlib ship, cut into windows.

    So those to judge show other windows of the same three; aerial ones are of another data set.
    """
    import matplotlib
    import sklearn.datasets

    person = Path(matplotlib.get_data_path()) / "sample_data/grace_hopper.jpg"
    photos = [*sklearn.datasets.load_sample_images().images, np.asarray(Image.open(person))]
    bench = shared_data / "bench"
    aerial = sorted((bench / "rsscn7").glob("*/*.jpg"))[::6]
    assert len(aerial) >= 15
    folder_of(tmp_path / "rs", {f"{n}.jpg": path.read_bytes() for n, path in enumerate(aerial)})
    windows = [window for photo in photos for window in _windows(photo, 6, seed=0)]
    folder_of(tmp_path / "other", {f"{n}.jpg": data for n, data in enumerate(windows)})
    web = {f"aerial{n}.jpg": p.read_bytes() for n, p in enumerate(_one_a_class(bench / "aid", 12))}
    windows = [window for photo in photos for window in _windows(photo, 4, seed=1)]
    web |= {f"photo{n}.jpg": data for n, data in enumerate(windows)}
    images = folder_of(tmp_path / "web", web)
    captions = table(tmp_path / "web.csv", {name: f"caption of {name}" for name in web})
    job(images, tmp_path / "out", tmp_path, captions, **HALF)
    kept = [row["filepath"] for row in rows_of(tmp_path / "out/laion_rs.csv")]
    right = sum(name.startswith("aerial") for name in kept)
    assert right >= 9, kept
    assert len(kept) - right <= 3, kept
    report = json.loads((tmp_path / "out/laion_rs_report.json").read_text())
    assert report["cross_validated"]["auc"] > 0.9


def _one_a_class(aid: Path, count: int) -> list[Path]:
    return [sorted(folder.glob("*.jpg"))[0] for folder in sorted(aid.iterdir()) if folder.is_dir()][
        :count
    ]


def _windows(photo: Any, count: int, seed: int) -> list[bytes]:
    draw = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        y, x = (int(draw.integers(0, side - 200)) for side in photo.shape[:2])
        found.append(jpeg(Image.fromarray(photo[y : y + 200, x : x + 200])))
    return found
