"""Judging a run: by a vision model of known error rates, or by a person with a sheet."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import InputError
from skyscript.language_model import LanguageModelConfig
from stages.judged import Judged, JudgedConfig, judge, judge_by_person, write_sheet
from tag_vocab import read_own_labels
from tests.emulators.faults import Faults
from tests.emulators.language_model import KEY, Asked, Endpoint
from tests.stages.judged.runs import Made, judge_with, run_of

pytestmark = pytest.mark.slow


COUNTS = {"building=church": 240, "leisure=pitch": 120, "amenity=fountain": 40}
RATES = {"church": 0.05, "pitch": 0.1, "fountain": 0.8}
TRUTH = (240 * 0.95 + 120 * 0.9 + 40 * 0.2) / 400


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return run_of(tmp_path_factory.mktemp("made") / "run", COUNTS)


def judged(
    made: Made, out: Path, service: Endpoint, sample: int = 150, **options: Any
) -> tuple[Judged, list[str]]:
    said: list[str] = []
    language = LanguageModelConfig(**service.options(**options))
    config = JudgedConfig(sample=sample)
    return judge(made.meta, made.captions, made.root, out, config, language, said.append), said


def test_the_figures_of_a_judge_of_known_error_rates(made: Made, tmp_path: Path) -> None:
    with Endpoint(judge_with(RATES)) as service:
        done, said = judged(made, tmp_path, service)
    found = json.loads((tmp_path / "judged.json").read_text())
    assert found["overall"]["low"] <= TRUTH <= found["overall"]["high"]
    assert (found["images"], found["sample"], found["none"]) == (400, 150, 0)
    assert found["images_in_strata_with_a_verdict"] == 400
    worst = found["by_concept"][0]
    assert worst["concept"] == "fountain"
    assert worst["low"] <= 0.2 <= worst["high"]
    assert worst["judged"] > 15, "a tenth of the images, more than a tenth of the sample"
    assert sorted(one["source"] for one in found["by_source"]) == ["A", "B"]
    assert sum(one["judged"] for one in found["by_gsd"]) == 150
    assert said[0].split()[0] == "150"
    assert done.lines()[0].startswith("       150  images in the sample, of 400")


@pytest.mark.slow
def test_the_interval_covers_the_truth_of_the_endpoint(made: Made, tmp_path: Path) -> None:
    inside = 0
    for run in range(20):
        with Endpoint(judge_with(RATES, salt=str(run))) as service:
            overall = judged(made, tmp_path / str(run), service)[0].figures["overall"]
        inside += overall["low"] <= TRUTH <= overall["high"]
    assert inside >= 18


def test_the_model_sees_the_pixels_and_one_statement_only(made: Made, tmp_path: Path) -> None:
    seen: list[Asked] = []
    with Endpoint(lambda asked: seen.append(asked) or '{"verdict": "right"}') as service:
        judged(made, tmp_path, service, sample=10)
    files = {path.read_bytes() for path in made.root.rglob("*.jpg")}
    assert {asked.image for asked in seen} <= files
    said = {asked.text for asked in seen}
    assert said <= {f"Statement: a satellite image of {tag.replace('=', ' of ')}" for tag in COUNTS}


def test_a_run_that_is_repeated_pays_for_nothing_twice(made: Made, tmp_path: Path) -> None:
    with Endpoint(judge_with(RATES)) as service:
        with pytest.raises(InputError, match="budget of 5000 is used up"):
            judged(made, tmp_path, service, budget=5_000, input_price=1e6)
        paid = len(service.paid)
        assert 10 < paid < 100
        done, said = judged(made, tmp_path, service)
        assert len(service.paid) == 150
        assert done.cost is not None
        assert done.cost.requests == 150 - paid == int(said[0].split()[0])
        before = (tmp_path / "judged.json").read_bytes()
        assert judged(made, tmp_path, service)[0].cost.requests == 0  # type: ignore[union-attr]
        assert (tmp_path / "judged.json").read_bytes() == before
        assert len(service.paid) == 150


def test_nonsense_is_asked_once_more_and_then_counted(made: Made, tmp_path: Path) -> None:
    words = ["I see a church!", "{", '{"verdict": 7}', '```json\n{"verdict": "Right"}\n```', "[]"]

    def answer(asked: Asked) -> str:
        assert asked.image is not None
        return words[sum(asked.image) % 5] if asked.seed == 0 else words[sum(asked.image) % 3]

    with Endpoint(answer) as service:
        done, _ = judged(made, tmp_path, service)
    assert done.figures["right"] == sum(
        sum(asked.image or b"") % 5 == 3 for asked in service.paid if asked.seed == 0
    )
    assert done.figures["none"] == 150 - done.figures["right"]
    assert len(service.paid) == 150 + done.figures["none"]
    rows = rows_of(tmp_path / "verdicts.csv")
    assert {row["why"] for row in rows if not row["verdict"]} == {"the model gave no verdict"}


def test_a_slow_service_with_every_fault_gives_the_same_figures(made: Made, tmp_path: Path) -> None:
    with Endpoint(judge_with(RATES)) as service:
        judged(made, tmp_path / "well", service, sample=40)
    kinds = ("429", "503", "cut", "page", "empty")
    faults = Faults(share=0.1, kinds=kinds, latency=0.01, cap=4)
    with Endpoint(judge_with(RATES), faults) as service:
        judged(made, tmp_path / "badly", service, sample=40)
        assert len(service.paid) == 40
    for name in ("judged.json", "verdicts.csv", "wrong.csv", "suggestions.csv"):
        assert (tmp_path / "well" / name).read_bytes() == (tmp_path / "badly" / name).read_bytes()


def test_an_image_that_is_gone_or_broken_has_no_verdict(tmp_path: Path) -> None:
    made = run_of(tmp_path / "run", {"building=church": 12})
    pictures = sorted(made.root.rglob("*.jpg"))
    pictures[0].unlink()
    pictures[1].write_bytes(b"\xff\xd8 no more")
    with Endpoint(judge_with({})) as service:
        done, _ = judged(made, tmp_path / "out", service)
    assert (done.figures["right"], done.figures["none"]) == (10, 2)


def test_suggestions_are_labels_that_can_be_used(tmp_path: Path) -> None:
    made = run_of(tmp_path / "run", {"building=church": 60, "amenity=fountain": 60})

    def answer(asked: Asked) -> str:
        return json.dumps({"verdict": "wrong" if "fountain" in asked.text else "right"})

    with Endpoint(answer) as service:
        done, _ = judged(made, tmp_path, service)
    labels = read_own_labels(tmp_path / "suggestions.csv")
    assert list(labels) == [("amenity", "fountain")]
    assert done.suggestions == 1
    assert not labels["amenity", "fountain"].entry.groundable
    rows = rows_of(tmp_path / "wrong.csv")
    assert len(rows) == 60 == done.wrong
    assert {row["tags"] for row in rows} == {"amenity=fountain"}


def rows_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text().splitlines()))


def fill(sheet: Path, verdict: Any) -> None:
    rows = rows_of(sheet)
    with sheet.open("w") as file:
        writer = csv.DictWriter(file, ["filepath", "statement", "verdict"], extrasaction="ignore")
        writer.writeheader()
        writer.writerows({**row, "verdict": verdict(n)} for n, row in enumerate(rows))


def test_a_person_fills_in_a_sheet(made: Made, tmp_path: Path) -> None:
    sheet, config = tmp_path / "sheet.csv", JudgedConfig(sample=100)
    assert write_sheet(made.meta, made.captions, sheet, config) == 100
    fill(sheet, lambda n: ["right", " Wrong", "unsure", ""][n % 4])
    done = judge_by_person(made.meta, made.captions, sheet, tmp_path, config)
    words = {word: done.figures[word] for word in ("right", "wrong", "unsure", "none")}
    assert words == dict.fromkeys(words, 25)
    assert done.figures["overall"]["judged"] == 50
    assert done.figures["judge"] == "a person"
    assert not (tmp_path / "answers.sqlite").exists()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("church", "temple"), r"sheet.csv: line \d+ is not of this sample"),
        ((",\n", ",maybe\n"), "line 2 has the verdict 'maybe'; write right, wrong, unsure or"),
        (("verdict", "mark"), "has no column 'verdict'"),
        (("", ""), "sheet.csv: no row has a verdict; write right, wrong or unsure"),
    ],
)
def test_a_wrong_sheet_is_one_sentence(
    made: Made, tmp_path: Path, change: tuple[str, str], sentence: str
) -> None:
    sheet, config = tmp_path / "sheet.csv", JudgedConfig(sample=20)
    write_sheet(made.meta, made.captions, sheet, config)
    fill(sheet, lambda _: "")
    sheet.write_text(sheet.read_text().replace("\r\n", "\n").replace(*change))
    with pytest.raises(InputError, match=sentence):
        judge_by_person(made.meta, made.captions, sheet, tmp_path, config)


def test_figures_do_not_go_into_the_folder_of_a_run(made: Made, tmp_path: Path) -> None:
    (tmp_path / "_run.json").write_text("{}")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(InputError, match="is the folder of a run; choose another folder"):
        judge_by_person(made.meta, made.captions, tmp_path / "s.csv", tmp_path, JudgedConfig())
    with pytest.raises(InputError, match="is the folder of a run"), Endpoint(str) as service:
        judged(made, tmp_path, service)
    assert sorted(tmp_path.iterdir()) == before


def test_the_sample_does_not_depend_on_the_size_of_batches(made: Made, tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.dataset as ds

    def split(table: ds.Dataset, rows: int) -> ds.Dataset:
        return ds.dataset(pa.Table.from_batches(table.to_table().to_batches(rows)))

    config = JudgedConfig(sample=50)
    write_sheet(made.meta, made.captions, tmp_path / "one", config)
    write_sheet(split(made.meta, 7), split(made.captions, 11), tmp_path / "two", config)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
