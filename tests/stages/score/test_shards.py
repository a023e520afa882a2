"""Pairs in WebDataset shards: scored by key, resumed by tar; hostile tars are refused."""

import csv
import io
import json
import tarfile

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("open_clip")
pytest.importorskip("simplejpeg")

from pipeline.config import config_of_command
from pipeline.errors import InputError, ItemsFailed
from pipeline.runner import run
from skyscript.files.shards import Sample, TarImages, find_tars, key_of, samples
from stages import SCORE_JOB
from tests.conftest import assert_close, skyscript
from tests.stages.score.runs import TINY, ran, read

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow]


def jpeg(seed):
    draw = np.random.default_rng(seed)
    image = Image.fromarray(draw.integers(0, 255, (9, 9, 3), np.uint8)).resize((150, 130))
    data = io.BytesIO()
    image.save(data, "JPEG")
    return data.getvalue()


def tar_of(path, *members):
    """Write a tar of (name, bytes), or of members made by hand."""
    with tarfile.open(path, "w") as tar:
        for member in members:
            info, data = member if isinstance(member[0], tarfile.TarInfo) else (None, member[1])
            info = info or tarfile.TarInfo(member[0])
            info.size = info.size or len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def sample(key, seed, title, multi=None):
    described = (
        [] if multi is None else [(f"{key}.json", json.dumps({"title_multi_objects": multi}))]
    )
    texts = [(f"{key}.txt", title), *described]
    return [(f"{key}.jpg", jpeg(seed)), *((name, text.encode()) for name, text in texts)]


def shards(folder, count=3, each=5):
    folder.mkdir(exist_ok=True)
    for shard in range(count):
        members = [
            member
            for number in range(shard * each, (shard + 1) * each)
            for member in sample(
                f"a{number}_US_20", number, f"a satellite image of building {number % 4}", "both"
            )
        ]
        tar_of(folder / f"shards-{shard:04}.tar", *members)
    return folder


def score(images, out, **more):
    block = {"images": images, "score": TINY, "runner": {"executor": "serial"}, **more}
    events = []
    run(SCORE_JOB, config_of_command(block, SCORE_JOB, [], "score"), out, events.append)
    return ran(events)


