"""What is in a benchmark's files: labels, classes, captions, and what is wrong with them."""

import numpy as np
import pytest
from PIL import Image

from pipeline.errors import InputError
from skyscript.benchmarks import find_present, zero_shot
from skyscript.benchmarks.files import read_captioned, read_labelled
from skyscript.files.pairs_csv import NULL_WORDS

pytest.importorskip("torch")
pytest.importorskip("open_clip")
pytest.importorskip("simplejpeg")

from tests.skyscript.benchmarks.made_benchmarks import (
    NWPU,
    RIGHT,
    knowing,
    made,
    write_image,
    write_rows,
)

pytestmark = pytest.mark.filterwarnings("ignore")


def test_a_blank_line_is_a_class_and_of_equal_names_the_last_counts(tmp_path):
    benchmark = made(tmp_path, [("red", "red")], classes="red\ngreen\nred\n\n")
    data = read_labelled(benchmark, tmp_path)
    assert data.classes == ["red", "green", "red", ""]
    assert data.labels.tolist() == [2]
    assert any("blank" in note for note in data.notes)
    assert any("'red' more than once" in note for note in data.notes)
    found = zero_shot(knowing(), benchmark, tmp_path)
    assert found.top1_range == (0.0, 1.0)  # which of the two is first, nothing decides


def test_whole_numbers_are_positions(tmp_path):
    benchmark = made(tmp_path, [("red", "2"), ("red", "0")])
    assert read_labelled(benchmark, tmp_path).labels.tolist() == [2, 0]
    benchmark = made(tmp_path, [("red", "2.0"), ("red", ""), ("red", "0.0")])
    assert read_labelled(benchmark, tmp_path).labels.tolist() == [2, 0]
    benchmark = made(tmp_path, [("red", "10"), ("red", "x1")], classes="x1\n10")
    assert read_labelled(benchmark, tmp_path).labels.tolist() == [1, 0]


def test_labels_that_pandas_reads_as_empty_are_left_out_and_counted(tmp_path):
    pandas = pytest.importorskip("pandas")
    labels = ["red", *sorted(NULL_WORDS), "NAN", "none", "Na", "N.A.", "-", "nil"]
    benchmark = made(
        tmp_path,
        [("red", label) for label in labels],
        classes="red\nNone\nNAN\nnone\nNa\nN.A.\n-\nnil",
    )
    kept = pandas.read_csv(tmp_path / benchmark.csv).dropna(subset=["label"])
    data = read_labelled(benchmark, tmp_path)
    assert data.paths == kept["filepath"].tolist()
    assert [data.classes[i] for i in data.labels] == kept["label"].tolist()
    assert any(f"{len(NULL_WORDS)} of {len(labels)} rows" in note for note in data.notes)
    assert any("no image can be of class 'None'" in note for note in data.notes)


