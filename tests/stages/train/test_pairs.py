"""CSVs and shards of pairs: what is taken, and what is said of what cannot be."""

import io
import json
import tarfile

import numpy as np
import pytest
from PIL import Image

from pipeline.errors import InputError
from stages.train.config import TrainConfig
from stages.train.loading import Batch, PairDataset, load_batches, load_pairs
from stages.train.unreadable import Unreadable

JPEG = io.BytesIO()
Image.new("RGB", (8, 8), (200, 10, 10)).save(JPEG, "JPEG")
PIXELS = JPEG.getvalue()
GOOD = [("a.jpg", "a pond"), ("b.jpg", "a road, wide"), ("c.jpg", "a pond")]


def write(folder, rows=GOOD, header="filepath,title", separator=","):
    for path, _ in rows:
        if path.endswith(".jpg") and not path.startswith(("/", "..")):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(PIXELS)
    lines = [header, *(f'{path}{separator}"{title}"' for path, title in rows)]
    (folder / "pairs.csv").write_text("\n".join(lines) + "\n")
    return folder / "pairs.csv"


def load(path, root=None, **options):
    options.setdefault("root_data_dir", root)
    return load_pairs(path, TrainConfig(train_data=path, **options))


def said(pairs):
    return [pairs.captions[int(text)].as_py() for text in pairs.texts]


def test_a_csv_gives_images_below_the_root_and_each_caption_once(tmp_path):
    pairs = load(write(tmp_path), tmp_path)
    assert said(pairs) == ["a pond", "a road, wide", "a pond"]
    assert len(pairs.captions) == 2
    assert pairs.images.name(1) == "b.jpg"
    assert pairs.images.read(1) == PIXELS


def test_columns_and_separator_are_the_users(tmp_path):
    path = write(tmp_path, header="x\ttitle_multi", separator="\t")
    keys = {"csv_img_key": "x", "csv_caption_key": "title_multi", "csv_separator": "\t"}
    assert said(load(path, tmp_path, **keys)) == ["a pond", "a road, wide", "a pond"]


def test_the_format_can_be_stated_where_the_name_misleads(tmp_path):
    path = write(tmp_path).rename(tmp_path / "pairs.tar")
    assert len(load(path, tmp_path, dataset_type="csv").texts) == 3
    with pytest.raises(InputError, match=r"pairs\.tar"):
        load(path, tmp_path)  # auto: a tar of shards
    with pytest.raises(InputError, match=r"pairs\.csv"):
        load(write(tmp_path), tmp_path, dataset_type="webdataset")


def test_without_a_root_paths_start_where_the_user_is(tmp_path, monkeypatch):
    path = write(tmp_path, [(str(tmp_path / "a.jpg"), "a pond")])
    (tmp_path / "a.jpg").write_bytes(PIXELS)
    assert load(path).images.read(0) == PIXELS
    monkeypatch.chdir(tmp_path)
    assert load(write(tmp_path)).images.read(2) == PIXELS


@pytest.mark.parametrize(
    ("rows", "options", "sentence"),
    [
        (GOOD, {"csv_caption_key": "caption"}, r"pairs.csv: has no column 'caption'; separated at "
         r"',' its columns are 'filepath', 'title'"),
        (GOOD, {"csv_separator": ";"}, r"has no column 'filepath'; separated at ';' its columns "
         r"are 'filepath,title'"),
        ([("a.jpg", "NaN"), ("b.jpg", " ")], {}, r"'title': none of the 2 pairs has a caption"),
        ([("nan", "a pond")], {}, r"line 2: 'filepath' is 'nan'"),
        ([*GOOD, ("d.png", "a pond")], {}, r"line 5: there is no image 'd.png' in .*; 1 of 4 "
         r"checked images are missing"),
        ([("../a.jpg", "a pond")], {}, r"line 2: '../a.jpg' leads out of the root folder"),
        ([("x/../../a.jpg", "a pond")], {}, r"leads out of the root folder"),
        ([("/etc/a.jpg", "a pond")], {}, r"'/etc/a.jpg' leads out of the root folder"),
        ([], {}, r"contains no pairs below its header"),
    ],
)  # fmt: skip
def test_a_csv_that_cannot_be_used_is_named_with_line_and_column(tmp_path, rows, options, sentence):
    with pytest.raises(InputError, match=sentence):
        load(write(tmp_path, rows), tmp_path, **options)


def test_a_pair_without_a_caption_is_left_out_with_one_sentence(tmp_path, caplog):
    rows = [GOOD[0], ("d.jpg", " "), GOOD[1], ("e.jpg", ""), ("f.jpg", "NaN"), GOOD[2]]
    pairs = load(write(tmp_path, rows), tmp_path)
    assert said(pairs) == ["a pond", "a road, wide", "a pond"]
    assert [pairs.images.name(row) for row in range(3)] == ["a.jpg", "b.jpg", "c.jpg"]
    assert caplog.messages == [
        f"{tmp_path / 'pairs.csv'}: 'title': 3 of 6 pairs have no caption and are left out, "
        "the first in line 3"
    ]