def test_samples_are_scored_by_key_as_the_same_files_are_in_a_folder(tmp_path):
    tars = shards(tmp_path / "tars")
    assert score(tars, tmp_path / "out") == {"pairs": 3, "score": 3, "normalise": 3, "scored": 1}
    rows = read(tmp_path / "out" / "tars_scored_by_tiny.csv")
    assert rows[6]["filepath"] == "shards-0001.tar/a6_US_20.jpg"
    assert rows[6]["key"] == "a6_US_20"
    assert rows[6]["title"] == "a satellite image of building 2"
    assert rows[6]["title_multi_objects"] == "both"

    folder = tmp_path / "folder"
    (folder / "images2").mkdir(parents=True)
    with (folder / "in.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["filepath", "title", "title_multi_objects"])
        for number, row in enumerate(rows):
            (folder / "images2" / f"{number}.jpg").write_bytes(jpeg(number))
            writer.writerow([f"images2/{number}.jpg", row["title"], row["title_multi_objects"]])
    block = {"captions": folder / "in.csv", "images": folder, "score": TINY}
    settings = config_of_command(block | {"runner": {"executor": "serial"}}, SCORE_JOB, [], "x")
    run(SCORE_JOB, settings, tmp_path / "same", lambda event: None)
    same = read(tmp_path / "same" / "in_scored_by_tiny.csv")
    for column in ("similarity_tiny", "similarity_tiny_multi_objects", "image_hash"):
        assert [row[column] for row in rows] == [row[column] for row in same]
        assert all(row[column] for row in rows)
    normalised = [[float(row["normalised_tiny"]) for row in found] for found in (rows, same)]
    assert_close(*normalised, size=1)


def test_a_tar_is_a_part_and_only_a_changed_one_is_scored_again(tmp_path):
    tars, out = shards(tmp_path / "tars"), tmp_path / "out"
    score(tars, out)
    assert set(score(tars, out).values()) == {0}
    (out / "tables/pair_scores/_receipts/00001.json").unlink()  # as where it was killed
    assert score(tars, out)["score"] == 1
    tar_of(tars / "shards-0002.tar", *sample("b1_US_20", 77, "a satellite image of a pond"))
    assert score(tars, out) == {"pairs": 3, "score": 1, "normalise": 3, "scored": 1}
    rows = read(out / "tars_scored_by_tiny.csv")
    assert len(rows) == 11
    assert rows[-1]["key"] == "b1_US_20"


def test_a_sample_without_image_or_caption_is_named(tmp_path):
    good = sample("a", 1, "a satellite image of trees")
    members = [*good, ("b.txt", b"a caption"), ("c.jpg", jpeg(3)), ("d.jpg", b""), ("d.txt", b"x")]
    tar = tar_of(tmp_path / "0.tar", *members)
    with pytest.raises(ItemsFailed, match="there is no such image: 1"):
        score(tar, tmp_path / "out")
    rows = read(tmp_path / "out" / "0_scored_by_tiny.csv")
    assert [bool(row["similarity_tiny"]) for row in rows] == [True, False, False, False]
    rejected = read(tmp_path / "out" / "0_scored_by_tiny.rejected.csv")
    assert [row["filepath"] for row in rejected] == ["0.tar/b", "0.tar/d.jpg"]


def test_titles_come_from_the_text_or_the_description(tmp_path):
    described = json.dumps({"caption": "of json", "title_multi_objects": "all", "n": 1}).encode()
    tar = tar_of(
        tmp_path / "0.tar",
        ("x/a.jpg", b"1"), ("x/a.txt", b" of text\n"), ("x/a.json", described),
        ("x/b.PNG", b"2"), ("x/b.json", described),
        ("__index__/meta", b"?"), ("__index__", b"?"), ("._c.jpg", b"?"),
    )  # fmt: skip
    assert [s for s in samples(tar) if not s.image.startswith("__index__/")] == [
        Sample("x/a.jpg", "of text", "all"),
        Sample("x/b.PNG", "of json", "all"),
    ]
    with TarImages(tar) as images:
        assert images.read("0.tar/x/b.PNG") == b"2"
        with pytest.raises(FileNotFoundError):
            images.read("0.tar/x/../x/a.jpg")


def link(name, target, kind):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info, b""


def sparse():
    """A member that claims 100 GB and holds nothing."""
    info = tarfile.TarInfo("a.jpg")
    info.pax_headers = {
        "GNU.sparse.major": "0", "GNU.sparse.minor": "1", "GNU.sparse.name": "a.jpg",
        "GNU.sparse.size": str(10**11), "GNU.sparse.map": f"{10**11},0",
    }  # fmt: skip
    return info, b""


@pytest.mark.parametrize(
    ("member", "says"),
    [
        (("../a.jpg", b"x"), "leads out of the archive"),
        (("/etc/passwd.txt", b"x"), "leads out of the archive"),
        (("x/../../a.txt", b"x"), "leads out of the archive"),
        (link("a.jpg", "/etc/passwd", tarfile.SYMTYPE), "is a link or a device"),
        (link("a.jpg", "b.jpg", tarfile.LNKTYPE), "is a link or a device"),
        (link("a.jpg", "", tarfile.CHRTYPE), "is a link or a device"),
        (link("a.jpg", "", tarfile.FIFOTYPE), "is a link or a device"),
        (sparse(), "is sparse"),
        (("a.txt", b"x" * ((1 << 20) + 1)), "too large for a caption"),
        (("a.txt", b"\xff\xfe"), "is not in UTF-8"),
        (("a.json", b"{"), "is not JSON"),
        (("a.json", b"[" * 100_000), "is not JSON"),
        (("a.json", b"[1]"), "is not a JSON object"),
        (("n" * ((1 << 20) + 9), b"x"), "a header that is too long"),
    ],
)
def test_a_hostile_tar_is_refused_with_its_member(tmp_path, member, says):
    tar = tar_of(tmp_path / "bad.tar", ("0.jpg", b"x"), member)
    with pytest.raises(InputError, match=rf"bad\.tar: .*{says}"):
        list(samples(tar))


def test_keys_that_come_twice_are_refused(tmp_path):
    tar = tar_of(tmp_path / "0.tar", ("a.jpg", b"1"), ("b.jpg", b"1"), ("a.txt", b"1"))
    with pytest.raises(InputError, match="'a' are not adjacent"):
        list(samples(tar))
    tar = tar_of(tmp_path / "1.tar", ("a.jpg", b"1"), ("a.JPG", b"1"))
    with pytest.raises(InputError, match=r"'a.JPG' twice"):
        list(samples(tar))


@pytest.mark.parametrize("size", [0, 100, 512, 700, 1100, 1536, 2000])
def test_a_tar_that_is_cut_off_is_never_half_read(tmp_path, size):
    """Wherever it is cut: in a header, in a member, or just between two."""
    tar = tar_of(tmp_path / "0.tar", ("a.txt", b"x" * 600), ("b.txt", b"y"))
    tar.write_bytes(tar.read_bytes()[:size])
    with pytest.raises(InputError, match=r"0\.tar: is not an uncompressed tar, or is truncated"):
        list(samples(tar))


def test_a_tar_with_nonsense_after_a_member_is_refused(tmp_path):
    tar = tar_of(tmp_path / "0.tar", ("a.txt", b"x"), ("b.txt", b"y"))
    data = tar.read_bytes()
    tar.write_bytes(data[:1024] + b"?" * 512 + data[1536:])
    with pytest.raises(InputError, match="its end is missing"):
        list(samples(tar))


def test_tars_are_named_by_folder_or_braces(tmp_path):
    shards(tmp_path / "tars", count=4)
    some = find_tars(tmp_path / "tars" / "shards-{0001..0002}.tar")
    assert [tar.name for tar in some] == ["shards-0001.tar", "shards-0002.tar"]
    assert len(find_tars(tmp_path / "tars")) == 4
    assert find_tars(tmp_path) == []
    with pytest.raises(InputError, match=r"shards-0004.tar: there is no such tar"):
        find_tars(tmp_path / "tars" / "shards-{0000..0004}.tar")
    with pytest.raises(InputError, match="braces do not match"):
        find_tars(tmp_path / "tars" / "shards-{0000.tar")


def test_the_command_scores_shards(tmp_path):
    tars = shards(tmp_path / "tars", count=2, each=2)
    given = ["score", "--model", "tiny", "--name", "tiny", "--out", tmp_path / "out"]
    done = skyscript(*given, "--images", tars / "shards-{0000..0001}.tar")
    assert done.returncode == 0, done.stderr
    assert len(read(tmp_path / "out" / "shards_scored_by_tiny.csv")) == 4
    done = skyscript(*given, "--images", tmp_path / "nothing.tar")
    assert done.returncode == 2
    assert "there is no such tar" in done.stderr
    done = skyscript(*given, "--images", tmp_path)
    assert done.returncode == 2
    assert "neither a tar nor a folder with *.tar" in done.stderr.replace("\n", " ")


def test_shards_without_captions_are_one_sentence(tmp_path):
    tar = tar_of(tmp_path / "0.tar", ("a.jpg", jpeg(1)), ("b.jpg", jpeg(2)), ("b.txt", b" "))
    with pytest.raises(InputError, match=r"0.tar: none of its 2 pairs has a caption"):
        score(tar, tmp_path / "out")


def test_dots_in_names_do_not_merge_two_samples(tmp_path):
    tar = tar_of(
        tmp_path / "0.tar",
        ("x/a_0.6.jpg", b"1"), ("x/a_0.6.txt", b"six"),
        ("x/a_0.7.JPG", b"2"), ("x/a_0.7.json", b'{"title": "seven"}'),
        ("x/b.jpg", b"3"), ("x/b.seg.png", b"4"), ("x/b.txt", b"a mask beside it"),
    )  # fmt: skip
    found = list(samples(tar))
    assert found == [
        Sample("x/a_0.6.jpg", "six", None),
        Sample("x/a_0.7.JPG", "seven", None),
        Sample("x/b.jpg", "a mask beside it", None),
    ]
    keys = ["x/a_0.6", "x/a_0.7", "x/b"]
    assert [key_of(sample.image) for sample in found] == keys
    assert key_of("x/a_0.6") == "x/a_0.6"
