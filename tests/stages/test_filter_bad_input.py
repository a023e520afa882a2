"""Captions files that cannot be filtered are named, with the line where there is one."""

import re

import pytest

from pipeline.errors import InputError
from stages.filter import FilterConfig, filter_csv
from tests.conftest import answered
from tests.stages.test_filter import (
    BOX,
    HEADER,
    TRAIN,
    all_for_training,
    grid,
    kept,
    pairs,
    write,
)


@pytest.mark.parametrize(
    ("header", "rows", "options", "says"),
    [
        (["filepath", "title"], [["a", "b"]], {}, "no column similarity_"),
        (["title", "similarity_A"], [["a", "1"]], {}, "no column 'filepath'"),
        (HEADER, [["a", "b", "c", "1"], ["a", "b", "c", "high"]], {}, "line 3: .* is 'high'"),
        (
            HEADER,
            [["a", "b", "c", "1"]],
            {"by": ("similarity_B",)},
            "its scores are similarity_CLIP",
        ),
        ([*HEADER, "similarity_B"], [["a", "b", "c", "1", "2"]], {}, "several scores"),
        (HEADER, [["a", "b", "c", ""]], {}, "no pair with a score"),
    ],
)
def test_what_cannot_be_filtered_is_named(tmp_path, header, rows, options, says):
    source = write(tmp_path / "in.csv", rows, header)
    with pytest.raises(InputError, match=rf"in\.csv: .*{says}"):
        filter_csv(source, tmp_path / "out", all_for_training(**options))


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"filepath,title,similarity_A\na,b,1\nc,d\n", "line 3 has 2 fields, the header 3"),
        (b"filepath,title,similarity_A\na,b,1\nc,d,2,3\n", "line 3 has 4 fields, the header 3"),
        (b'filepath,title,similarity_A\na,"b,1\nc,d,2\n', "line 2 opens a quote"),
        (b"filepath,title,similarity_A\na,\xff\xfe,1\n", "line 2 is not text in UTF-8"),
        (b"filepath,title,title\na,b,1\n", "has the column 'title' 2 times"),
        (b"\x89PNG\r\n\x1a\n\x00", "line 1 is not text in UTF-8"),
        (b"filepath,title,similarity_A\n", "contains no pairs"),
        (b"", "has no column 'filepath'"),
    ],
)
def test_a_file_that_is_no_captions_file_is_named_with_the_line(tmp_path, data, says):
    path = tmp_path / "in.csv"
    path.write_bytes(data)
    with pytest.raises(InputError, match=rf"in\.csv: .*({says})"):
        filter_csv(path, tmp_path / "out", all_for_training())


def test_line_ends_of_either_kind_and_a_byte_order_mark_are_read(tmp_path):
    rows = pairs(10, lambda number: number / 10)
    unix = write(tmp_path / "unix.csv", rows)
    (tmp_path / "dos.csv").write_bytes(unix.read_bytes().replace(b"\n", b"\r\n"))
    (tmp_path / "marked.csv").write_bytes(b"\xef\xbb\xbf" + unix.read_bytes())
    for name in ("unix", "dos", "marked"):
        filter_csv(tmp_path / f"{name}.csv", tmp_path / name, all_for_training(top=(30,)))
        assert kept(tmp_path / name, 30) == [r[0] for r in rows[7:]]


@pytest.mark.slow
def test_the_command_says_what_each_file_kept(tmp_path):
    source = write(tmp_path / "in.csv", grid(8, 20), HEADER + BOX)
    done = answered("filter", "--captions", source, "--out", tmp_path, "--set", "filter.top=[30]")
    assert done.returncode == 0, done.stderr
    assert f"312  {TRAIN.format(30)}" in done.stderr
    assert "100.0% as the plain cut" in done.stderr


@pytest.mark.parametrize(
    "name", ["similarity_/../../elsewhere", 'similarity_x" FROM input_rows; --']
)
def test_a_score_column_names_neither_a_path_nor_a_question(tmp_path, name):
    source = write(tmp_path / "in.csv", pairs(4, lambda number: number), [*HEADER[:-1], name])
    with pytest.raises(
        InputError, match=r"in\.csv: the name of column .* is not allowed for a score"
    ):
        filter_csv(source, tmp_path / "a" / "out", all_for_training())
    assert {path.name for path in tmp_path.iterdir()} <= {"in.csv", "a"}


