"""The command export-data, on a run's folder."""

from pathlib import Path

import pytest

from pipeline.receipts import Receipt
from pipeline.run import Run
from stages import tables
from tests.conftest import answered, skyscript
from tests.stages.export_data.runs import made_run

pytestmark = pytest.mark.slow


def run_folder(root: Path, **options: object) -> Path:
    """Write a run of which the tables that an export reads are there."""
    made = made_run(root, 130, **options)  # type: ignore[arg-type]
    for table in (tables.CAPTIONS, tables.IMAGES, tables.META, tables.OBJECTS):
        folder, content = Run(root).folder(table), getattr(made, table.name).to_table()
        folder.begin({})
        output, size = folder.write(0, content)
        receipt = Receipt(table.name, 0, "", {}, output, size, len(content), {}, {}, 0.0, "")
        folder.write_receipt(receipt)
        folder.finish({}, {})
    return root


def test_an_export_says_how_far_neighbours_were_parted(tmp_path: Path) -> None:
    run, out = run_folder(tmp_path / "run"), tmp_path / "out"
    done = skyscript("export-data", run, "--out", out, "--format", "webdataset", "zips")
    assert done.returncode == 0, done.stderr
    assert "130  pairs (130 train)" in done.stderr
    assert "64.0 come from one block of 0.1° in the order of the run" in done.stderr
    assert {path.name for path in out.iterdir()} == {
        *("webdataset", "published", "README.md", "croissant.json", "licences.csv", "export.json"),
    }


def test_a_licence_of_ones_own_has_words_and_commas(tmp_path: Path) -> None:
    run, out = run_folder(tmp_path / "run", source="ORT"), tmp_path / "out"
    given = ["--licence", "ORT=CC BY 4.0, of the city", "--attribution", "ORT=© A, B and C"]
    done = answered("export-data", run, "--out", out, "--format", "webdataset", *given)
    assert done.returncode == 0, done.stderr
    assert '"© A, B and C"' in (out / "licences.csv").read_text()
    done = answered("export-data", run, "--out", out, "--licence", "CC BY 4.0")
    assert done.returncode == 2
    assert "--licence CC BY 4.0: write it as ALIAS=TEXT" in done.stderr
    done = answered("export-data", run, "--out", out, "--attribution", "ROT=© A")
    assert done.returncode == 2
    assert "ROT: no pair has an image of this source" in done.stderr


def test_no_run_is_one_sentence(tmp_path: Path) -> None:
    done = answered("export-data", tmp_path, "--out", tmp_path / "out")
    assert done.returncode == 2
    assert "has no complete table 'captions'" in done.stderr
    assert "Traceback" not in done.stderr
