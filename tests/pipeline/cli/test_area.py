"""A run over a box, without a config of the user's."""

from pathlib import Path

import pytest
import yaml

from pipeline.cli.area import config_of_area
from pipeline.cli.run import TOY
from pipeline.config import load_config
from stages import PIPELINE
from tests.conftest import answered, skyscript

pytestmark = pytest.mark.slow


TOWN = TOY.parent / "town.osm.pbf"
BOX = "9.4,47.0,9.7,47.3"


def test_the_config_of_a_box_is_written_into_the_folder_of_the_run(tmp_path: Path) -> None:
    root = tmp_path / "run"
    options = ["--osm", TOWN, "--out", root, "--until", "boxes", "--executor", "serial"]
    done = skyscript("run", "--bbox", BOX, *options)
    assert done.returncode == 0, done.stderr
    blocks = yaml.safe_load((root / "config.yaml").read_text())
    assert blocks["extract"] == {"path": str(TOWN)}
    assert blocks["bbox"] == [9.4, 47.0, 9.7, 47.3]
    assert "CH" in blocks["sources"] and "US" not in blocks["sources"]
    again = skyscript("run", root / "config.yaml", "--out", root, "--until", "boxes")
    assert again.returncode == 0, again.stderr
    same = skyscript("run", "--bbox", BOX, *options)
    assert same.returncode == 0, same.stderr
    other = answered("run", "--bbox", "-83,39,-82,40", *options)
    assert other.returncode == 2
    assert "exists and differs from what --bbox -83,39,-82,40 gives" in other.stderr


def test_a_box_across_180_degrees_gets_the_sources_of_both_sides(tmp_path: Path) -> None:
    path = config_of_area("170,-45,-170,-40", Path("nz.osm.pbf"), tmp_path)
    blocks = yaml.safe_load(path.read_text())
    assert blocks["bbox"] == [170, -45, -170, -40]
    assert {"NZ", "S2"} <= set(blocks["sources"])
    assert load_config(path, PIPELINE).stages["eligible"].bbox == (170, -45, -170, -40)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ([], "give either a config, or --bbox"),
        ([str(TOY), "--bbox", BOX], "give either a config, or --bbox"),
        (["--bbox", BOX, "--out", "run"], "--bbox needs --osm and --out"),
        (["--bbox", "9,47,9", "--osm", "a.pbf", "--out", "run"], "write it as W,S,E,N"),
        (["--bbox", "9,48,10,47", "--osm", "a.pbf", "--out", "run"], "south below north"),
        (["--bbox", "9,47,8,48", "--osm", "a.pbf", "--out", "run"], "west must be below east"),
        ([str(TOY), "--osm", "a.pbf"], "give either a config, or --bbox"),
    ],
)
def test_a_box_that_cannot_be_used_gets_one_sentence(words: list[str], why: str) -> None:
    done = answered("run", *words)
    assert done.returncode == 2
    assert why in done.stderr
