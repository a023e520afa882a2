"""Benchmarks in the published layout: what is there, what is in them, zero-shot accuracy."""

import numpy as np
import pytest
from PIL import Image

from pipeline.errors import InputError
from skyscript.benchmarks import SEVEN, accuracy, choose_benchmarks, find_present, zero_shot
from skyscript.benchmarks.files import read_captioned, read_labelled
from skyscript.clip.source import ClipConfig, find_clip
from skyscript.files.pairs_csv import NULL_WORDS

torch = pytest.importorskip("torch")
pytest.importorskip("open_clip")
pytest.importorskip("simplejpeg")

from skyscript.benchmarks.classify import judge, logits  # noqa: E402
from skyscript.clip.model import evaluating, load_clip  # noqa: E402
from tests.skyscript.benchmarks.made_benchmarks import colour_set, knowing, write_image, write_rows  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")
NWPU = "img_txt_pairs_train.csv"


def made(root, images, **more):
    colour_set(root, "nwpu", NWPU, images, **more)
    (benchmark,) = find_present(root, ["nwpu"])
    return benchmark


RIGHT = [(colour, colour) for colour in ("red", "green", "blue", "white")]


def test_a_set_with_known_answers(tmp_path):
    benchmark = made(tmp_path, [*RIGHT, ("red", "green"), ("blue", "white"), ("red", "red")])
    found = zero_shot(knowing(4), benchmark, tmp_path)
    assert (found.count, found.top1) == (7, 5 / 7)
    assert [found.images.classes[i] for i in found.predicted] == [
        "red", "green", "blue", "white", "red", "blue", "red"
    ]  # fmt: skip
    assert found.true_rank[0] == 1
    assert found.true_rank[4] > 1
    assert found.images.paths[4] == "nwpu/images/4.png"


def test_with_fewer_than_five_classes_all_are_among_the_first_five(tmp_path):
    benchmark = made(tmp_path, [("red", "green"), *RIGHT])
    found = zero_shot(knowing(), benchmark, tmp_path)
    assert found.top5 == 1.0


def test_accuracy_is_a_plain_number_on_any_numpy():
    """float() of a one-element array, which others use, raises from numpy 2.4 on."""
    assert accuracy(np.array([1]), 1) == 1.0
    assert type(accuracy(np.array([1, 2, 6, 5]), 5)) is float
    assert accuracy(np.array([1, 2, 6, 5]), 5) == 0.75


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


def test_half_precision_makes_ties_and_they_are_named():
    """Near 24, fp16 knows steps of 1/64: two classes as near as that are one."""
    image = torch.tensor([[1.0, 0.0]])
    near = [0.24000, 0.24002, 0.23000]
    weights = torch.tensor([near, [(1 - c * c) ** 0.5 for c in near]])
    for true, place, original in ((0, 2, 1), (1, 1, 2), (2, 3, 3)):
        labels = np.array([true])
        exact = judge(logits(image, weights, "fp32"), labels)
        half = judge(logits(image, weights, "amp"), labels)
        assert exact[0].tolist() == [1]
        assert half[0].tolist() == [0]  # the first of the two, always
        assert exact[2].tolist() == [place]
        assert half[2].tolist() == [original]
        assert not exact[3].any()
        assert half[3].tolist() == [true != 2]


def test_half_precision_is_what_cuda_hands_on():
    draw = torch.Generator().manual_seed(0)
    images = torch.nn.functional.normalize(torch.randn(50, 64, generator=draw), dim=-1)
    weights = torch.nn.functional.normalize(torch.randn(64, 9, generator=draw), dim=0)
    found = logits(images, weights, "amp")
    exact = (100 * images).half().double() @ weights.half().double()
    assert found.dtype == torch.float16
    assert (found.double() - exact).abs().max() <= 2**-6  # one step at most, near 24


def test_ranks_share_the_images_and_all_get_the_whole(tmp_path, monkeypatch):
    benchmark = made(tmp_path, [*RIGHT, ("red", "green")])
    alone = zero_shot(knowing(), benchmark, tmp_path)
    shares = {}

    def leave(rank):
        def gather(into, share):
            shares[rank] = share
            into[:] = [shares.get(0, share), share]

        return gather

    for rank in (0, 1):
        monkeypatch.setattr("torch.distributed.all_gather_object", leave(rank))
        clip = knowing(2)
        both = zero_shot(clip, benchmark, tmp_path, rank=rank, world_size=2)
        assert clip.model.encoded == (4, 2)[rank]  # the last batch is filled up
    assert both.predicted.tolist() == alone.predicted.tolist()
    assert both.top1 == alone.top1
    assert sorted(shares[0][0].tolist() + shares[1][0].tolist()) == [0, 1, 2, 3, 4]


def test_a_model_in_training_is_evaluated_and_trains_on(tmp_path):
    benchmark = made(tmp_path, RIGHT)
    clip = knowing()
    clip.model.train()
    zero_shot(clip, benchmark, tmp_path)
    assert clip.model.training


def test_convolutions_take_no_short_cut_while_a_model_is_evaluated():
    backend, model = torch.backends.cudnn, knowing().model
    before = backend.allow_tf32, backend.enabled
    with evaluating(model):
        assert (backend.allow_tf32, backend.enabled) == (False, before[1])
    assert (backend.allow_tf32, backend.enabled) == before


@pytest.mark.gpu
def test_a_gpu_agrees_with_the_cpu_in_fp32_and_its_half_precision_is_near(tmp_path):
    source = find_clip(ClipConfig(model="tiny"))
    benchmark = made(tmp_path, RIGHT * 20)
    found = {
        (device, precision): zero_shot(
            load_clip(source, device), benchmark, tmp_path, precision=precision
        )
        for device, precision in (("cpu", "fp32"), ("cuda", "fp32"), ("cuda", "amp"))
    }
    cpu, gpu, half = found.values()
    assert np.array_equal(cpu.predicted, gpu.predicted)
    np.testing.assert_allclose(cpu.logit, gpu.logit, atol=1e-3)
    np.testing.assert_allclose(cpu.logit, half.logit, atol=0.2)
    assert np.array_equal(half.logit, half.logit.astype(np.float16))


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
