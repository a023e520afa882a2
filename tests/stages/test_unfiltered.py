"""The published CSV, and that SkyScript's readers read it: with their own code."""

import csv

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from pipeline.atomic import content_id
from pipeline.schema import conform
from stages import tables
from stages.unfiltered import FILE_NAME, UnfilteredConfig, unfiltered

TITLE = "a satellite image of building, office of energy supplier"
MULTI = 'a satellite image of building with shop of "x", surrounded by road of track; ثلج 雪'
FOLDERS = {f"{kind}{part}" for kind in ("images", "meta") for part in range(2, 8)}


def row(number, part=2, **more):
    return {
        "object_id": f"n{number}",
        "filepath": f"images{part}/n{number}_US_20.jpg",
        "title": TITLE,
        "title_multi_objects": MULTI,
        "status": "ok",
    } | more


def written(root, *shards):
    """Write shards as a run does, run the stage, and give its table's rows."""
    folder = root / "captions"
    folder.mkdir()
    for index, rows in enumerate(shards):
        table = pa.Table.from_pylist(rows, schema=tables.CAPTIONS.schema)
        pq.write_table(table, folder / f"part-{index:05}.parquet")
    captions = ds.dataset(folder, schema=tables.CAPTIONS.schema)
    (table,) = unfiltered(captions, config=UnfilteredConfig(), root=root)
    return conform(table, tables.FILES, where="unfiltered").to_pylist()


def test_the_file_holds_the_ok_rows_in_table_order(tmp_path):
    nothing = {"filepath": None, "title": None, "title_multi_objects": None}
    filtered = row(8, status="filtered", reason="no tag", **nothing)
    (made,) = written(tmp_path, [row(9), filtered], [row(10, 7), row(1, 3)])
    text = (tmp_path / FILE_NAME).read_bytes()
    quoted = '"' + MULTI.replace('"', '""') + '"'
    assert text.decode() == (
        "filepath,title,title_multi_objects\n"
        f'images2/n9_US_20.jpg,"{TITLE}",{quoted}\n'
        f'images7/n10_US_20.jpg,"{TITLE}",{quoted}\n'
        f'images3/n1_US_20.jpg,"{TITLE}",{quoted}\n'
    )
    assert made == {
        "filepath": FILE_NAME,
        "rows": 3,
        "byte_size": len(text),
        "content_hash": content_id(text),
    }


def test_composed_captions_stand_behind_the_published_columns(tmp_path):
    composed = {"title_short": "a church.", "title_long": "a church. Two barns are visible."}
    written(tmp_path, [row(1, **composed)])
    with (tmp_path / FILE_NAME).open(newline="") as file:
        (read,) = csv.DictReader(file)
    assert list(read) == ["filepath", "title", "title_multi_objects", *composed]
    assert {name: read[name] for name in composed} == composed


def test_all_twelve_folders_are_there_even_for_a_run_without_images(tmp_path):
    (made,) = written(tmp_path, [])
    assert made["rows"] == 0
    assert {path.name for path in tmp_path.iterdir() if path.is_dir()} == FOLDERS | {"captions"}
    assert (tmp_path / FILE_NAME).read_text() == "filepath,title,title_multi_objects\n"


def test_quotes_stand_only_where_they_are_needed(tmp_path):
    plain = "a satellite image of power pole"
    written(tmp_path, [row(1, title=plain, title_multi_objects=plain)])
    assert (tmp_path / FILE_NAME).read_text().splitlines()[1] == (
        f"images2/n1_US_20.jpg,{plain},{plain}"
    )


@pytest.fixture
def dataset(tmp_path):
    """A small dataset with its images, written as a run writes it."""
    image = pytest.importorskip("PIL.Image")
    rows = [row(1, 2), row(2, 4), row(3, 7)]
    written(tmp_path, rows)
    for number, entry in enumerate(rows):
        pixels = np.full((100 + number, 120, 3), 40 * number, dtype=np.uint8)
        image.fromarray(pixels).save(tmp_path / entry["filepath"])
    return tmp_path


def test_pandas_reads_the_columns_by_name_and_by_position(dataset):
    pandas = pytest.importorskip("pandas")
    frame = pandas.read_csv(dataset / FILE_NAME)
    assert list(frame.columns) == ["filepath", "title", "title_multi_objects"]
    assert list(frame.iloc[0][:2]) == ["images2/n1_US_20.jpg", TITLE]
    assert set(frame.title_multi_objects) == {MULTI}


def test_the_csv_module_reads_it(dataset):
    with (dataset / FILE_NAME).open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [entry["title_multi_objects"] for entry in rows] == [MULTI] * 3


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_torchgeo_reads_images_and_captions(dataset):
    published = pytest.importorskip("torchgeo.datasets").SkyScript

    class Unfiltered(published):
        caption_files = {"train": FILE_NAME}  # noqa: RUF012 - the reader's own attribute

    read = Unfiltered(dataset, split="train")
    samples = [read[index] for index in range(len(read))]
    assert [sample["caption"] for sample in samples] == [TITLE] * 3
    assert [tuple(sample["image"].shape) for sample in samples] == [
        (3, 100, 120),
        (3, 101, 120),
        (3, 102, 120),
    ]


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.parametrize(("column", "said"), [("title", TITLE), ("title_multi_objects", MULTI)])
def test_open_clip_reads_images_and_captions(dataset, monkeypatch, column, said):
    reader = pytest.importorskip("open_clip_train.data").CsvDataset
    monkeypatch.chdir(dataset)  # its paths start where it runs
    read = reader(
        FILE_NAME,
        transforms=lambda image: image.convert("RGB").size,  # loads it, as any transform does
        img_key="filepath",
        caption_key=column,
        sep=",",
        tokenizer=lambda texts: texts,
    )
    assert [read[index] for index in range(len(read))] == [
        ((120, 100), said),
        ((120, 101), said),
        ((120, 102), said),
    ]


def test_the_captions_that_are_longer_than_clips_context_are_counted(tmp_path, caplog):
    short, long = (
        row(n, tokens=12, tokens_multi_objects=tokens) for n, tokens in ((1, 77), (2, 78))
    )
    with caplog.at_level("INFO"):
        written(tmp_path, [short, long])
    titles, multi = caplog.messages
    assert titles == "all 2 titles fit within the 77 tokens of CLIP"
    assert multi.startswith("1 of 2 captions of all objects are longer than the model's context")
    assert multi.endswith("(50.0 %)")
