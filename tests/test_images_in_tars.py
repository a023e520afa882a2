"""A run whose images lie in tars equals one with files, for every command that reads images."""

import io
import os
import random
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from pipeline.bucket import BucketPath
from pipeline.cli.look import look_lines
from pipeline.cli.run import TOY
from pipeline.config import load_config
from pipeline.damage import revoke_damaged_parts
from pipeline.errors import InputError
from pipeline.run import Run
from pipeline.runner import run
from pipeline.storage import Place
from skyscript.benchmarks.features import file_key
from skyscript.benchmarks.files import read_captioned
from skyscript.benchmarks.layout import Benchmark as Layout
from skyscript.clip.pairs import CsvFolder
from skyscript.clip.source import clip_installed
from skyscript.files.tar_places import named_in_tars
from stages import PIPELINE, tables
from stages.judged.units import Unit
from stages.judged.verdicts import request_of
from stages.leakage import Benchmark, LeakageConfig, leakage
from stages.train.pairs import ImageFiles
from tests.buckets import content_in
from tests.conftest import content_of, skyscript

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

SCORED = ["score.model=tiny", "score.name=tiny", "score.threads=1"] if clip_installed() else []
OPTIONS = ["sample.max_objects=24", "sample.shard_rows=8", "runner.executor=serial", *SCORED]
CSV = "SkyScript_train_unfiltered.csv"
OWNS = {stage.writes.name: stage.owns for stage in PIPELINE}
OF_LAYOUT = {"tar", "tar_offset", "tar_size", "tar_hash", "layout", "fingerprint"}
"""The columns that may differ; ``fingerprint`` is the digest of the whole run."""


def build(root: Place, layout: str) -> None:
    config = load_config(TOY, PIPELINE, [*OPTIONS, f"layout.images={layout}"])
    run(PIPELINE, config, root, lambda event: None)


@pytest.fixture(scope="module")
def in_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("files") / "run"
    build(root, "files")
    return root