def test_a_file_is_not_filtered_over_itself(tmp_path):
    source = write(tmp_path / TRAIN.format(50), pairs(10, lambda number: number))
    before = source.read_bytes()
    with pytest.raises(InputError, match="is one of the files to write"):
        filter_csv(source, tmp_path, all_for_training())
    assert source.read_bytes() == before
    filter_csv(source, tmp_path / "out", all_for_training())


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        ("abc,0123456789abcdef", "line 5: similarity_A is 'abc', not a number"),
        ("0.1,zz", "line 5: image_hash is 'zz', not a hash of 16 hexadecimal digits"),
        ("0.1,-1", "line 5: image_hash is '-1', not a hash of 16 hexadecimal digits"),
        ("0.1,0123456789abcdef0", "line 5: image_hash is '0123456789abcdef0', not a hash of 16"),
    ],
)
def test_a_value_that_is_none_is_named_with_its_line(tmp_path, cells, says):
    path = tmp_path / "in.csv"
    path.write_text(
        f'filepath,title,similarity_A,image_hash\n\na,"of two\nlines",0.1,\nb,c,{cells}\n'
    )
    with pytest.raises(InputError, match=rf"in\.csv: {says}"):
        filter_csv(path, tmp_path / "out", all_for_training())


@pytest.mark.parametrize(
    ("box", "says"),
    [
        ("inf,1,2,2", "line 3: west inf, south 1, east 2, north 2 is not the box of an image"),
        ("1e20,1,1e20,2", "line 3: west 1e.20, .* is not the box of an image"),
        ("1,nan,2,2", "line 3: .* south nan, .* is not the box of an image"),
        ("-180,-90,180,90", "line 3: west -180, south -90, east 180, north 90 is not the box"),
        ("1,2,2,1", "line 3: .* is not the box of an image"),
        ("1,91,2,91.1", "line 3: .* is not the box of an image"),
        ("1,1,2,", "1 pairs have no position, which a leakage-safe split needs"),
        ("1,1,2,x", "1 pairs have no position"),
    ],
)
def test_a_box_that_no_image_has_is_named_with_its_line(tmp_path, box, says):
    path = tmp_path / "in.csv"
    path.write_text(
        "filepath,title,similarity_t,west,south,east,north\n"
        f"images2/a1_S2_20.jpg,a,0.1,1,1,2,2\nimages2/a2_S2_20.jpg,a,0.1,{box}\n"
    )
    with pytest.raises(InputError, match=rf"in\.csv: {says}"):
        filter_csv(path, tmp_path / "out", FilterConfig())


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("filepath,title,similarity_t\na1_S2_20.jpg,a,0.1\n", "1 pairs have no position"),
        ("filepath,title\na1_S2_20.jpg,a\n", "has no column similarity_* to rank by"),
        (
            "filepath,title,similarity_t,west,south,east,north\na,a,,1,1,2,2\nb,a,nan,1,1,2,2\n",
            "no pair with a score is left for training (2 train, without a score)",
        ),
        (
            ",filepath,title,west,south,east,north\n0,ok.jpg,an airport,1,1,1.01,1.01\n",
            "column 1 of its header has no name",
        ),
    ],
)
def test_a_file_without_positions_scores_or_column_names_is_one_sentence(tmp_path, text, says):
    path = tmp_path / "in.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=re.escape(says)):
        filter_csv(path, tmp_path / "out", FilterConfig())


def test_a_pair_without_a_caption_is_not_kept(tmp_path):
    path = tmp_path / "in.csv"
    path.write_text(
        "filepath,title,similarity_CLIP_openai\na.jpg, ,0.9\nb.jpg,nan,0.8\nc.jpg,a dam,0.1\n"
    )
    done = filter_csv(path, tmp_path / "out", all_for_training(top=(100,)))
    assert kept(tmp_path / "out", 100) == ["c.jpg"]
    assert done.sides == {"train": 1, "train, without a caption": 2}


def test_a_folder_without_meta_files_is_named(tmp_path):
    source = write(
        tmp_path / "in.csv", [["images2/a1_CH_19.jpg", "a satellite image of pier", "", 0.5]]
    )
    (tmp_path / "metas" / "meta2").mkdir(parents=True)
    with pytest.raises(InputError, match="metas: its meta folders contain no file"):
        filter_csv(source, tmp_path / "out", FilterConfig(), metas=tmp_path / "metas")
