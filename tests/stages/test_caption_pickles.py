"""Captions of published pickles, from a folder or a zip, as a CSV."""

import csv
import pickle
import zipfile

import pytest

from pipeline.errors import InputError, ItemsFailed
from skyscript.captions import CaptionConfig, caption_pickles
from skyscript.files.meta import Meta, dump_meta
from skyscript.geo.tile import Box
from tests.stages.test_caption import LINE, PREFIX, highway


def write_meta(root, name, center, around=()):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    box = Box(7.41, 43.72, 7.42, 43.73)
    path.write_bytes(dump_meta(Meta(box, (2019, 7, 1, 10, 30), center, list(around))))


@pytest.fixture
def published(tmp_path):
    """A small folder laid out as the unzipped published meta files."""
    root = tmp_path / "published"
    write_meta(root, "meta2/w22_US_18.pickle", {"building": "warehouse"})
    write_meta(root, "meta2/a198234555_CH_19.pickle", {"aeroway": "apron"}, [highway("service")])
    write_meta(root, "meta7/n3_S2_20.pickle", {"power": "pole"}, [LINE])
    return root


def rows_of(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def test_published_pickles_give_a_sorted_csv(published, tmp_path):
    out = tmp_path / "new" / "captions.csv"
    assert caption_pickles(published, out) == 3
    assert out.read_text() == (
        "filepath,title,title_multi_objects\n"
        "images2/a198234555_CH_19.jpg,a satellite image of airport of apron,"
        '"a satellite image of airport of apron, surrounded by road of service"\n'
        "images2/w22_US_18.jpg,a satellite image of building of warehouse,"
        "a satellite image of building of warehouse\n"
        "images7/n3_S2_20.jpg,a satellite image of power pole,"
        '"a satellite image of power pole, surrounded by power line with cables of 3 and voltage '
        'of 16000"\n'
    )
    assert [path.name for path in out.parent.iterdir()] == ["captions.csv"]


def test_a_zip_gives_the_same_csv_as_its_folder(published, tmp_path):
    with zipfile.ZipFile(tmp_path / "all.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(published.rglob("*.pickle"), reverse=True):
            archive.write(path, path.relative_to(published))
    caption_pickles(published, tmp_path / "folder.csv")
    caption_pickles(tmp_path / "all.zip", tmp_path / "zip.csv")
    assert (tmp_path / "zip.csv").read_bytes() == (tmp_path / "folder.csv").read_bytes()


class RunsTouch:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        import os

        return os.system, (f"touch {self.path}",)


def test_bad_pickles_are_named_and_the_others_are_captioned(published, tmp_path):
    trace = tmp_path / "trace"
    (published / "meta2/a0_evil.pickle").write_bytes(pickle.dumps(RunsTouch(trace)))
    (published / "meta3").mkdir()
    (published / "meta3/w5_cut.pickle").write_bytes(
        (published / "meta7/n3_S2_20.pickle").read_bytes()[:-20]
    )
    write_meta(published, "meta4/n9_silent.pickle", {})
    out = tmp_path / "captions.csv"
    with pytest.raises(ItemsFailed) as failure:
        caption_pickles(published, out)
    assert failure.value.exit_code == 1
    assert "3 captions are written; 3 of 6 images could not be used" in str(failure.value)
    assert "posix.system" in str(failure.value)
    assert not trace.exists()
    assert len(rows_of(out)) == 4
    header, *rejected = rows_of(tmp_path / "captions.rejected.csv")
    assert header == ["name", "reason"]
    assert [name for name, _ in rejected] == [
        "meta2/a0_evil.pickle",
        "meta3/w5_cut.pickle",
        "meta4/n9_silent.pickle",
    ]
    assert rejected[1][1] == "is cut off or is no pickle."


def test_the_list_of_rejects_of_an_earlier_run_goes_once_all_is_well(published, tmp_path):
    bad = published / "meta2/a0_bad.pickle"
    bad.write_bytes(b"")
    out = tmp_path / "captions.csv"
    with pytest.raises(ItemsFailed):
        caption_pickles(published, out)
    bad.unlink()
    caption_pickles(published, out)
    assert not (tmp_path / "captions.rejected.csv").exists()


def test_an_unusable_source_leaves_an_earlier_csv_untouched(tmp_path):
    out = tmp_path / "captions.csv"
    out.write_text("earlier")
    slip = tmp_path / "slip.zip"
    with zipfile.ZipFile(slip, "w") as archive:
        archive.writestr("meta2/n1_US_20.pickle", b"")
        archive.writestr("../../meta2/n2_US_20.pickle", b"")
    empty = tmp_path / "empty"
    (empty / "meta2").mkdir(parents=True)
    for source in (slip, empty, tmp_path / "missing", tmp_path):
        with pytest.raises(InputError):
            caption_pickles(source, out)
    assert out.read_text() == "earlier"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["captions.csv", "empty", "slip.zip"]


def test_a_folder_named_as_output_is_refused_before_anything_is_read(published, tmp_path):
    with pytest.raises(InputError, match="is a folder"):
        caption_pickles(published, tmp_path)


def test_commas_quotes_and_other_scripts_come_through_the_csv(published, tmp_path):
    pandas = pytest.importorskip("pandas")
    write_meta(published, "meta5/n1_US_20.pickle", {"building": 'a "b", ثلج 雪'})
    caption_pickles(published, tmp_path / "captions.csv")
    frame = pandas.read_csv(tmp_path / "captions.csv")
    assert list(frame.columns) == ["filepath", "title", "title_multi_objects"]
    (title,) = frame[frame.filepath == "images5/n1_US_20.jpg"].title
    assert title == PREFIX + 'building of a "b", ثلج 雪'


def test_published_pickles_go_by_the_same_rules_and_by_the_user_s_labels(published, tmp_path):
    write_meta(published, "meta2/n4_US_18.pickle", {"power": "sub_station", "sport": "golf;chess"})
    labels = tmp_path / "own.csv"
    labels.write_text(
        "tag,groundable,max_gsd,phrase\nbuilding=warehouse,yes,1,depot hall\nsport=chess,no,,\n"
    )
    out = tmp_path / "captions.csv"
    caption_pickles(published, out, own_labels=labels)
    titles = {path: title for path, title, _ in rows_of(out)}
    assert titles["images2/n4_US_18.jpg"] == PREFIX + "power substation, sport of golf"
    assert titles["images2/w22_US_18.jpg"] == PREFIX + "depot hall"
    labels.write_text("tag,groundable\n")
    with pytest.raises(InputError, match="has no column max_gsd"):
        caption_pickles(published, out, own_labels=labels)


def test_pickles_get_readable_captions_of_what_they_hold(published, tmp_path):
    write_meta(published, "meta3/a4_CH_19.pickle", {"shop": "supermarket"}, [LINE, LINE])
    config = CaptionConfig(style="readable")
    assert caption_pickles(published, tmp_path / "captions.csv", config) == 4
    said = {name: (title, multi) for name, title, multi in rows_of(tmp_path / "captions.csv")}
    start = "a satellite image of"
    assert (
        said["images2/a198234555_CH_19.jpg"][1] == f"{start} an apron, surrounded by a service road"
    )
    assert said["images3/a4_CH_19.jpg"] == (
        f"{start} a supermarket",
        f"{start} a supermarket, surrounded by a power line",
    )
