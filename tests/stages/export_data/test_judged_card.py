"""The card states the precision that `judge` measured for the run."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from pipeline.errors import InputError
from stages import tables
from stages.export_data import RunTables
from stages.judged import JudgedConfig, judge_by_person, write_sheet
from tests.stages.export_data.runs import export, made_run
from tests.stages.export_data.test_statements_out import said

COUNT = 40


@pytest.fixture
def run(tmp_path: Path) -> RunTables:
    return made_run(tmp_path / "run", COUNT)


def judged(tmp_path: Path, run: RunTables, wrong: int) -> Path:
    """Judge all images of a run by hand: the first ones wrong, the others right."""
    rows = [row for row in run.captions.to_table().to_pylist() if row["filepath"]]
    lines = ["filepath,statement,verdict,why"]
    for number, row in enumerate(rows):
        verdict = "wrong" if number < wrong else "right"
        lines.append(f"{row['filepath']},{row['title']},{verdict},")
    sheet, out = tmp_path / "sheet.csv", tmp_path / "judged"
    sheet.write_text("\n".join(lines) + "\n")
    judge_by_person(run.meta, run.captions, sheet, out, JudgedConfig(sample=COUNT))
    return out


def card(tmp_path: Path, run: RunTables, folder: Path) -> str:
    export(tmp_path / "run", run, tmp_path / "out", judged=folder)
    return (tmp_path / "out/README.md").read_text()


def test_the_precision_stands_with_its_interval_and_by_source(tmp_path: Path, run: RunTables):
    folder = judged(tmp_path, run, wrong=4)
    body = card(tmp_path, run, folder)
    figures = json.loads((folder / "judged.json").read_text())["overall"]
    assert figures["precision"] == pytest.approx(0.9)
    words = f"90.0 % ({100 * figures['low']:.1f} to {100 * figures['high']:.1f})"
    assert f"**{words}** of the captions are right" in body
    assert f"| source SIM | {COUNT} | {words} |" in body
    assert "a person judged 40 images" in body
    assert "Nobody has judged" not in body
    told = json.loads((tmp_path / "out/export.json").read_text())["judged"]
    assert told["overall"]["precision"] == pytest.approx(0.9)
    assert str(tmp_path) not in (tmp_path / "out/export.json").read_text()


def test_judged_statements_stand_by_kind_and_do_not_pass_for_captions(
    tmp_path: Path, run: RunTables
):
    texts = [("count", "statement", "There are two barns.", None, None)]
    texts += [("not_count", "negative", "There are nine barns.", None, "There are two barns.")]
    rows = [said(*text) for text in texts]
    statements = ds.dataset(pa.Table.from_pylist(rows, tables.STATEMENTS.schema))
    sheet, config = tmp_path / "sheet.csv", JudgedConfig(what="statements")
    write_sheet(run.meta, statements, sheet, config)
    sheet.write_text(sheet.read_text().replace(",,,", ",wrong,,"))
    judge_by_person(run.meta, statements, sheet, tmp_path / "judged", config)
    body = card(tmp_path, run, tmp_path / "judged")
    assert "a person judged 2 statements on images of the run, drawn by kind" in body
    assert "The captions were not judged. **50.0 %" in body
    assert "of the statements are right" in body
    assert "of the captions are right" not in body
    assert "| count | 1 | 0.0 % (0.0" in body
    assert r"| not\_count | 1 | 100.0 %" in body


def test_figures_of_another_run_are_refused(tmp_path: Path, run: RunTables):
    folder = judged(tmp_path, run, wrong=0)
    verdicts = folder / "verdicts.csv"
    verdicts.write_text(verdicts.read_text().replace("images", "other"))
    with pytest.raises(InputError, match="another run"):
        card(tmp_path, run, folder)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "contains no judged.json"),
        ("no json", "is not what judge writes"),
        ('{"judge": "x"}', "is not what judge writes \\(options\\)"),
    ],
)
def test_a_broken_folder_is_one_sentence(tmp_path: Path, run: RunTables, content, message):
    folder = tmp_path / "judged"
    folder.mkdir()
    if content is not None:
        (folder / "judged.json").write_text(content)
    with pytest.raises(InputError, match=message):
        card(tmp_path, run, folder)


def test_the_words_of_a_model_stay_text(tmp_path: Path, run: RunTables):
    folder = judged(tmp_path, run, wrong=4)
    path = folder / "judged.json"
    path.write_text(path.read_text().replace('"a person"', '"<script>|x"'))
    assert "<script>" not in card(tmp_path, run, folder)
