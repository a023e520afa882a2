"""Judging the statements of a run: precision of each kind, by a model or by a person."""

import csv
import hashlib
import json
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from pipeline.errors import InputError
from skyscript.language_model import LanguageModelConfig
from stages import tables
from stages.judged import JudgedConfig, judge, judge_by_person, write_sheet
from stages.judged.outputs import figures
from stages.judged.sample import draw
from stages.judged.units import Unit
from stages.judged.verdicts import Judgement
from stages.train_filter.verdicts import read_judged
from tests.emulators.language_model import KEY, Asked, Endpoint
from tests.stages.judged.runs import Made, judge_with, run_of

pytestmark = pytest.mark.slow

SAID = {
    "count": ("statement", "There are two ponds.", None, None),
    "ask_count": ("question", "How many ponds are there?", "Two.", None),
    "not_count": ("negative", "The image shows five ponds.", None, "The image shows two ponds."),
    "referring": ("statement", "largest pond", None, None),
    "season": ("statement", "The image was taken in summer.", None, None),
}
JUDGED_WRONG = {"There are two": 0.05, "How many": 0.3, "five ponds": 0.9, "largest": 0.5}
RIGHT = {"count": 0.95, "ask_count": 0.7, "not_count": 0.9, "referring": 0.5}
"""The share of each kind about which the run is right, by that judge."""
CONFIG = JudgedConfig(what="statements", sample=240)


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


def stated(made: Made, every: int = 1) -> Made:
    """Give a run with statements of all kinds on each image, or on some, in place of captions."""
    rows = [
        {
            **{"statement_id": f"{image['object_id']}/{kind}/0", "object_id": image["object_id"]},
            **{"filepath": image["filepath"], "kind": kind, "role": role, "text": text},
            **{"answer": answer, "true_text": true, "claim": "x", "rests_on": []},
            **{"geometry": b"", "box": [0.0, 0, 16, 16], "bins": [0, 0, 500, 1000]},
        }
        for image in made.captions.to_table().to_pylist()
        if image["filepath"] and int(image["object_id"][1:]) % every == 0
        for kind, (role, text, answer, true) in SAID.items()
    ]
    return made._replace(captions=ds.dataset(pa.Table.from_pylist(rows, tables.STATEMENTS.schema)))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    counts = {"building=church": 240, "leisure=pitch": 120, "amenity=fountain": 40}
    return stated(run_of(tmp_path_factory.mktemp("made") / "run", counts))


def rows_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text().splitlines()))


def test_each_kind_has_its_precision_by_an_endpoint_of_known_error_rates(
    made: Made, tmp_path: Path
) -> None:
    inside: Counter[str] = Counter()
    for run in range(10):
        with Endpoint(judge_with(JUDGED_WRONG, salt=str(run))) as service:
            language = LanguageModelConfig(**service.options())
            out = tmp_path / str(run)
            judge(made.meta, made.captions, made.root, out, CONFIG, language, lambda _: None)
            assert len({asked.image for asked in service.paid}) == 240, "one text an image"
        found = json.loads((out / "judged.json").read_text())
        assert (found["statements"], found["sample"]) == (1600, 240)
        for one in found["by_kind"]:
            inside[one["kind"]] += one["low"] <= RIGHT[one["kind"]] <= one["high"]
            assert one["judged"] > 40
        inside["overall"] += found["overall"]["low"] <= 0.7625 <= found["overall"]["high"]
    assert inside.keys() == {*RIGHT, "overall"}
    assert inside.total() >= 46
    assert min(inside.values()) >= 8


def test_the_intervals_of_all_kinds_cover_the_truth_in_200_samples(made: Made) -> None:
    def judgement(unit: Unit) -> Judgement:
        share = next(share for word, share in JUDGED_WRONG.items() if word in unit.text)
        number = int(hashlib.sha256(unit.unit_id.encode()).hexdigest()[:8], 16) / 2**32
        return Judgement("wrong" if number < share else "right", "")

    everything = CONFIG.model_copy(update={"sample": 1600})
    whole = draw(made.meta, made.captions, everything)
    truth = figures(whole, [judgement(unit) for unit in whole.units], everything)
    shares = {one["kind"]: one["precision"] for one in truth["by_kind"]}
    assert {kind: round(share, 1) for kind, share in shares.items()} == pytest.approx(
        RIGHT, abs=0.06
    )
    inside: Counter[str] = Counter()
    for seed in range(200):
        config = CONFIG.model_copy(update={"seed": seed})
        sample = draw(made.meta, made.captions, config)
        found = figures(sample, [judgement(unit) for unit in sample.units], config)
        for one in found["by_kind"]:
            inside[one["kind"]] += one["low"] <= shares[one["kind"]] <= one["high"]
    assert min(inside.values()) >= 188, inside


