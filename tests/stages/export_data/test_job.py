"""An export is whole or not there, shuffled, and leads back to the run."""

import csv
import json
import tarfile
import zipfile
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipeline.errors import InputError
from tests.conftest import content_of
from tests.stages.export_data.runs import export, jpeg, made_run

ALL = ("webdataset", "parquet", "zips", "coco", "llava", "stac")


def samples(out: Path) -> list[str]:
    """Give the keys of all samples in the order of the tars."""
    keys = []
    for path in sorted((out / "webdataset").glob("*.tar")):
        with tarfile.open(path) as tar:
            keys += [name.removesuffix(".jpg") for name in tar.getnames() if name.endswith(".jpg")]
    return keys


@pytest.mark.slow
def test_neighbours_do_not_share_a_batch(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", 640)
    done = export(tmp_path / "run", run, tmp_path / "out", formats=["webdataset"])
    assert done.diversity.blocks == 10
    assert done.diversity.run == 64  # a block is a batch
    assert done.diversity.export < 16  # a tenth would be 6.4; the fullest block of ten has more
    assert "64.0 come from one block" in "\n".join(done.lines())
    keys = samples(tmp_path / "out")
    assert sorted(keys) == sorted(f"a{number}_SIM_24" for number in range(640))
    first = {int(key.split("_")[0][1:]) // 64 for key in keys[:64]}
    assert len(first) >= 9


@pytest.mark.slow
def test_the_same_run_and_seed_give_the_same_bytes(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", 40)
    for name, seed in (("one", 3), ("two", 3), ("three", 4)):
        options = {"formats": ALL, "seed": seed, "per_file": 15, "name": "Town"}
        export(tmp_path / "run", run, tmp_path / name, **options)
    one, two, three = (content_of(tmp_path / name) for name in ("one", "two", "three"))
    assert one == two
    assert samples(tmp_path / "one") != samples(tmp_path / "three")
    assert one.keys() == three.keys()


def test_every_sample_has_its_image_captions_licence_and_way_back(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", 10)
    export(tmp_path / "run", run, tmp_path / "out", formats=["webdataset", "parquet"], per_file=4)
    sizes = json.loads((tmp_path / "out/webdataset/sizes.json").read_text())
    assert sizes == {"train-000000.tar": 3, "train-000001.tar": 3, "train-000002.tar": 4}
    with tarfile.open(tmp_path / "out/webdataset/train-000000.tar") as tar:
        parts = {name: tar.extractfile(name).read() for name in tar.getnames()}  # type: ignore[union-attr]
    key = next(iter(parts)).partition(".")[0]
    number = int(key.split("_")[0][1:])
    about = json.loads(parts[f"{key}.json"])
    assert parts[f"{key}.jpg"] == jpeg(number)
    assert parts[f"{key}.txt"].decode() == about["title"] == f"a satellite image of thing {number}"
    assert about["object_id"] == f"a{number}"
    assert about["osm_version"] == number + 1
    assert about["acquired"] == "2024-07-15T11:00:00+00:00"
    assert about["east"] - about["west"] == pytest.approx(0.002)
    assert about["scene_id"] == "SIM/one"
    assert about["licence"].startswith("ODbL 1.0")
    names = sorted(path.name for path in (tmp_path / "out/data").iterdir())
    assert names == [f"train-0000{number}-of-00003.parquet" for number in range(3)]
    row = pq.read_table(tmp_path / "out/data" / names[0]).to_pylist()[0]
    assert row["image"] == {"bytes": parts[f"{key}.jpg"], "path": f"{key}.jpg"}
    assert {name: row[name] for name in ("title", "tags", "gsd")} == {
        name: about[name] for name in ("title", "tags", "gsd")
    }


def test_captions_files_give_splits_and_texts(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", 30)
    train = tmp_path / "SkyScript_train_top30pct_filtered_by_x.csv"
    test = tmp_path / "SkyScript_test_30K_filtered_by_x.csv"
    paths = [f"images{2 + number % 6}/a{number}_SIM_24.jpg" for number in range(12)]
    train.write_text("filepath,title\n" + "".join(f"{path},mine\n" for path in paths[:10]))
    test.write_text("filepath,title\n" + "".join(f"{path},theirs\n" for path in paths[10:]))
    out = tmp_path / "out"
    done = export(
        tmp_path / "run", run, out, formats=["webdataset", "zips"], captions=[test, train]
    )
    assert done.counts == {"train": 10, "test": 2}
    assert len(samples(out)) == 12
    rows = list(csv.reader((out / "published" / train.name).read_text().splitlines()))
    assert rows == [["filepath", "title", "title_multi_objects"]] + [
        [path, "mine", ""] for path in paths[:10]
    ]
    with zipfile.ZipFile(out / "published/images2.zip") as archive:
        assert archive.namelist() == ["images2/", "images2/a0_SIM_24.jpg", "images2/a6_SIM_24.jpg"]
    with zipfile.ZipFile(out / "published/meta2.zip") as archive:
        assert archive.read("meta2/a6.pickle") == b"pickle of 6"


def test_coco_has_one_annotation_for_each_caption(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", 10)
    export(tmp_path / "run", run, tmp_path / "out", formats=["coco"])
    document = json.loads((tmp_path / "out/coco/captions_train.json").read_text())
    assert [one["id"] for one in document["images"]] == list(range(1, 11))
    assert len(document["annotations"]) == 10 + 8  # two of the ten have no second caption
    names = {one["id"]: one["file_name"] for one in document["images"]}
    for one in document["annotations"]:
        number = names[one["image_id"]].split("/a")[1].split("_")[0]
        assert f"thing {number}" in one["caption"]
    for name in names.values():
        assert (tmp_path / "out/coco" / name).stat().st_nlink == 2  # no second copy of the pixels
    assert document["licenses"][0]["source"] == "SIM"


@pytest.mark.slow
def test_an_image_that_was_changed_or_lost_leaves_the_old_export_as_it_was(tmp_path: Path) -> None:
    root, out = tmp_path / "run", tmp_path / "out"
    run = made_run(root, 8)
    export(root, run, out)
    before = content_of(out)
    image = root / "images3/a1_SIM_24.jpg"
    image.write_bytes(jpeg(999))
    with pytest.raises(InputError, match=r"a1_SIM_24\.jpg: is not the file that the run wrote"):
        export(root, run, out)
    image.unlink()
    with pytest.raises(InputError, match=r"a1_SIM_24\.jpg: cannot be read"):
        export(root, run, out, seed=1)
    assert content_of(out) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "run"]


def test_a_folder_of_other_files_is_not_replaced(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", 3)
    (tmp_path / "out").mkdir()
    (tmp_path / "out/thesis.tex").write_text("mine")
    with pytest.raises(InputError, match="exists and is not a set of export-data"):
        export(tmp_path / "run", run, tmp_path / "out")
    assert (tmp_path / "out/thesis.tex").read_text() == "mine"


def test_captions_of_another_run_and_pairs_of_two_splits_are_named(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", 3)
    files = {}
    for split, path in (("train", "images2/a0_SIM_24.jpg"), ("test", "images2/a0_SIM_24.jpg")):
        files[split] = tmp_path / f"x_{split}_y.csv"
        files[split].write_text(f"filepath,title\n{path},a church\n")
    with pytest.raises(InputError, match=r"a0_SIM_24\.jpg: is a pair .* of test and of train"):
        export(tmp_path / "run", run, tmp_path / "out", captions=list(files.values()))
    files["test"].write_text("filepath,title\nimages2/a77_SIM_24.jpg,a church\n")
    with pytest.raises(InputError, match=r"x_test_y\.csv: 'images2/a77_SIM_24\.jpg' is"):
        export(tmp_path / "run", run, tmp_path / "out", captions=list(files.values()))


def test_the_licence_of_a_source_of_ones_own_is_asked_for(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", 3, source="ORT")
    done = export(tmp_path / "run", run, tmp_path / "out")
    assert "the licence of ORT is not stated" in done.lines()[-1]
    given = {"licences": {"ORT": "CC BY 4.0"}, "attributions": {"ORT": "© the city"}}
    done = export(tmp_path / "run", run, tmp_path / "out", **given)
    assert not done.unlicensed
    assert (tmp_path / "out/licences.csv").read_text().splitlines()[1] == (
        "ORT,CC BY 4.0,,© the city"
    )
    with pytest.raises(InputError, match="CH: no pair has an image of this source"):
        export(tmp_path / "run", run, tmp_path / "x", only_sources=["CH"])
