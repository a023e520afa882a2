"""`skyscript look`: what became of one object, and why."""

from pathlib import Path

import pytest

from pipeline.cli.look import look_lines
from tests.conftest import answered
from tests.pipeline.cli.small_run import build

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a run of four objects: one has no tile, one no geometry."""
    return build(tmp_path_factory.mktemp("look"))


def said_of(run: Path, name: str) -> str:
    done = answered("look", run, name)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_an_object_with_a_pair_shows_every_table_its_image_and_its_captions(run: Path) -> None:
    said = said_of(run, "a5")
    heads = [line.split()[0] for line in said.splitlines() if line and not line.startswith(" ")]
    tables = ["boxes", "vocab", "eligible", "focus", "tiles", "wanted", "objects", "images"]
    assert heads == ["a5", *tables, "match", "meta", "captions", "pairs", "files"]
    assert "https://www.openstreetmap.org/way/5" in said
    assert "building=church: seen up to 1 m a pixel as 'building of church' (label: " in said
    assert "title: a satellite image of building of church\n" in said
    (image,) = (line for line in said.splitlines() if line.startswith("  image: "))
    assert Path(image.removeprefix("  image: ")).is_file()
    assert "SkyScript_train_unfiltered.csv: row " in said


def test_the_path_of_an_image_names_its_object(run: Path) -> None:
    (image,) = run.glob("images?/a5_*.jpg")
    assert said_of(run, str(image)) == said_of(run, "a5")


def test_a_dropped_object_says_why_and_no_later_table_is_shown(run: Path) -> None:
    said = said_of(run, "a6")
    assert "boxes      filtered: nodes of the way are not in the extract" in said
    assert "focus" not in said


def test_an_object_without_a_tile_is_context(run: Path) -> None:
    assert said_of(run, "n1").splitlines()[-1] == (
        "focus      no row: the object has no tile of its own, it is only context of others"
    )


def test_hostile_text_of_a_tag_is_printed_as_text(run: Path) -> None:
    said = said_of(run, "n1")
    assert r"name=[red]\x1b[31m\u202e: cannot be seen" in said
    assert all(letter.isprintable() or letter == "\n" for letter in said)


def test_a_lost_image_is_said(run: Path) -> None:
    (image,) = run.glob("images?/n2_*.jpg")
    kept = image.read_bytes()
    image.unlink()
    try:
        assert f"image: {image}  (this file is missing)" in [
            line.strip() for line in look_lines(run, "n2")
        ]
    finally:
        image.write_bytes(kept)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("w5", "has no object w5; this way is an area: a5"),
        ("n77", "has no object n77: extract found none"),
        ("church", "church: is no object: write its kind"),
    ],
)
def test_a_name_without_an_object_is_one_sentence(run: Path, name: str, sentence: str) -> None:
    done = answered("look", run, name)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert sentence in done.stderr


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    done = answered("look", tmp_path, "a5")
    assert (done.returncode, done.stderr) == (
        2,
        f"error: {tmp_path}: is not the folder of a run\n",
    )