def test_a_sample_without_a_caption_is_left_out_with_one_sentence(tmp_path, caplog):
    members = [*pair("n1", "a pond"), *pair("n2", "nan"), ("n3.jpg", PIXELS), *pair("n4", "a dam")]
    pairs = load(shard(tmp_path / "a.tar", members))
    assert said(pairs) == ["a pond", "a dam"]
    assert pairs.images.name(1).endswith("a.tar: n4.jpg")
    assert (
        "2 of 4 pairs have no caption and are left out, the first that of 'n2.jpg'" in caplog.text
    )


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match=r"none.csv: there is no such file"):
        load(tmp_path / "none.csv", tmp_path)


def shard(path, samples):
    with tarfile.open(path, "w") as file:
        for name, data in samples:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            file.addfile(member, io.BytesIO(data))
    return path


def pair(key, title, multi="", pixels=PIXELS):
    more = json.dumps({"title_multi_objects": multi}).encode()
    return [(f"{key}.jpg", pixels), (f"{key}.txt", title.encode()), (f"{key}.json", more)]


def test_shards_that_webdataset_wrote_are_read_in_any_order(tmp_path):
    """Newer webdataset breaks open_clip's own reader of them (KeyError: 'fname')."""
    wds = pytest.importorskip("webdataset")
    for number, some in enumerate((GOOD[:2], GOOD[2:])):
        with wds.TarWriter(str(tmp_path / f"train-{number:05d}.tar")) as file:
            for path, title in some:
                file.write({"__key__": path.partition(".")[0], "jpg": PIXELS, "txt": title})
    for path in (tmp_path, tmp_path / "train-{00000..00001}.tar"):
        pairs = load(path)
        assert said(pairs) == ["a pond", "a road, wide", "a pond"]
        assert [pairs.images.read(row) for row in (2, 0, 1)] == [PIXELS] * 3
    assert pairs.images.name(2).endswith("train-00001.tar: c.jpg")


def test_shards_have_other_captions_in_their_json(tmp_path):
    path = shard(tmp_path / "a.tar", pair("images2/n1", "a pond", "a pond, surrounded by a road"))
    assert said(load(path)) == ["a pond"]
    many = load(path, csv_caption_key="title_multi_objects")
    assert said(many) == ["a pond, surrounded by a road"]
    with pytest.raises(InputError, match=r"a.tar: holds no pair of an image .* and other"):
        load(path, csv_caption_key="other")


@pytest.mark.parametrize(
    ("samples", "sentence"),
    [
        (pair("n1", ""), r"a.tar: holds no pair of an image .* and title"),
        (pair("n1", "NaN"), r"a.tar: holds no pair of an image .* and title"),
        ([("n1.jpg", PIXELS)], r"a.tar: holds no pair of an image"),
        ([("n1.jpg", PIXELS), ("n1.txt", b"\xff\xfe")], r"n1.txt' is not in UTF-8"),
    ],
)
def test_shards_that_cannot_be_used_are_named(tmp_path, samples, sentence):
    with pytest.raises(InputError, match=sentence):
        load(shard(tmp_path / "a.tar", samples))


def test_what_is_no_shard_is_named(tmp_path):
    (tmp_path / "a.tar").write_bytes(b"not a tar" * 200)
    with pytest.raises(InputError, match=r"a.tar: is not an uncompressed tar"):
        load(tmp_path / "a.tar")
    with pytest.raises(InputError, match=r"b-1.tar: there is no such tar"):
        load(tmp_path / "b-{1..2}.tar")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"empty: holds no shard"):
        load(tmp_path / "empty")


def dataset(pairs):
    import torch

    def transform(image):
        return torch.from_numpy(np.asarray(image).copy())

    return PairDataset(pairs, transform, lambda texts: torch.tensor([[len(texts[0])]]), 0)


def test_a_batch_has_images_tokens_and_the_numbers_of_texts(tmp_path):
    pairs = load(write(tmp_path), tmp_path)
    config = TrainConfig(train_data="a.csv", workers=0)
    (batch,) = load_batches(dataset(pairs), [[(0, 0), (0, 1), (0, 2)]], config, "cpu")
    assert isinstance(batch, Batch)
    assert batch.images.shape == (3, 8, 8, 3)
    assert batch.tokens.tolist() == [[6], [12], [6]]
    assert batch.labels.texts.tolist() == pairs.texts.tolist()


def test_an_image_that_goes_missing_later_is_replaced_by_the_next_row_and_written_down(tmp_path):
    pairs = load(write(tmp_path), tmp_path)
    (tmp_path / "b.jpg").unlink()
    loaded = dataset(pairs)[0, 1]
    assert loaded.batch.labels.texts.item() == pairs.texts[2]
    (lost,) = loaded.skipped
    assert lost.row == 1
    assert lost.sentence.startswith("b.jpg (row 2): No such file")
    config = TrainConfig(train_data="a.csv", workers=0)
    unreadable = Unreadable(tmp_path / "unreadable.jsonl", 0.4, len(pairs.texts))
    keys = [[(0, 1)], [(1, 1)]]
    first, second = load_batches(dataset(pairs), keys, config, "cpu", unreadable)
    assert first.labels.texts.tolist() == second.labels.texts.tolist() == [pairs.texts[2]]
    (line,) = (tmp_path / "unreadable.jsonl").read_text().splitlines()
    assert json.loads(line)["row"] == 2
    with pytest.raises(InputError, match=r"b.jpg \(row 2\): No such file.*Repair it"):
        list(load_batches(dataset(pairs), keys, config, "cpu"))
