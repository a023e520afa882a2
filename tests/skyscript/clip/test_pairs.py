"""Pairs from outside: a captions file with its folder, and shards, give the same columns."""

import io
import json
import tarfile

import pytest

pytest.importorskip("torch")
pytest.importorskip("open_clip")
pytest.importorskip("simplejpeg")

from pipeline.errors import InputError
from skyscript.clip.pairs import CsvFolder, PairSource, Tars

ROWS = [("a", "one", "both"), ("b", "two", None), ("c", None, None)]
"""Key, title and the other caption."""


def shard(path, rows):
    with tarfile.open(path, "w") as tar:
        for key, title, multi in rows:
            members = [(f"{key}.jpg", key.encode())]
            if title:
                members.append((f"{key}.txt", title.encode()))
            if multi:
                members.append((f"{key}.json", json.dumps({"title_multi_objects": multi}).encode()))
            for name, data in members:
                info = tarfile.TarInfo(name)
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))


@pytest.fixture
def table(tmp_path):
    for key, _, _ in ROWS:
        (tmp_path / f"{key}.jpg").write_bytes(key.encode())
    lines = [f"{key}.jpg,{title or ''},{multi or ''}" for key, title, multi in ROWS]
    path = tmp_path / "in.csv"
    path.write_text("\n".join(["filepath,title,title_multi_objects", *lines]))
    return PairSource(images=tmp_path, captions=path).source()


@pytest.fixture
def shards(tmp_path):
    folder = tmp_path / "tars"
    folder.mkdir()
    shard(folder / "0.tar", ROWS[:2])
    shard(folder / "1.tar", ROWS[2:])
    return PairSource(images=folder).source()


def test_both_give_the_same_captions_in_parts_of_numbered_rows(table, shards):
    assert isinstance(table, CsvFolder)
    assert isinstance(shards, Tars)
    for source in (table, shards):
        parts = list(source.parts(2))
        assert [part["row"].to_pylist() for part in parts] == [[0, 1], [2]]
        for column, at in (("title", 1), ("title_multi_objects", 2)):
            found = [value for part in parts for value in part[column].to_pylist()]
            assert found == [row[at] for row in ROWS]
    assert [part["filepath"].to_pylist() for part in table.parts(9)] == [
        ["a.jpg", "b.jpg", "c.jpg"]
    ]
    paths = [part["filepath"].to_pylist() for part in shards.parts(9)]
    assert paths == [["0.tar/a.jpg", "0.tar/b.jpg"], ["1.tar/c.jpg"]]


def test_the_images_of_a_part_are_read_by_their_paths(table, shards):
    for source in (table, shards):
        for number, part in enumerate(source.parts(2)):
            with source.reading(number, []) as read:
                read_all = b"".join(read(path) for path in part["filepath"].to_pylist())
            assert read_all == (b"ab", b"c")[number]


def test_a_source_is_known_by_its_content_and_a_tar_s_part_too(table, shards, tmp_path):
    before = table.identity(), shards.identity(), list(shards.parts(9))
    assert list(shards.identity()) == ["0.tar", "1.tar"]
    shard(tmp_path / "tars" / "1.tar", [("c", None, None), ("d", None, None)])
    assert shards.identity()["0.tar"] == before[1]["0.tar"]
    assert shards.identity()["1.tar"] != before[1]["1.tar"]
    first, second = (part["origin"][0] for part in shards.parts(9))
    assert first == before[2][0]["origin"][0]
    assert second != before[2][1]["origin"][0]
    table.captions.write_text("filepath,title\na.jpg,other\n")
    assert table.identity() != before[0]
    (part,) = table.parts(9)
    assert part["title_multi_objects"].to_pylist() == [None]


def test_what_is_not_there_is_one_sentence(tmp_path, table):
    with pytest.raises(InputError, match=r"neither a tar nor a folder with \*\.tar"):
        PairSource(images=tmp_path).source()
    nowhere = CsvFolder(table.captions, tmp_path / "nowhere")
    with pytest.raises(InputError, match="no such folder of images"), nowhere.reading(0, []):
        pass
    table.captions.write_text("filepath,title\n")
    with pytest.raises(InputError, match="contains no pairs"):
        list(table.parts(9))
    table.captions.write_text("filepath,caption\na.jpg,x\n")
    with pytest.raises(InputError, match="has no column 'title'"):
        table.identity()
