"""The field's own readers load an export: their code, not ours."""

import contextlib
import functools
import io
import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import yaml
from PIL import Image

from tests.stages.export_data.runs import export, jpeg, made_run

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

COUNT = 50
TITLES = {f"a satellite image of thing {number}" for number in range(COUNT)}
TOP = "SkyScript_train_top30pct_filtered_by_CLIP_laion_RS.csv"


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("export")
    run = made_run(root / "run", COUNT)
    top, test = root / TOP, root / "SkyScript_test_30K_filtered_by_CLIP_openai.csv"
    for path, rows in ((top, range(COUNT - 10)), (test, range(COUNT - 10, COUNT))):
        lines = (
            f"images{2 + n % 6}/a{n}_SIM_24.jpg,a satellite image of thing {n}\n" for n in rows
        )
        path.write_text("filepath,title\n" + "".join(lines))
    options = {
        "formats": ["webdataset", "parquet", "zips", "coco", "llava", "stac"],
        "captions": [top, test],
    }
    export(root / "run", run, root / "out", per_file=15, **options)
    return root / "out"


def test_datasets_loads_the_folder_with_images_and_splits(out: Path, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    loaded = datasets.load_dataset(str(out), cache_dir=str(tmp_path))
    assert {split: len(rows) for split, rows in loaded.items()} == {
        "train": COUNT - 10,
        "test": 10,
    }
    assert isinstance(loaded["train"].features["image"], datasets.Image)
    row = loaded["test"][0]
    assert row["image"].size == (24, 16)
    assert row["licence"].startswith("ODbL")
    assert row["acquired"].year == 2024
    assert {*loaded["train"]["title"], *loaded["test"]["title"]} == TITLES


def test_datasets_streams_the_parquet_files(out: Path) -> None:
    datasets = pytest.importorskip("datasets")
    files = {"train": str(out / "data/train-*.parquet")}
    rows = list(datasets.load_dataset("parquet", data_files=files, split="train", streaming=True))
    assert len(rows) == COUNT - 10
    assert rows[0]["image"].size == (24, 16)
    assert rows[0]["tags"] in (["building=church"], ["building=house"])


def test_webdataset_reads_every_sample(out: Path) -> None:
    wds = pytest.importorskip("webdataset")
    tars = f"{out}/webdataset/train-{{000000..000002}}.tar"
    data = wds.WebDataset(tars, shardshuffle=False).decode("pil").to_tuple("jpg", "txt", "json")
    samples = list(data)
    assert len(samples) == COUNT - 10
    for image, text, about in samples:
        assert image.size == (24, 16)
        assert text == about["title"]
    assert len({about["object_id"] for _, _, about in samples}) == COUNT - 10


def test_open_clip_reads_the_tars_and_knows_their_size(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_clip_data = pytest.importorskip("open_clip_train.data")
    # Since 1.0, webdataset marks the end of a tar, which open_clip 3.3 takes for a sample and
    # fails (KeyError: 'fname') on any tar: the mark is turned off here.
    expand = functools.partial(open_clip_data.tar_file_expander, eof_value=None)
    monkeypatch.setattr(open_clip_data, "tar_file_expander", expand)
    import open_clip
    from torchvision.transforms.functional import to_tensor

    tars = f"{out}/webdataset/train-{{000000..000002}}.tar"
    assert open_clip_data.get_dataset_size(tars) == (COUNT - 10, 3)
    arguments = SimpleNamespace(
        train_data=tars,
        train_data_upsampling_factors=None,
        train_num_samples=None,
        val_data=None,
        dataset_resampled=False,
        seed=0,
        batch_size=8,
        workers=1,
        world_size=1,
        use_naflex=False,
    )
    tokenizer = open_clip.get_tokenizer("ViT-B-32")
    made = open_clip_data.get_wds_dataset(arguments, to_tensor, True, tokenizer=tokenizer)
    seen = 0
    for images, texts in made.dataloader:
        assert images.shape[1:] == (3, 16, 24)
        assert texts.shape[1] == 77
        seen += len(images)
    assert seen >= COUNT - 10


@pytest.mark.parametrize(("split", "count"), [("train", COUNT - 10), ("test", 10)])
def test_energon_reads_every_image_and_caption_without_a_step_between(
    out: Path, split: str, count: int
) -> None:
    energon = pytest.importorskip("megatron.energon")
    data = energon.get_train_dataset(
        out / "webdataset",
        split_part=split,
        worker_config=energon.WorkerConfig(rank=0, world_size=1, num_workers=0),
        batch_size=None,
        shuffle_buffer_size=None,
        max_samples_per_sequence=None,
        repeat=False,
    )
    samples = list(energon.get_loader(data))
    assert len({sample.__key__ for sample in samples}) == len(samples) == count
    for sample in samples:
        number = int(sample.__key__.rpartition("/")[2].split("_")[0][1:])
        assert sample.caption == f"a satellite image of thing {number}"
        pixels = np.asarray(Image.open(io.BytesIO(jpeg(number))))
        decoded = sample.image.numpy().transpose(1, 2, 0) * 255
        np.testing.assert_allclose(decoded, pixels, atol=0.01)


def test_energons_own_preparation_writes_what_the_export_wrote(out: Path, tmp_path: Path) -> None:
    pytest.importorskip("megatron.energon")
    braceexpand = pytest.importorskip("braceexpand")
    mine, theirs = out / "webdataset", tmp_path / "webdataset"
    theirs.mkdir()
    for tar in mine.glob("*.tar"):
        (theirs / tar.name).write_bytes(tar.read_bytes())
    options = ["--non-interactive", "--no-progress", "--num-workers", "1"]
    options += [f"--split-parts={split}:{split}-.*" for split in ("train", "test")]
    options += ["--sample-type=CaptioningSample", '--field-map={"image": "jpg", "caption": "txt"}']
    subprocess.run(
        [Path(sys.executable).with_name("energon"), "prepare", *options, theirs],
        check=True,
        capture_output=True,
        stdin=subprocess.DEVNULL,
    )
    for tar in mine.glob("*.tar"):
        name = f"{tar.name}.idx"
        assert (mine / name).read_bytes() == (theirs / name).read_bytes()
    for name in ("dataset.yaml", "split.yaml", ".info.json"):
        made, expected = (
            yaml.safe_load((folder / ".nv-meta" / name).read_text()) for folder in (mine, theirs)
        )
        for splits in (made, expected):
            for split, tars in splits.get("split_parts", {}).items():
                splits["split_parts"][split] = sorted(
                    tar for names in tars for tar in braceexpand.braceexpand(names)
                )
        expected.pop("energon_version", None)
        assert made == expected


def test_torchgeo_reads_the_published_zips(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torchgeo = pytest.importorskip("torchgeo.datasets")
    monkeypatch.setitem(torchgeo.SkyScript.caption_files, "train", TOP)
    dataset = torchgeo.SkyScript(out / "published", split="train")
    assert len(dataset) == COUNT - 10
    assert {dataset[index]["caption"] for index in range(len(dataset))} <= TITLES
    assert dataset[0]["image"].shape == (3, 16, 24)


def test_torchvision_reads_the_coco_captions(out: Path) -> None:
    pytest.importorskip("pycocotools")
    from torchvision.datasets import CocoCaptions

    with contextlib.redirect_stdout(None):
        dataset = CocoCaptions(str(out / "coco"), str(out / "coco/captions_train.json"))
    assert len(dataset) == COUNT - 10
    image, captions = dataset[0]
    assert image.size == (24, 16)
    assert captions[0] in TITLES
    document = json.loads((out / "coco/captions_test.json").read_text())
    assert len(document["images"]) == 10


def test_mlcroissant_finds_no_error_and_reads_the_records(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mlcroissant = pytest.importorskip("mlcroissant")
    monkeypatch.chdir(out)
    dataset = mlcroissant.Dataset("croissant.json")
    assert not dataset.metadata.issues.errors
    assert len(dataset.metadata.data_biases) == 5
    records = list(dataset.records("test"))
    assert len(records) == 10
    assert records[0]["test/image"].size == (24, 16)
    assert {record["test/title"].decode() for record in records} < TITLES


def test_the_hub_reads_the_card(out: Path) -> None:
    hub = pytest.importorskip("huggingface_hub")
    card = hub.DatasetCard.load(out / "README.md")
    assert card.data.license == "odbl"
    assert card.data.size_categories == ["n<1K"]


def test_geopandas_reads_the_index_of_tiles_and_finds_a_place(out: Path) -> None:
    geopandas = pytest.importorskip("geopandas")
    tiles = geopandas.read_parquet(out / "stac/items.parquet")
    assert len(tiles) == COUNT
    assert tiles.crs.to_authority() == ("OGC", "CRS84")
    assert set(tiles["split"]) == {"train", "test"}
    bounds = tiles.geometry.iloc[0].bounds
    some = geopandas.read_parquet(out / "stac/items.parquet", bbox=bounds)
    assert 0 < len(some) < COUNT
    row = tiles.iloc[0]
    assert row.assets["image"]["href"].startswith("images")
    assert row.license.startswith("ODbL")


def test_each_llava_record_is_an_image_with_questions_and_answers(out: Path) -> None:
    records = json.loads((out / "llava/train.json").read_text())
    assert len(records) == COUNT - 10
    for record in records:
        assert (out / "llava" / record["image"]).is_file()
        assert [turn["from"] for turn in record["conversations"]] == ["human", "gpt"]
        assert record["conversations"][0]["value"].count("<image>") == 1
        assert record["conversations"][1]["value"] in TITLES
