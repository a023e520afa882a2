"""`skyscript check`: what would stop a run, and how large it would be, before it begins."""

import socket
from pathlib import Path

import numpy as np
import pytest
import rasterio
from shapely.geometry import box, mapping

from pipeline.cli.check import check
from pipeline.config import load_config
from stages import PIPELINE
from tests.conftest import TOWN, answered
from tests.emulators.stac import StacArchive, item
from tests.pipeline.cli.small_run import write_config

pytestmark = pytest.mark.slow


AROUND = (9.51, 47.13, 9.53, 47.15)
"""A box around the objects of the small map."""


def write_image(path: Path, box: tuple[float, float, float, float]) -> Path:
    path.parent.mkdir(exist_ok=True)
    profile = {"driver": "GTiff", "width": 60, "height": 60, "count": 3, "dtype": "uint8"}
    west, south, east, north = box
    place = rasterio.Affine((east - west) / 60, 0, west, 0, (south - north) / 60, north)
    with rasterio.open(path, "w", crs="EPSG:4326", transform=place, **profile) as file:
        file.write(np.full((3, 60, 60), 90, np.uint8))
    return path


def with_box(config: Path, box: tuple[float, float, float, float]) -> Path:
    """Give the config's map, in a file whose header states a box."""
    nodes = f'<node id="1" version="1" lat="{box[1]}" lon="{box[0]}"><tag k="a" v="b"/></node>'
    sides = dict(zip(("minlon", "minlat", "maxlon", "maxlat"), box, strict=True))
    stated = " ".join(f'{name}="{side}"' for name, side in sides.items())
    (config.parent / "map.osm").write_text(f'<osm version="0.6"><bounds {stated}/>{nodes}</osm>')
    config.write_text(config.read_text().replace("map.opl", "map.osm"))
    return config


def folder(path: str = "images", **more: object) -> dict[str, object]:
    return {"backend": "folder", "path": path, "acquired": "2020-05-01", **more}


def test_a_sound_config_is_described_and_nothing_is_written(tmp_path: Path) -> None:
    config = write_config(tmp_path)
    before = sorted(tmp_path.iterdir())
    done = answered("check", config)
    assert done.returncode == 0, done.stderr
    for line in ("source    SIM: simulated", "tiles     at most about 2;", "ready     "):
        assert line in done.stdout
    assert "licence   SIM: open (ODbL 1.0" in done.stdout
    assert sorted(tmp_path.iterdir()) == before


def test_the_size_of_a_pbf_tells_how_many_tiles_there_may_be(tmp_path: Path) -> None:
    config = write_config(tmp_path, extract={"path": str(TOWN)}, sample={})
    said = check(load_config(config, PIPELINE), tmp_path / "run", online=False).lines
    (line,) = (line for line in said if line.startswith("tiles"))
    count = int(line.split("about ")[1].split(";")[0].replace(",", ""))
    assert 6_467 <= count < 40_000  # the town has 6,467 objects


def test_the_share_of_the_objects_box_that_a_folder_covers_is_said(tmp_path: Path) -> None:
    config = with_box(write_config(tmp_path, sources={"XX": folder()}), (9.51, 47.13, 9.55, 47.15))
    write_image(tmp_path / "images" / "a.tif", AROUND)
    said = check(load_config(config, PIPELINE), tmp_path / "run", online=False)
    assert not said.problems
    assert any("1 images" in line and "covers 50% of the box" in line for line in said.lines)
    assert "licence   XX: not known: ask its publisher" in said.lines


def test_sources_elsewhere_are_a_problem_only_if_all_are(tmp_path: Path) -> None:
    images = {"XX": folder(), "YY": folder("other")}
    config = with_box(write_config(tmp_path, sources=images), AROUND)
    write_image(tmp_path / "images" / "a.tif", (20, 50, 20.1, 50.1))
    write_image(tmp_path / "other" / "a.tif", AROUND)
    settings = load_config(config, PIPELINE)
    said = check(settings, tmp_path / "run", online=False)
    assert not said.problems
    assert any(line.startswith("warning   XX: the images lie in ") for line in said.lines)
    write_image(tmp_path / "other" / "a.tif", (20, 50, 20.1, 50.1))
    done = answered("check", config)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("error: ")
    assert "YY: the images lie in " in done.stderr
    assert "km apart" in done.stderr


