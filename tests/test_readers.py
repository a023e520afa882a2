"""The field's own readers load what we write: TorchGeo's and open_clip's code, not ours."""

import zipfile
from pathlib import Path

import pandas as pd
import pytest
import yaml

from stages.download import DownloadConfig, choose, download
from tests.conftest import real_files, skyscript
from tests.emulators.published import FileServer
from tests.stages.laion_rs.pictures import ground, jpeg

torchgeo_datasets = pytest.importorskip("torchgeo.datasets")
open_clip_data = pytest.importorskip("open_clip_train.data")

pytestmark = pytest.mark.slow

CSV = "SkyScript_train_unfiltered.csv"


@pytest.fixture(scope="module", params=["demo", *real_files("osm/monaco.osm.pbf")], ids=str)
def root(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("root")
    if request.param == "demo":
        small = ["--set", "sample.max_objects=60", "--workers", 2]
        done = skyscript("demo", "--out", folder / "run", *small)
    else:
        config = {
            "extract": {"path": str(request.param)},
            "sources": {"SIM": {"backend": "simulated"}},
            "sample": {"max_objects": 60},
        }
        (folder / "run.yaml").write_text(yaml.safe_dump(config))
        done = skyscript("run", folder / "run.yaml", "--out", folder / "run", "--workers", 2)
    assert done.returncode == 0, done.stderr
    return folder / "run"


@pytest.mark.filterwarnings("ignore")
def test_torchgeo_reads_every_pair(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # TorchGeo knows the filtered files' names; the unfiltered one is this stage of the dataset.
    monkeypatch.setitem(torchgeo_datasets.SkyScript.caption_files, "train", CSV)
    dataset = torchgeo_datasets.SkyScript(root, split="train")
    rows = pd.read_csv(root / CSV)
    assert len(dataset) == len(rows) > 40
    for index in range(len(dataset)):
        sample = dataset[index]
        assert sample["caption"] == rows.title[index]
        channels, height, width = sample["image"].shape
        assert channels == 3
        assert 100 <= height <= 1000
        assert 100 <= width <= 1000


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("column", ["title", "title_multi_objects"])
def test_open_clip_reads_every_pair(
    root: Path, column: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import open_clip

    monkeypatch.chdir(root)  # its paths start at the working directory
    tokenizer = open_clip.get_tokenizer("ViT-B-32")
    dataset = open_clip_data.CsvDataset(
        CSV, lambda image: image.size, "filepath", column, sep=",", tokenizer=tokenizer
    )
    assert len(dataset) == len(pd.read_csv(CSV))
    for size, tokens in dataset:
        assert min(size) >= 100
        assert tokens[0] == 49406  # start of text
        assert (tokens != 0).sum() > 5


@pytest.mark.filterwarnings("ignore")
def test_torchgeo_reads_what_was_downloaded_as_it_lies(tmp_path: Path) -> None:
    files, root = tmp_path / "bucket", tmp_path / "data"
    (files / "dataframe").mkdir(parents=True)
    rows = []
    for part in range(2, 8):
        path = f"images{part}/a{part}_CH_19.jpg"
        with zipfile.ZipFile(files / f"images{part}.zip", "w") as archive:
            archive.writestr(path, jpeg(ground(part)))
        rows.append(f"{path},a satellite image of field {part}\n")
    csv = "SkyScript_test_30K_filtered_by_CLIP_openai.csv"
    (files / "dataframe" / csv).write_text("filepath,title\n" + "".join(rows))
    # The published MD5s are of the published files: the server's own prove these.
    with FileServer(files) as server:
        config = DownloadConfig(base_url=server.base_url)
        outcomes = download(choose(["images", csv]), root, config, lambda _: None)
    assert {outcome.status for outcome in outcomes} == {"fetched"}
    dataset = torchgeo_datasets.SkyScript(root, split="test")
    assert len(dataset) == 6
    assert dataset[5]["caption"] == "a satellite image of field 7"
    assert dataset[5]["image"].shape == (3, 224, 224)
