"""Images on their way into a tar: what a kill leaves is used, and what changed is not."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from pipeline.errors import InputError
from pipeline.stage import Shard
from skyscript.files.image_tars import image_file
from stages import tables
from stages.fetch import FetchConfig, fetch, image_store
from stages.fetch.image_store import pack
from stages.index import IndexConfig, index
from tests.stages.fetch.test_stage import NO_FOCUS, NO_OBJECTS, folder, noise, tile, write_raster

pytestmark = pytest.mark.slow


SHARD = 7
IN_TARS, IN_FILES = (
    ds.dataset(pa.table({"layout": [name]}, schema=tables.LAYOUT.schema))
    for name in ("tars", "files")
)


class Killed(BaseException):
    """The process ends here."""


def make(root: Path, names: str, layout: ds.Dataset = IN_TARS) -> pa.Table:
    """Fetch a tile for each name, and pack the images."""
    raster = root.parent / "a.tif"
    if not raster.exists():
        write_raster(raster, noise())
    sources = {"CH": folder(raster)}
    indexing = IndexConfig.model_validate({"sources": sources})
    scenes = ds.dataset(pa.concat_tables(index(NO_FOCUS, config=indexing, root=root)))
    tiles = pa.Table.from_pylist(
        [tile(f"n{ord(name)}", "CH/a.tif") for name in names], schema=tables.TILES.schema
    )
    config, shard = FetchConfig.model_validate({"sources": sources}), Shard(SHARD, root)
    made = fetch(tiles, scenes, NO_OBJECTS, layout, config=config, shard=shard)
    return pack(made, shard)


def read(root: Path, images: pa.Table) -> list[bytes]:
    return [image_file(root, row).read_bytes() for row in images.to_pylist()]


def state(root: Path) -> dict[str, bytes]:
    files = (path for path in root.rglob("*") if path.is_file() and "_ledger" not in path.parts)
    return {str(path.relative_to(root)): path.read_bytes() for path in files}


def test_a_shard_leaves_one_tar_and_no_file(tmp_path: Path, cuts: list[str]) -> None:
    images = make(tmp_path / "run", "abc")
    assert [*state(tmp_path / "run")] == ["image_tars/00007.tar"]
    assert len(cuts) == 3
    assert all(data.startswith(b"\xff\xd8") for data in read(tmp_path / "run", images))


@pytest.mark.parametrize("moment", ["before the tar", "after the tar", "after the files"])
def test_a_shard_that_was_killed_while_it_was_packed_is_packed_without_another_cut(
    tmp_path: Path, cuts: list[str], monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    whole = make(tmp_path / "whole", "abc")
    cuts.clear()
    name = "remove_all" if moment == "after the tar" else "write_tar"
    done = getattr(image_store, name)

    def killed(*arguments: Any) -> None:
        if moment == "after the files":
            done(*arguments)
            image_store.remove_all(tmp_path / "run" / "image_tars" / "_00007")
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(image_store, name, killed)
        with pytest.raises(Killed):
            make(tmp_path / "run", "abc")
    again = make(tmp_path / "run", "abc")
    assert len(cuts) == 3
    assert again.equals(whole)
    assert state(tmp_path / "run") == state(tmp_path / "whole")


def test_more_tiles_make_the_tar_again_from_the_images_in_it(
    tmp_path: Path, cuts: list[str]
) -> None:
    make(tmp_path / "run", "ac")
    images = make(tmp_path / "run", "abc")
    assert len(cuts) == 3
    assert images.equals(make(tmp_path / "whole", "abc"))


@pytest.mark.parametrize("layouts", [(IN_FILES, IN_TARS), (IN_TARS, IN_FILES)])
def test_another_layout_moves_the_images_without_another_cut(
    tmp_path: Path, cuts: list[str], layouts: tuple[ds.Dataset, ds.Dataset]
) -> None:
    before = make(tmp_path / "run", "abc", layouts[0])
    after = make(tmp_path / "run", "abc", layouts[1])
    assert len(cuts) == 3
    assert read(tmp_path / "run", after) == read(tmp_path / "run", before)
    assert before["tar"].null_count + after["tar"].null_count == 3


def test_a_damaged_image_in_the_tar_is_cut_again_and_no_other(
    tmp_path: Path, cuts: list[str]
) -> None:
    root = tmp_path / "run"
    images = make(root, "abc")
    path, whole = root / "image_tars" / "00007.tar", state(root)
    data = bytearray(path.read_bytes())
    data[images["tar_offset"][1].as_py() + 300] ^= 1
    data[images["tar_offset"][2].as_py() - 512] ^= 1  # the header of the last one
    path.write_bytes(data)
    assert make(root, "abc").equals(images)
    assert state(root) == whole
    assert len(cuts) == 5


def test_an_image_that_is_not_what_its_row_says_is_one_sentence(tmp_path: Path) -> None:
    root = tmp_path / "run"
    images = make(root, "ab")
    data = bytearray((root / "image_tars" / "00007.tar").read_bytes())
    data[images["tar_offset"][0].as_py() + 300] ^= 1
    (root / "image_tars" / "00007.tar").write_bytes(data)
    with pytest.raises(InputError, match=r"00007\.tar: images3/n97_CH_19\.jpg is damaged"):
        pack(images, Shard(SHARD, root))