def test_every_broken_input_is_named_at_once(tmp_path: Path) -> None:
    config = write_config(tmp_path, sources={"XX": folder()}, own_labels="mine.csv")
    (tmp_path / "map.opl").unlink()
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.tif").write_bytes(b"II*\0broken")
    done = answered("check", config)
    assert done.returncode == 2
    for name in ("map.opl does not exist", "a.tif", "mine.csv"):
        assert name in done.stderr


def test_too_little_space_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = write_config(tmp_path, extract={"path": str(TOWN)}, sample={})
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 1000})())
    said = check(load_config(config, PIPELINE), tmp_path / "run", online=False)
    assert any("0.0 GB free, but the images need about 0." in each for each in said.problems)


def test_services_are_estimated_without_a_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("the network was used")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    sources = {"CH": {"backend": "stac"}, "US": {"backend": "earth_engine", "project": "p"}}
    config = with_box(write_config(tmp_path, sources=sources, sample={"max_objects": 9}), AROUND)
    config.write_text(config.read_text().replace("map.osm", str(TOWN)))
    said = "\n".join(check(load_config(config, PIPELINE), tmp_path / "run", online=False).lines)
    assert "requests  CH: up to 9 tiles, about one request each" in said
    assert "licence   US: open (public domain" in said
    assert "online    no service was asked" in said


def test_online_asks_whether_the_services_of_the_sources_answer(tmp_path: Path) -> None:
    coverage = mapping(box(*AROUND))
    with StacArchive({"photos": [item("a", "https://example.org/a.tif", coverage)]}) as archive:
        source = {"backend": "stac", "api": archive.url, "collection": "photos", "assets": ["rgb"]}
        config = write_config(tmp_path, sources={"XX": source})
        settings = load_config(config, PIPELINE)
        said = check(settings, tmp_path / "run", online=True).lines
    assert "online    XX: answers" in said
    said = check(settings, tmp_path / "run", online=True).lines
    assert any(line.startswith("online    XX: does not answer (") for line in said)


def test_the_box_of_a_run_cuts_what_is_counted(tmp_path: Path) -> None:
    half = [9.51, 47.13, 9.53, 47.2]
    config = with_box(write_config(tmp_path, bbox=half), (9.51, 47.13, 9.55, 47.15))
    said = check(load_config(config, PIPELINE), tmp_path / "run", online=False)
    assert not said.problems
    assert "bbox      9.51 47.13 9.53 47.2 holds 50.0% of the boxes of the OSM files" in said.lines
    none = check(
        load_config(config, PIPELINE, ["bbox=[1, 2, 3, 4]"]), tmp_path / "run", online=False
    )
    assert none.problems == ["`bbox` (1 2 3 4) holds no part of the boxes of the OSM files"]


def test_fewer_tiles_are_expected_of_a_box(tmp_path: Path, shared_data: Path) -> None:
    path = shared_data / "osm/liechtenstein.osm.pbf"
    found = []
    for bbox in (None, [9.4, 47, 9.5536475, 48]):  # the western half of the header's box
        config = write_config(tmp_path, extract={"path": str(path)}, sample={}, bbox=bbox)
        said = check(load_config(config, PIPELINE), tmp_path / "run", online=False).lines
        found += [line for line in said if line.startswith("tiles")]
    whole, half = (
        int(line.split("about ")[1].split()[0].strip(";").replace(",", "")) for line in found
    )
    assert half == pytest.approx(whole / 2, rel=0.02)
    assert "if the objects lie evenly" in found[1] and "evenly" not in found[0]
