"""The card states the precision that `judge` measured for the run."""

import csv
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from pipeline.errors import InputError
from skyscript.captions.captioned import Column
from stages import tables
from stages.export_data import RunTables
from stages.judged import JudgedConfig, judge_by_person, write_sheet
from tests.stages.export_data.runs import export, made_run
from tests.stages.export_data.test_statements_out import said

COUNT = 40


@pytest.fixture
def run(tmp_path: Path) -> RunTables:
    return made_run(tmp_path / "run", COUNT)


def judged(
    tmp_path: Path, run: RunTables, wrong: int, caption: Column = "title", name: str = "judged"
) -> Path:
    """Judge all captions of a run by hand: the first ones wrong, the others right."""
    rows = [row for row in run.captions.to_table().to_pylist() if row[caption]]
    sheet, out = tmp_path / "sheet.csv", tmp_path / name
    with sheet.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("filepath", "statement", "verdict"))
        for number, row in enumerate(rows):
            verdict = "wrong" if number < wrong else "right"
            writer.writerow((row["filepath"], row[caption], verdict))
    config = JudgedConfig(sample=COUNT, caption=caption)
    judge_by_person(run.meta, run.captions, sheet, out, config)
    return out


def judged_statements(tmp_path: Path, run: RunTables) -> Path:
    """Judge the statements of a run by hand: all texts are wrong."""
    assert run.statements is not None
    sheet, out = tmp_path / "statements.csv", tmp_path / "judged-statements"
    config = JudgedConfig(what="statements")
    write_sheet(run.meta, run.statements, sheet, config)
    sheet.write_text(sheet.read_text().replace(",,,", ",wrong,,"))
    judge_by_person(run.meta, run.statements, sheet, out, config)
    return out


def with_statements(run: RunTables) -> RunTables:
    """Give the run with a statement, a question and a negative on one image."""
    texts = [("count", "statement", "There are two barns.", None, None)]
    texts += [("ask_count", "question", "How many barns are there?", "Two.", None)]
    texts += [("not_count", "negative", "There are nine barns.", None, "There are two barns.")]
    rows = [said(*text) for text in texts]
    statements = ds.dataset(pa.Table.from_pylist(rows, tables.STATEMENTS.schema))
    return run._replace(statements=statements)


def card(tmp_path: Path, run: RunTables, *folders: Path, **options: Any) -> str:
    export(tmp_path / "run", run, tmp_path / "out", judged=folders, **options)
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
    assert told[0]["overall"]["precision"] == pytest.approx(0.9)
    assert str(tmp_path) not in (tmp_path / "out/export.json").read_text()


def test_judged_statements_stand_by_kind_and_do_not_pass_for_captions(
    tmp_path: Path, run: RunTables
):
    run = with_statements(run)
    body = card(tmp_path, run, judged_statements(tmp_path, run))
    assert "a person judged 3 statements on images of the run, drawn by kind" in body
    assert "Nobody has judged whether the captions are true." in body
    assert "**33.3 %" in body
    assert "of the statements are right" in body
    assert "of the captions are right" not in body
    assert "| count | 1 | 0.0 % (0.0" in body
    assert r"| not\_count | 1 | 100.0 %" in body


def test_captions_and_statements_have_a_table_each_that_says_what_was_judged(
    tmp_path: Path, run: RunTables
):
    run = with_statements(run)
    titles = judged(tmp_path, run, wrong=4)
    multi = judged(tmp_path, run, wrong=0, caption="title_multi_objects", name="multi")
    body = card(tmp_path, run, judged_statements(tmp_path, run), multi, titles)
    _, *parts = body.partition("## Judged precision")[2].split("\n### ")
    assert [part.splitlines()[0] for part in parts] == [
        "Captions title", r"Captions title\_multi\_objects", "Statements",
    ]  # fmt: skip
    assert "| group | captions title judged | right |" in parts[0]
    assert "**90.0 %" in parts[0]
    assert "**100.0 %" in parts[1]
    assert "**33.3 %" in parts[2]
    assert "Nobody has judged" not in body
    told = json.loads((tmp_path / "out/export.json").read_text())["judged"]
    assert [one["options"]["what"] for one in told] == ["captions", "captions", "statements"]
    croissant = json.loads((tmp_path / "out/croissant.json").read_text())
    titles, multi, statements = croissant["rai:dataAnnotationAnalysis"]
    assert (
        "Judged by a person: 40 title captions, drawn by concept, source and GSD; 90.0 % ("
        in titles
    )
    assert "are right (interval of 95 % confidence), 0 unsure." in titles
    assert "32 title_multi_objects captions" in multi
    assert "3 statements, drawn by kind, source, GSD and concept; 33.3 % (" in statements


def test_two_folders_of_the_same_kind_are_refused(tmp_path: Path, run: RunTables):
    folders = judged(tmp_path, run, wrong=4), judged(tmp_path, run, wrong=0, name="again")
    with pytest.raises(InputError, match=r"judged and .*again: both hold the judged captions ti"):
        card(tmp_path, run, *folders)
    assert not (tmp_path / "out").exists()


def test_figures_of_other_captions_of_the_run_are_refused(tmp_path: Path, run: RunTables):
    folder, polished = judged(tmp_path, run, wrong=4), tmp_path / "polished.csv"
    polished.write_text("filepath,title\nimages3/a1_SIM_24.jpg,A church by a hedge\n")
    with pytest.raises(InputError, match="its captions are not those of this export"):
        card(tmp_path, run, folder, captions=[polished])


def test_figures_of_other_statements_are_refused(tmp_path: Path, run: RunTables):
    folder = judged_statements(tmp_path, with_statements(run))
    with pytest.raises(InputError, match="its statements are not those of this export"):
        card(tmp_path, run, folder)


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
