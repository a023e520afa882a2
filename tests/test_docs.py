"""The public face and the documentation: the tour runs, every link and page is there."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import skyscript
from pipeline.errors import InputError, ItemsFailed
from tests.conftest import REPOSITORY
from tests.conftest import skyscript as command

LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
PAGES = sorted([*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/**/*.md")])


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("docs") / "demo"
    chosen = ["--set", "sample.max_objects=120", "--set", "score.model=none"]
    done = command("demo", "--out", root, "--executor", "serial", *chosen)
    assert done.returncode == 0, done.stderr
    return root


@pytest.mark.slow
def test_the_tour_runs_from_its_first_line_to_its_last(demo: Path) -> None:
    pytest.importorskip("open_clip")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(REPOSITORY / "docs/tour.py"), str(demo)],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("True ")
    assert lines[1] == "a satellite image of leisure land of pitch, sport of tennis"
    assert lines[2].endswith(
        "with sport of tennis, surrounded by road of residential; building of house"
    )
    assert lines[-1].startswith("top-1 accuracy: ")


@pytest.mark.slow
def test_the_functions_that_need_no_model(demo: Path, tmp_path: Path) -> None:
    pairs = skyscript.read_pairs(demo / "SkyScript_train_unfiltered.csv")
    metas = skyscript.read_metas(demo)
    captions = skyscript.open_run(demo).table("captions").to_table()
    assert pairs["filepath"].to_pylist() == [
        path for path in captions["filepath"].to_pylist() if path is not None
    ]
    assert sorted(metas["filepath"].to_pylist()) == sorted(pairs["filepath"].to_pylist())
    assert metas["problem"].null_count == len(metas)
    first = metas.to_pylist()[0]
    titles = dict(zip(pairs["filepath"].to_pylist(), pairs["title"].to_pylist(), strict=True))
    assert skyscript.caption(dict(first["center_tags"])).title == titles[first["filepath"]]
    assert skyscript.caption_pickles(demo, tmp_path / "again.csv") == len(pairs)
    assert skyscript.read_pairs(tmp_path / "again.csv", ["title"]).column_names == ["title"]


def test_a_pickle_that_cannot_be_read_is_a_row_with_its_problem(tmp_path: Path) -> None:
    (tmp_path / "meta2").mkdir()
    (tmp_path / "meta2" / "n1_CH_19.pickle").write_bytes(b"no pickle")
    (row,) = skyscript.read_metas(tmp_path).to_pylist()
    assert row["filepath"] == "images2/n1_CH_19.jpg"
    assert "meta2/n1_CH_19.pickle" in row["problem"]
    assert row["center_tags"] is None


def test_own_labels_go_before_the_shipped_ones(tmp_path: Path) -> None:
    labels = tmp_path / "labels.csv"
    labels.write_text(
        "tag,groundable,max_gsd,phrase\nbuilding=church,no,,\nmy:key=x,yes,1,red thing\n"
    )
    assert skyscript.look_up("building=church").groundable
    assert not skyscript.look_up("building=church", labels).groundable
    said = skyscript.caption({"my:key": "x"}, own_labels=labels, prefix="")
    assert said.title == "red thing"


def test_mistakes_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not the folder of a run"):
        skyscript.open_run(tmp_path)
    with pytest.raises(InputError, match="1 images and 2 texts"):
        skyscript.score(None, ["a.jpg"], ["a", "b"])  # type: ignore[arg-type]
    with pytest.raises((InputError, ItemsFailed)):
        skyscript.download(["no such thing"], tmp_path)


def test_every_public_name_is_documented() -> None:
    for name in skyscript.__all__:
        assert getattr(skyscript, name).__doc__, name


def test_importing_the_library_imports_nothing_heavy() -> None:
    heavy = "torch open_clip osmium duckdb rasterio cv2 ee pandas"
    script = f"import skyscript, sys; print([n for n in '{heavy}'.split() if n in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_links_lead_to_files_that_are_there_and_lines_are_short(page: Path) -> None:
    text = page.read_text()
    for link in LINK.findall(text):
        if "://" not in link:
            assert (page.parent / link).exists(), link
    long = [line for line in text.splitlines() if len(line) > 120 and not line.startswith("|")]
    assert long == []


def test_the_site_lists_every_page() -> None:
    config = yaml.safe_load((REPOSITORY / "mkdocs.yml").read_text())
    listed = set(re.findall(r"[\w/-]+\.md", yaml.safe_dump(config["nav"])))
    assert listed == {
        str(page.relative_to(REPOSITORY / "docs")) for page in REPOSITORY.glob("docs/**/*.md")
    }
