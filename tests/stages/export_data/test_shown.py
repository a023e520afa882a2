"""Exports of a run with the table truth: what each image shows and lacks for certain."""

import json
import tarfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from stages import tables
from stages.export_data import RunTables
from tests.stages.export_data.runs import export, made_run

VERDICTS = {  # of a2 nothing is known
    ("a0", "building"): "yes",
    ("a0", "church"): "no",
    ("a0", "house"): "yes",
    ("a0", "pond"): "unknown",
    ("a1", "pond"): "unknown",
    ("a3", "church"): "yes",
}
EXPECTED: dict[str, tuple[Any, Any]] = {
    "a0": (["building", "house"], ["church"]),
    "a1": ([], []),
    "a2": (None, None),
    "a3": (["church"], []),
}


@pytest.fixture
def run(tmp_path: Path) -> RunTables:
    """Give a run of four images with a truth in two parts."""
    rows = [
        {"truth_id": f"{image}/{name}", "object_id": image, "filepath": image, "concept": name}
        | {"focus": False, "verdict": verdict, "objects": 1, "share": 0.0}
        for (image, name), verdict in VERDICTS.items()
    ]
    for number, part in enumerate((rows[:5], rows[5:])):
        table = pa.Table.from_pylist(part, schema=tables.TRUTH.schema)
        pq.write_table(table, tmp_path / f"truth-{number}.parquet")
    truth = ds.dataset([str(path) for path in sorted(tmp_path.glob("truth-*.parquet"))])
    return made_run(tmp_path / "run", 4)._replace(truth=truth)


def test_every_format_with_columns_says_what_an_image_shows(run: RunTables, tmp_path: Path) -> None:
    formats = ["webdataset", "parquet", "coco", "stac"]
    export(tmp_path / "run", run, tmp_path / "out", formats=formats)
    out = tmp_path / "out"
    files = (out / "data/train-00000-of-00001.parquet", out / "stac/items.parquet")
    for file in files:
        rows = pq.read_table(file).to_pylist()
        assert {row["object_id"]: (row["shows"], row["lacks"]) for row in rows} == EXPECTED
    with tarfile.open(out / "webdataset/train-000000.tar") as tar:
        about = {
            name.partition("_")[0]: json.load(tar.extractfile(name))  # type: ignore[arg-type]
            for name in tar.getnames()
            if name.endswith(".json")
        }
    assert {name: (one["shows"], one["lacks"]) for name, one in about.items()} == EXPECTED
    images = json.loads((out / "coco/captions_train.json").read_text())["images"]
    coco = {
        Path(one["file_name"]).name.partition("_")[0]: (one.get("shows"), one.get("lacks"))
        for one in images
    }
    assert coco == EXPECTED
    described = json.loads((out / "croissant.json").read_text())["recordSet"][0]["field"]
    (field,) = [one for one in described if one["name"] == "shows"]
    assert (field["dataType"], field["repeated"]) == ("sc:Text", True)


def test_a_run_without_truth_says_nothing(run: RunTables, tmp_path: Path) -> None:
    export(tmp_path / "run", run._replace(truth=None), tmp_path / "out", formats=["parquet"])
    table = pq.read_table(tmp_path / "out/data/train-00000-of-00001.parquet")
    assert table["shows"].null_count == table["lacks"].null_count == 4
