"""Images that lie in a bucket give the tiles that the same files on a disk give."""

import os
from pathlib import Path
from typing import Any

import pytest

from pipeline.atomic import write_bytes
from pipeline.bucket import BucketPath
from pipeline.config import parse_config
from pipeline.errors import InputError
from pipeline.events import ShardFinished
from pipeline.runner import run
from skyscript.backends.folder import FolderSource
from skyscript.backends.folder_files import content, files
from stages import PIPELINE
from tests.buckets import EVERY_STORAGE
from tests.conftest import TOWN, content_of
from tests.emulators.world import noise
from tests.skyscript.imagery.rasters import write_raster
from tests.test_every_fault_at_once import LAYOUT, PIXEL, WIDTH
from tests.test_services_end_to_end import ISLAND


def photographs(folder: Path) -> Path:
    """Write an image with a CRS of its own, one with a .prj beside it, and other files."""
    folder.mkdir()
    for seed, name in enumerate(("a.tif", "deep/b.tif")):
        (folder / name).parent.mkdir(exist_ok=True)
        pixels = noise(seed, 1520, WIDTH).transpose(2, 0, 1)
        write_raster(folder / name, pixels, "EPSG:3857", ISLAND, PIXEL, **LAYOUT)
    (folder / "deep/b.prj").write_text("of no use: the file has its own")
    (folder / "notes.txt").write_text("none of the images")
    (folder / "times.csv").write_text("file,acquired\na.tif,2019-05-01\ndeep/b.tif,2018-05-01\n")
    return folder


def uploaded(folder: Path, bucket: BucketPath) -> BucketPath:
    """Copy files to a bucket, and give them the times of the objects, as of a synced folder."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            place = bucket / "photographs" / path.relative_to(folder).as_posix()
            write_bytes(place, path.read_bytes())
            os.utime(path, ns=(place.stat().st_mtime_ns,) * 2)
    return bucket / "photographs"


def made(folder: object, root: Path, **runner: Any) -> list[str]:
    """Make tiles of the images; give the stages that made a part, in order."""
    source = {"backend": "folder", "path": f"{folder}", "acquired_table": f"{folder}/times.csv"}
    blocks = {
        "gsd_slack": 10,
        "extract": {"path": str(TOWN)},
        "sources": {"CH": source},
        "sample": {"max_objects": 30, "shard_rows": 16},
        "runner": {"executor": "serial"} | runner,
    }
    config = parse_config(blocks, PIPELINE, base=Path(), where="test")
    events: list[Any] = []
    until = [stage.name for stage in PIPELINE].index("fetch") + 1
    run(PIPELINE, config, root, events.append, only=[s.name for s in PIPELINE[:until]])
    return list(dict.fromkeys(e.stage for e in events if isinstance(e, ShardFinished)))


@pytest.mark.slow
@EVERY_STORAGE
def test_tiles_of_images_in_a_bucket_are_those_of_the_files(
    bucket: BucketPath, tmp_path: Path
) -> None:
    here = photographs(tmp_path / "here")
    there = uploaded(here, bucket)
    made(here, tmp_path / "one")
    made(there, tmp_path / "other", executor="processes", workers=2)
    expected = content_of(tmp_path / "one")
    assert len([name for name in expected if name.endswith(".jpg")]) > 10
    assert content_of(tmp_path / "other") == expected
    assert made(there, tmp_path / "one") == []


@pytest.mark.slow
def test_what_belongs_to_an_image_is_copied_and_a_change_is_noticed(
    bucket: BucketPath, tmp_path: Path
) -> None:
    there = uploaded(photographs(tmp_path / "here"), bucket)
    source = FolderSource.model_validate({"path": f"{there}"})
    found = files(source)
    assert [path.name for path in found] == ["a.tif", "b.tif"]
    assert sorted(path.name for path in found[0].parent.rglob("*.*")) == ["a.tif", "b.prj", "b.tif"]
    flat = FolderSource.model_validate({"path": f"{there}", "recursive": False})
    assert [path.name for path in files(flat)] == ["a.tif"]
    one = FolderSource.model_validate({"path": f"{there}/deep/b.tif"})
    assert sorted(path.name for path in files(one)[0].parent.iterdir()) == ["b.prj", "b.tif"]
    before = content(source)
    assert (
        content(source) == before == content(source.model_copy(update={"path": tmp_path / "here"}))
    )
    write_bytes(there / "deep/b.tif", (there / "a.tif").read_bytes())
    assert content(source) != before


def test_a_place_without_images_is_one_sentence(bucket: BucketPath) -> None:
    source = FolderSource.model_validate({"path": f"{bucket}/none"})
    with pytest.raises(InputError, match=rf"{bucket}/none: holds no file like \*.tif"):
        files(source)