@pytest.fixture(scope="module")
def in_tars(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("tars") / "run"
    build(root, "tars")
    return root


@pytest.fixture
def copy(in_tars: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(in_tars, tmp_path / "run"))


def table(root: Path, name: str) -> pa.Table:
    files = sorted((root / "tables" / name).glob("part-*.parquet"))
    found = ds.dataset([str(file) for file in files]).to_table()
    return found.select([column for column in found.column_names if column not in OF_LAYOUT])


def images_of(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes() for path in sorted(root.glob("images?/*"))
    }


def unpacked(root: Path) -> dict[str, bytes]:
    found = {}
    for path in sorted(root.glob("image_tars/*.tar")):
        with tarfile.open(path) as tar:
            for member in tar:
                opened = tar.extractfile(member)
                assert opened is not None
                found[member.name] = opened.read()
    return dict(sorted(found.items()))


def test_tables_csvs_and_metas_are_those_of_a_run_with_files(in_files: Path, in_tars: Path) -> None:
    for name in sorted(path.name for path in (in_files / "tables").iterdir()):
        if name != "report":
            assert table(in_tars, name).equals(table(in_files, name)), name
    one, other = content_of(in_files), content_of(in_tars)
    same = [name for name in one if name.startswith("meta") or name.endswith(".csv")]
    assert len(same) > len(images_of(in_files))
    assert all(one[name] == other[name] for name in same)
    assert one["report/gallery.jpg"] == other["report/gallery.jpg"]


def test_the_tars_unpack_to_the_files_with_the_published_names(
    in_files: Path, in_tars: Path
) -> None:
    assert images_of(in_tars) == {}
    assert unpacked(in_tars) == images_of(in_files)
    assert len(list(in_tars.glob("image_tars/*.tar"))) > 2
    assert not list(in_tars.glob("image_tars/_*"))


def test_the_explorer_shows_copies_beside_it(in_files: Path, in_tars: Path) -> None:
    assert images_of(in_tars / "report") == images_of(in_files)
    assert b'"images":""' in (in_tars / "report/data/columns.js").read_bytes().replace(b" ", b"")


def test_exports_have_the_same_bytes(in_files: Path, in_tars: Path, tmp_path: Path) -> None:
    out = {}
    for name, root in (("files", in_files), ("tars", in_tars)):
        words = ["--format", "zips", "webdataset", "parquet", "coco"]
        done = skyscript("export-data", root, "--out", tmp_path / name, *words, "--name", "town")
        assert done.returncode == 0, done.stderr
        out[name] = content_of(tmp_path / name)
    assert out["files"].keys() == out["tars"].keys()
    assert "published/images3.zip" in out["files"]
    assert [name for name in out["files"] if out["files"][name] != out["tars"][name]] == []


def test_train_score_and_judge_read_the_same_images(in_files: Path, in_tars: Path) -> None:
    names = sorted(images_of(in_files))
    paths = pa.array([*names, names[0], "images2/a1_SIM_24.jpg"], pa.large_string())
    trained = ImageFiles(in_tars, paths)
    expected = [(in_files / name).read_bytes() for name in [*names, names[0]]]
    assert [trained.read(row) for row in range(len(paths) - 1)] == expected
    assert [trained.exists(row) for row in range(len(paths))] == [True] * len(expected) + [False]
    with CsvFolder(in_tars / CSV, in_tars).reading(0, names) as read:
        assert [read(name) for name in names] == expected[:-1]
    unit = Unit("a1", "a1", names[0], "a church", "caption", True, "SIM", 0.3, ())
    inside = named_in_tars(in_tars, names)
    assert request_of(in_tars, inside, unit) == request_of(in_files, {}, unit)


def test_leakage_finds_the_run_in_tars(in_files: Path, in_tars: Path, tmp_path: Path) -> None:
    images = Run(in_tars).table_of_today(tables.IMAGES)
    done = leakage(
        in_tars, images, [Benchmark("files", in_files)], tmp_path, LeakageConfig(),
        lambda event: None,
    )  # fmt: skip
    assert not any("cannot be" in line for line in done.lines())
    found = table_of(tmp_path / "leakage.parquet")
    equal = {row["ours"] for row in found if row["kind"] == "bytes"}
    assert equal == set(images_of(in_files))


def table_of(path: Path) -> list[dict[str, object]]:
    return ds.dataset(str(path)).to_table().to_pylist()


def test_evaluate_reads_the_same_images(in_files: Path, in_tars: Path, tmp_path: Path) -> None:
    own = Layout("own", "retrieval", CSV, column="title")
    one, other = read_captioned(own, in_files), read_captioned(own, in_tars)
    assert one.paths == other.paths
    assert [file.read_bytes() for file in other.files] == [file.read_bytes() for file in one.files]
    keys = {file_key(file) for file in other.files}
    assert len(keys) == len(set(other.paths))
    shutil.copytree(in_tars / "image_tars", tmp_path / "image_tars")
    shutil.copy(in_tars / CSV, tmp_path)
    with pytest.raises(InputError, match=r"lacks the table images.*for tar in image_tars/\*\.tar"):
        read_captioned(own, tmp_path)


def test_look_names_the_tar(in_tars: Path) -> None:
    name = next(iter(unpacked(in_tars)))
    lines = list(look_lines(in_tars, name))
    assert any(line.startswith(f"  image: {in_tars}/image_tars/") for line in lines)
    assert not any("missing" in line for line in lines)


def test_a_run_in_a_bucket_has_the_same_tars_and_reads_them(
    bucket: BucketPath, in_tars: Path
) -> None:
    there = bucket / "runs/town"
    build(there, "tars")
    assert content_in(there) == content_of(in_tars)
    name = next(iter(unpacked(in_tars)))
    (file,) = named_in_tars(there, [name]).values()
    assert (file.is_file(), file.read_bytes()) == (True, unpacked(in_tars)[name])
    assert f"  image: {there}/image_tars/" in "\n".join(look_lines(there, name))


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 4
    path.write_bytes(data)


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


DAMAGE: list[Callable[[Path], None]] = [
    lambda path: flip(path, 5),  # in the header of the first member
    lambda path: flip(path, 700),  # in the first image
    lambda path: flip(path, path.stat().st_size - 3),
    cut,
    Path.unlink,
]


@pytest.mark.parametrize("damage", DAMAGE, ids=["header", "image", "end", "cut", "missing"])
def test_verify_names_a_damaged_tar_and_the_next_run_mends_it(
    copy: Path, in_tars: Path, damage: Callable[[Path], None]
) -> None:
    tars = sorted(copy.glob("image_tars/*.tar"))
    others = {path: path.stat().st_ino for path in tars}
    chosen = random.Random(1).choice(tars)
    damage(chosen)
    assert revoke_damaged_parts(Run(copy), OWNS) == [chosen]
    del others[chosen]
    build(copy, "tars")
    assert content_of(copy) == content_of(in_tars)
    assert {path: path.stat().st_ino for path in others} == others, "only its own tar is replaced"
    assert revoke_damaged_parts(Run(copy), OWNS) == []


def test_a_cut_tar_is_one_sentence(copy: Path, tmp_path: Path) -> None:
    for path in copy.glob("image_tars/*.tar"):
        cut(path)
    done = skyscript("export-data", copy, "--out", tmp_path / "out", "--format", "zips")
    assert done.returncode == 2
    assert "its tar is cut off; skyscript verify names what is damaged" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_table_that_names_a_place_outside_is_refused(copy: Path) -> None:
    from skyscript.files.image_tars import image_file

    row = {"filepath": "images3/a1_SIM_24.jpg", "tar_offset": 0, "byte_size": 4}
    for tar in ("../other.tar", "/etc/passwd"):
        with pytest.raises(PermissionError):
            image_file(copy, {**row, "tar": tar})
    tar = next(copy.glob("image_tars/*.tar")).relative_to(copy).as_posix()
    for wrong in ({"tar_offset": -1}, {"byte_size": -1}, {"tar_offset": 1 << 40}):
        file = image_file(copy, {**row, "tar": tar, **wrong})
        with pytest.raises(OSError, match="tar"):
            file.read_bytes()


def test_a_run_changes_its_layout_and_leaves_nothing_behind(
    copy: Path, in_files: Path, in_tars: Path
) -> None:
    build(copy, "files")
    assert content_of(copy) == content_of(in_files)
    build(copy, "tars")
    assert content_of(copy) == content_of(in_tars)


def test_auto_takes_tars_above_a_number_of_focus_objects(tmp_path: Path) -> None:
    from stages.layout import LayoutConfig, choose_layout

    focus = ds.dataset(pa.table({"object_id": ["n1", "n2"]}))

    def layout(**config: object) -> str:
        (found,) = choose_layout(focus, config=LayoutConfig.model_validate(config), root=tmp_path)
        return str(found["layout"][0])

    assert layout() == "files"
    assert layout(most_files=2) == "files"
    assert layout(most_files=1) == "tars"
    assert layout(images="files", most_files=1) == "files"
    assert layout(images="tars") == "tars"


def test_any_bytes_in_place_of_a_tar_give_no_error(tmp_path: Path) -> None:
    from skyscript.files.image_tars import members_of, write_tar

    path, images = tmp_path / "image_tars" / "00000.tar", {"images3/a.jpg": b"a" * 700}
    packed = write_tar(path, list(images), images.__getitem__)
    whole = path.read_bytes()
    assert whole[packed.offsets["images3/a.jpg"] :].startswith(b"a" * 700 + b"\0")
    chance = random.Random(3)
    for _ in range(300):
        data = bytearray(whole[: chance.randrange(len(whole))])
        for _ in range(min(len(data), chance.randrange(9))):
            data[chance.randrange(len(data))] = chance.randrange(256)
        path.write_bytes(data)
        for member in members_of(path):
            assert member.is_file()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        link = tarfile.TarInfo("images3/a.jpg")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    path.write_bytes(buffer.getvalue())
    assert list(members_of(path)) == []
