"""Benchmarks in the published layout: which there are, and how their classes are said."""

import pytest

from pipeline.errors import InputError
from skyscript.benchmarks import SEVEN, choose_benchmarks, find_present, zero_shot

pytest.importorskip("torch")
pytest.importorskip("open_clip")
pytest.importorskip("simplejpeg")

from tests.skyscript.benchmarks.made_benchmarks import NWPU, RIGHT, colour_set, knowing, made

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.mark.parametrize(
    ("name", "file", "column", "classnames", "said"),
    [
        ("nwpu", NWPU, "label", "classnames.txt",
         ["a satellite photo of red.", "a satellite image of red"]),
        ("roof_shape", "img_txt_pairs_test.csv", "label_v2", "classnames_v2.txt",
         ["a satellite photo of building, red.", "a satellite image of building, red"]),
        ("surface", "img_txt_pairs_test.csv", "label_v1", "classnames_v1.txt",
         ["a satellite photo of road, red.", "a satellite image of road, red"]),
        ("smoothness", "img_txt_pairs_test.csv", "label_v1", "classnames_v1.txt",
         ["a satellite photo of road, red.", "a satellite image of road, red"]),
    ],
)  # fmt: skip
def test_a_class_is_said_as_published(tmp_path, name, file, column, classnames, said):
    colour_set(tmp_path, name, file, [("red", "red")], "red", column, classnames)
    sought = name if column == "label" else f"{name}_{column.removeprefix('label_')}"
    (benchmark,) = find_present(tmp_path, [sought])
    clip = knowing()
    zero_shot(clip, benchmark, tmp_path)
    assert clip.tokenizer.seen == said


def test_a_class_with_braces_in_its_name_is_said_as_it_is(tmp_path):
    benchmark = made(tmp_path, [("red", "red {0}")], classes="red {0}\nblue")
    clip = knowing()
    found = zero_shot(clip, benchmark, tmp_path)
    assert "a satellite photo of red {0}." in clip.tokenizer.seen
    assert found.top1 == 1.0


def test_rsicb_is_one_set_under_both_of_its_names(tmp_path):
    """The original's table of sets says rsicb, its templates rsicb256: a KeyError in training."""
    colour_set(tmp_path, "rsicb256", NWPU, RIGHT)
    (short,), (long,) = find_present(tmp_path, ["rsicb"]), find_present(tmp_path, ["rsicb256"])
    assert short == long
    assert zero_shot(knowing(), short, tmp_path).top1 == 1.0
    assert "rsicb256" in SEVEN
    assert len(SEVEN) == 7
    assert "SkyScript_cls" not in SEVEN


def test_sets_that_are_not_there_are_left_out(tmp_path):
    made(tmp_path, RIGHT)
    assert [b.name for b in find_present(tmp_path)] == ["nwpu"]
    sought = ["scene", "NWPU", "roof_shape", "retrieval"]
    names = [b.name for b in choose_benchmarks(tmp_path, sought)]
    assert names == [
        "aid", "eurosat", "fmow", "millionaid", "patternnet", "nwpu", "rsicb256", "SkyScript_cls",
        "roof_shape_v1", "roof_shape_v2", "RSICD", "RSITMD", "ucmcaptions", "SkyScript",
    ]  # fmt: skip


def test_a_folder_of_ones_own_is_a_set(tmp_path):
    colour_set(tmp_path, "mine", "mine_img_txt_pairs_test.csv", RIGHT)
    (benchmark,) = find_present(tmp_path, ["mine"])
    assert zero_shot(knowing(), benchmark, tmp_path).top1 == 1.0


def test_a_set_without_class_names_and_a_name_without_a_set(tmp_path):
    made(tmp_path, RIGHT)
    (tmp_path / "nwpu/classnames.txt").unlink()
    with pytest.raises(InputError, match=r"classnames\.txt: there is no such file"):
        find_present(tmp_path)
    with pytest.raises(InputError, match=r"no benchmark 'eurosta' \(did you mean 'eurosat'"):
        find_present(tmp_path, ["eurosta"])
    with pytest.raises(InputError, match="no such folder of benchmarks"):
        find_present(tmp_path / "nowhere")
    (tmp_path / "bare").mkdir()
    with pytest.raises(InputError, match="contains one file"):
        find_present(tmp_path, ["bare"])
