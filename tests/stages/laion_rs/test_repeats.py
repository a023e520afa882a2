"""Pairs of the web that show the same image: the best of them is kept."""

import json
from pathlib import Path

import pytest
from PIL import Image

pytest.importorskip("open_clip")
pytest.importorskip("simplejpeg")
pytest.importorskip("sklearn")

from tests.stages.laion_rs.pictures import folder_of, ground, jpeg
from tests.stages.laion_rs.test_job import examples, job, rows_of, table  # noqa: F401

pytestmark = pytest.mark.filterwarnings("ignore")

SAME_IMAGE = "a better pair shows nearly the same image"


@pytest.fixture
def web(tmp_path: Path) -> tuple[Path, Path]:
    """Two fields; the first is there twenty times with other captions, and once resized."""
    first = ground(50)
    images = {f"copy{number}.jpg": jpeg(first) for number in range(20)}
    images["small.jpg"] = jpeg(first.resize((128, 128), Image.Resampling.BICUBIC))
    images["other.jpg"] = jpeg(ground(51))
    captions = {name: f"caption of {name}" for name in images}
    return folder_of(tmp_path / "images", images), table(tmp_path / "web.csv", captions)


def kept(web: tuple[Path, Path], examples: Path, out: Path, **options: object) -> list[str]:  # noqa: F811
    job(web[0], out, examples, web[1], kept={"threshold": 0.5, **options})
    return [row["filepath"] for row in rows_of(out / "laion_rs.csv")]


@pytest.mark.slow
def test_of_twenty_captions_of_an_image_and_a_small_copy_one_pair_is_kept(
    web: tuple[Path, Path],
    examples: Path,  # noqa: F811
    tmp_path: Path,
) -> None:
    out = tmp_path / "out"
    first, other = kept(web, examples, out)
    assert other == "other.jpg"
    assert first in {"copy0.jpg", "small.jpg"}  # that with the higher probability
    report = json.loads((out / "laion_rs_report.json").read_text())
    assert report["not_kept"] == {SAME_IMAGE: 20}
    assert not rows_of(out / "laion_rs.rejected.csv")
    assert kept(web, examples, out, near=0, max_per_image=2)[:2] == ["copy0.jpg", "copy1.jpg"]
    assert len(kept(web, examples, out, max_per_image=None)) == 22


@pytest.mark.slow
def test_vectors_find_what_no_hash_finds(
    web: tuple[Path, Path],
    examples: Path,  # noqa: F811
    tmp_path: Path,
) -> None:
    """Six pairs are in a part, and each part has its own store of vectors."""
    out = tmp_path / "out"
    kept(web, examples, out)
    (model,) = {path.parent for path in (out / "embeddings").glob("*/web")}
    assert len(list(model.glob("web/*/*.arrow"))) == 4
    all_alike = kept(web, examples, out, alike=0.3)
    scores = {row["filepath"]: row["score"] for row in rows_of(out / "laion_rs.csv")}
    assert all_alike == list(scores)
    assert len(all_alike) == 1
    assert len(kept(web, examples, out, alike=1.0, near=0)) == 3