WRONG = {
    "a label that is no class": ("filepath,label\nnwpu/a.png,pink\n", "line 2: label 'pink' is no"),
    "a position that is no class": ("filepath,label\nnwpu/a.png,4\n", "line 2: label '4' is none"),
    "a position beyond all numbers": ("filepath,label\nnwpu/a.png," + "9" * 400, "is none of the"),
    "a negative position": ("filepath,label\nnwpu/a.png,-1\n", "line 2: label '-1' is none"),
    "a missing image": ("filepath,label\nnwpu/b.png,red\nnwpu/a.png,red\n", "'nwpu/b.png' (line 2"),
    "a missing column": ("filepath,class\nnwpu/a.png,red\n", "no column 'label'; separated at"),
    "no path": ("filepath,label\n,red\n", "line 2 names no image"),
    "a path out of the root": ("filepath,label\n../a.png,red\n", "line 2: '../a.png' leads out of"),
    "a row too short": ("filepath,label\nnwpu/a.png\n", "line 2 has 1 fields, the header 2"),
    "no labels": ("filepath,label\nnwpu/a.png,None\n", "no row has a value in 'label'"),
    "an empty file": ("", "has no column 'filepath'"),
    "not UTF-8": (b"filepath,label\nnwpu/a.png,\xff\n", "line 2 is not text in UTF-8"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_with_a_set_is_said_in_a_sentence(tmp_path, case):
    text, says = WRONG[case]
    made(tmp_path, RIGHT)
    write_image(tmp_path / "nwpu/a.png", (255, 0, 0))
    rows = tmp_path / "nwpu" / NWPU
    rows.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InputError) as caught:
        find_present(tmp_path, ["nwpu"])
    assert says in str(caught.value)
    assert str(rows) in str(caught.value)


def test_images_that_cannot_be_used_are_left_out_and_named(tmp_path):
    benchmark = made(tmp_path, [*RIGHT, ("red", "green")])
    (tmp_path / "nwpu/images/2.png").write_bytes(b"no image")
    deep = Image.fromarray(np.full((16, 16), 4000, np.uint16))
    deep.save(tmp_path / "nwpu/images/4.png")
    found = zero_shot(knowing(2), benchmark, tmp_path)
    assert (found.count, found.top1) == (3, 1.0)
    assert found.images.paths == [f"nwpu/images/{number}.png" for number in (0, 1, 3)]
    assert [found.images.classes[i] for i in found.images.labels] == ["red", "green", "white"]
    (note,) = found.unusable
    assert note in found.images.notes
    assert note.startswith("2 of 5 images cannot be used and are left out of the figures")
    assert "images/2.png: is not an image; " in note
    assert "images/4.png: more than 8 bits a channel" in note
    for number in (0, 1, 3):
        (tmp_path / f"nwpu/images/{number}.png").write_bytes(b"")
    with pytest.raises(
        InputError, match=r"none of the 5 images can be used: .*0\.png: the image f"
    ):
        zero_shot(knowing(), benchmark, tmp_path)


def test_a_captioned_image_that_cannot_be_used_leaves_with_its_texts(tmp_path):
    rows = [["b.png", "two"], ["a.png", "one"], ["b.png", "one"], ["c.png", "three"]]
    for name in "abc":
        write_image(tmp_path / f"{name}.png", (0, 0, 0))
    write_rows(tmp_path / "RSICD/RSICD_img_txt_pairs_test.csv", ["filepath", "title"], rows)
    (benchmark,) = find_present(tmp_path, ["RSICD"])
    data = read_captioned(benchmark, tmp_path).select(np.array([0, 2]), ["a note"])
    assert data.paths == ["a.png", "c.png"]
    assert data.texts == ["a satellite image. one", "a satellite image. three"]
    assert data.image_of.tolist() == [0, 1]
    assert data.text_of.tolist() == [0, 1]
    assert data.notes == ["a note"]


def test_captions_become_distinct_texts_and_images_in_order(tmp_path):
    rows = [["b.png", "two"], ["a.png", "one"], ["b.png", "one"], ["b.png", "two"], ["c.png", "NA"]]
    for name in "abc":
        write_image(tmp_path / f"{name}.png", (0, 0, 0))
    write_rows(tmp_path / "RSICD/RSICD_img_txt_pairs_test.csv", ["filepath", "title"], rows)
    (benchmark,) = find_present(tmp_path, ["RSICD"])
    data = read_captioned(benchmark, tmp_path)
    assert data.paths == ["a.png", "b.png", "c.png"]
    assert data.texts == ["a satellite image. one", "a satellite image. two"]
    assert data.image_of.tolist() == [1, 0, 1, 1]
    assert data.text_of.tolist() == [1, 0, 0, 1]
    assert "1 of 5 rows have no caption; 1 images have none at all" in data.notes[0]


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path):
    benchmark = made(tmp_path, RIGHT)
    plain = read_labelled(benchmark, tmp_path).paths
    rows = tmp_path / benchmark.csv
    rows.write_bytes(b"\xef\xbb\xbf" + rows.read_bytes())  # as spreadsheets write it
    assert read_labelled(benchmark, tmp_path).paths == plain


def test_a_byte_order_mark_is_no_part_of_the_first_class(tmp_path):
    classes = "\ufeffred\ngreen\nblue\nwhite\n"
    benchmark = made(tmp_path, RIGHT, classes=classes)
    found = read_labelled(benchmark, tmp_path)
    assert found.classes == ["red", "green", "blue", "white"]
    assert found.labels.tolist() == [0, 1, 2, 3]