def test_the_model_sees_a_question_with_its_answer_and_the_text_of_a_negative(
    made: Made, tmp_path: Path
) -> None:
    seen: list[Asked] = []
    with Endpoint(lambda asked: seen.append(asked) or '{"verdict": "right"}') as service:
        language = LanguageModelConfig(**service.options())
        config = CONFIG.model_copy(update={"sample": 40})
        given = (made.meta, made.captions, made.root, tmp_path, config, language, lambda _: None)
        done = judge(*given)
        again = judge(*given)
    assert again.figures == done.figures
    assert len(seen) == 40, "no answer is paid for twice"
    assert {asked.text for asked in seen} == {
        "Statement: There are two ponds.",
        "Statement: How many ponds are there? Two.",
        "Statement: The image shows five ponds.",
        "Statement: largest pond: the box [0, 0, 500, 1000]",
    }
    assert not any(kind in asked.rules for asked in seen for kind in SAID if "_" in kind)
    wrong = rows_of(tmp_path / "wrong.csv")
    assert {row["kind"] for row in wrong} == {"not_count"}, "only the negatives are not right"
    assert len(wrong) == done.wrong == done.figures["wrong"]
    assert not rows_of(tmp_path / "suggestions.csv"), "these kinds do not rest on one tag"
    assert any(line.endswith("judged: not_count") for line in done.lines())


def test_few_images_are_judged_by_more_than_one_statement(tmp_path: Path) -> None:
    made = stated(run_of(tmp_path / "run", {"building=church": 30}), every=3)
    sample = draw(made.meta, made.captions, CONFIG.model_copy(update={"sample": 25}))
    images = Counter(unit.object_id for unit in sample.units)
    assert len(sample.units) == 25
    assert sorted(images.values()) == [2] * 5 + [3] * 5
    assert sum(sample.sizes.values()) == 40


def test_a_person_fills_in_a_sheet_of_statements(made: Made, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.csv"
    assert write_sheet(made.meta, made.captions, sheet, CONFIG) == 240
    rows = rows_of(sheet)
    assert list(rows[0]) == ["filepath", "statement", "verdict", "why", "kind"]
    said = {"count": "right", "not_count": "wrong", "ask_count": "wrong", "referring": "unsure"}
    with sheet.open("w") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows({**row, "verdict": said[row["kind"]]} for row in rows)
    done = judge_by_person(made.meta, made.captions, sheet, tmp_path / "judged", CONFIG)
    shares = {one["kind"]: one["precision"] for one in done.figures["by_kind"]}
    assert shares == {"count": 1, "not_count": 1, "ask_count": 0}
    assert done.figures["kinds_without_a_verdict"] == ["referring"]
    assert done.lines()[-1] == "No verdict on any statement of the kinds referring."
    written = rows_of(tmp_path / "judged/verdicts.csv")
    assert [(row["kind"], row["verdict"]) for row in written] == [
        (row["kind"], said[row["kind"]]) for row in rows
    ]
    with pytest.raises(InputError, match=r"line 2 judges a statement \(\w+\); give verdicts on"):
        read_judged(tmp_path / "judged/verdicts.csv")


def test_a_sheet_of_other_kinds_or_with_a_row_twice_is_refused(made: Made, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.csv"
    write_sheet(made.meta, made.captions, sheet, CONFIG)
    text = sheet.read_text()
    lines = text.splitlines()
    sheet.write_text("\n".join([*lines, lines[1]]))
    with pytest.raises(InputError, match="line 242 names a statement for the second time"):
        judge_by_person(made.meta, made.captions, sheet, tmp_path / "judged", CONFIG)
    sheet.write_text(text.replace("not_count", "count"))
    with pytest.raises(InputError, match=r"line \d+ is not of this sample"):
        judge_by_person(made.meta, made.captions, sheet, tmp_path / "judged", CONFIG)


def test_a_folder_holds_verdicts_on_captions_or_on_statements(made: Made, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.csv"
    write_sheet(made.meta, made.captions, sheet, CONFIG)
    sheet.write_text(sheet.read_text().replace(",,", ",right,", 1))
    judge_by_person(made.meta, made.captions, sheet, tmp_path / "judged", CONFIG)
    before = (tmp_path / "judged/judged.json").read_bytes()
    with pytest.raises(InputError, match="holds the judged statements; name another folder"):
        judge_by_person(made.meta, made.captions, sheet, tmp_path / "judged", JudgedConfig())
    assert (tmp_path / "judged/judged.json").read_bytes() == before


def test_a_run_of_statements_that_pixels_do_not_show_is_refused(made: Made) -> None:
    rows = made.captions.to_table().filter(ds.field("kind") == "season")
    with pytest.raises(InputError, match=r"no statement that pixels can show; add kinds to"):
        draw(made.meta, ds.dataset(rows), CONFIG)


def test_statements_of_another_run_are_refused(made: Made, tmp_path: Path) -> None:
    other = run_of(tmp_path / "run", {"building=church": 20})
    with pytest.raises(InputError, match="meta and statements are of different runs"):
        draw(other.meta, made.captions, CONFIG)
