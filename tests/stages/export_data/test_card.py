"""The card says what the data is, whose it is, and how it is biased."""

import hashlib
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
import yaml

from stages import tables
from stages.export_data.card import COLUMNS
from stages.export_data.pairs import PAIR
from tests.stages.export_data.runs import export, made_run


def card_of(tmp_path: Path, count: int = 20, source: str = "SIM", **options):
    run = made_run(tmp_path / "run", count, source=source)
    export(tmp_path / "run", run, tmp_path / "out", **options)
    _, front, body = (tmp_path / "out/README.md").read_text().split("---\n", 2)
    return yaml.safe_load(front), body


def test_the_front_matter_is_what_the_hub_expects(tmp_path: Path) -> None:
    front, body = card_of(tmp_path, name="A town: seen from above")
    assert front["license"] == "odbl"
    assert front["size_categories"] == ["n<1K"]
    assert "image-to-text" in front["task_categories"]
    assert front["pretty_name"] == "A town: seen from above"
    data = [{"split": "train", "path": "data/train-*.parquet"}]
    assert front["configs"] == [{"config_name": "default", "data_files": data}]
    assert "They are no photographs" in body


def test_tars_are_what_the_hub_shows_if_there_is_no_parquet(tmp_path: Path) -> None:
    front, body = card_of(tmp_path, formats=["webdataset"])
    assert front["configs"][0]["data_files"][0]["path"] == "webdataset/train-*.tar"
    assert "`data/`" not in body


def test_a_source_without_commercial_use_is_marked(tmp_path: Path) -> None:
    front, body = card_of(tmp_path, source="MAX")
    assert front["license"] == ["cc-by-nc-4.0", "odbl"]
    assert "**The images of MAX allow no commercial use.**" in body
    assert "Open Database License 1.0" in body


def test_a_licence_that_is_not_stated_is_said_to_be_unknown(tmp_path: Path) -> None:
    front, body = card_of(tmp_path, source="ORT")
    assert front["license"] == ["odbl", "other"]
    assert front["license_link"] == "licences.csv"
    assert "licence of the images of ORT is not stated: do not publish" in body


def test_the_biases_are_counted_from_the_pairs(tmp_path: Path) -> None:
    _, body = card_of(tmp_path)
    assert "| building=church | 10 | 50.0 % |" in body
    assert "| 0.4 to 1 m | 20 | 100.0 % |" in body
    assert "| 2024 | 20 | 100.0 % |" in body
    assert "| +0, +40 | 20 | 100.0 % |" in body
    assert "0 % of the titles repeat" in body
    assert "no similarity scores" in body
    assert "| Switzerland | 20 | 100.0 % |" in body
    assert "| Europe | 20 | 100.0 % |" in body
    assert "Nobody has judged" in body


def test_hostile_tags_stay_text(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", 3)
    rows = run.meta.to_table().to_pylist()
    rows[0]["center_tags"] = [("name", "<script>alert(1)</script> | [x](http://x) |\n# big")]
    meta = ds.dataset(pa.Table.from_pylist(rows, schema=tables.META.schema))
    export(tmp_path / "run", run._replace(meta=meta), tmp_path / "out")
    body = (tmp_path / "out/README.md").read_text()
    (line,) = [line for line in body.splitlines() if "alert" in line]
    assert "<script>" not in body
    assert line.startswith(r"| name=&lt;script&gt;alert(1)&lt;/script&gt; \| \[x\](http://x) \|")
    assert line.endswith("# big | 1 | 33.3 % |")


def test_every_column_is_explained() -> None:
    assert list(COLUMNS) == PAIR.names


def test_croissant_names_every_file_with_its_digest_and_where_the_images_are(
    tmp_path: Path,
) -> None:
    card_of(tmp_path, formats=["webdataset", "parquet", "zips", "coco"], per_file=6)
    out = tmp_path / "out"
    described = json.loads((out / "croissant.json").read_text())
    files = {
        one["contentUrl"]: one["sha256"]
        for one in described["distribution"]
        if one["@type"] == "cr:FileObject"
    }
    assert len(files) == 4 + 4 + 13 + 1
    for name, digest in files.items():
        assert hashlib.sha256((out / name).read_bytes()).hexdigest() == digest
    south, west, north, east = map(float, described["spatialCoverage"]["geo"]["box"].split())
    assert (west, south) == (7.01, 47.01)
    assert west < east
    assert south < north
    assert described["geocr:spatialResolution"]["minValue"] == 0.6
    assert "Parts of the world of the pairs: Europe 100.0 %." in described["rai:dataBiases"]
    assert "rai:dataAnnotationAnalysis" not in described  # nobody judged them
