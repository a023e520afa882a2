"""Polishing a run at an endpoint that answers well, badly, slowly, and with nonsense."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from pipeline.errors import InputError
from skyscript.language_model import LanguageModelConfig
from stages import tables
from stages.polish import PolishConfig, Polished, polish
from tests.emulators.faults import Faults
from tests.emulators.language_model import KEY, Asked, Endpoint

pytestmark = pytest.mark.slow


VALUES = {
    "building": ["church", "house", "school", "hospital", "garage", "barn"],
    "surface": ["asphalt", "gravel", "sand"],
    "roof:shape": ["gabled", "hipped", "flat"],
}


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


def rows(count: int) -> list[dict[str, Any]]:
    """Give rows of 54 distinct sets of tags in turn."""
    found = []
    for number in range(count):
        tags = [("building", VALUES["building"][number % 6])]
        tags += [("surface", VALUES["surface"][number // 6 % 3])]
        tags += [("roof:shape", VALUES["roof:shape"][number // 18 % 3])]
        gsd, source = (10.0, "S2") if number % 2 else (0.6, "SIM")
        path = f"images2/a{number}_SIM_24.jpg"
        found.append(
            {"object_id": f"a{number}", "filepath": path, "source": source, "gsd": gsd}
            | {"center_tags": tags, "surrounding": [], "status": "ok"}
        )
    return found


def run_of(count: int = 200) -> tuple[ds.Dataset, ds.Dataset, ds.Dataset]:
    meta = rows(count)
    captions = [
        {"object_id": row["object_id"], "filepath": row["filepath"], "status": "ok"}
        | {
            "title": "a satellite image of "
            + ", ".join(f"{key} of {value}" for key, value in row["center_tags"][:2])
        }
        for row in meta
    ]
    return (
        ds.dataset(pa.Table.from_pylist(meta, schema=tables.META.schema)),
        ds.dataset(pa.Table.from_pylist(captions, schema=tables.CAPTIONS.schema)),
        ds.dataset(pa.Table.from_pylist([], schema=tables.VOCAB.schema)),
    )


def words_of(tags: list[tuple[str, str]]) -> str:
    return ", ".join(f"{key} of {value}" for key, value in tags[:2])


def values_of(line: str) -> dict[str, str]:
    pairs = (part.split(" = ") for part in line.partition(". ")[2].split("; "))
    return dict(pairs)


def sets_of(asked: Asked) -> list[dict[str, str]]:
    lines = [line for line in asked.text.splitlines() if line[:1].isdigit()]
    return [values_of(line) for line in lines]


def text_of(tags: dict[str, str], seed: int = 0) -> str:
    roof = f"with a {tags['roof:shape']} roof"
    return f"{['A', 'One'][seed % 2]} {tags['building']} {roof}, on {tags['surface']}"


def well(asked: Asked) -> str:
    return json.dumps([text_of(tags, asked.seed) for tags in sets_of(asked)])


def run_polish(
    out: Path, service: Endpoint, count: int = 200, batch: int = 5, **options: Any
) -> tuple[Polished, list[str]]:
    said: list[str] = []
    language = LanguageModelConfig(**service.options(**options))
    config = PolishConfig(batch=batch)
    return polish(*run_of(count), out, config, language, said.append), said


def rows_of(out: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((out / "polished.csv").read_text().splitlines()))


def test_each_distinct_set_of_tags_is_asked_for_once(tmp_path: Path) -> None:
    with Endpoint(well) as service:
        done, said = run_polish(tmp_path, service)
    assert (
        Counter(
            tuple(tags.items()) for asked in service.paid for tags in sets_of(asked)
        ).most_common(1)[0][1]
        == 1
    )
    assert len(service.paid) == 11, "54 sets, 5 at once"
    assert (done.images, done.fallen_back, done.texts) == (200, 0, 54)
    assert said[0].split()[0] == "11"
    first, second, *_ = rows_of(tmp_path)
    assert list(first) == ["filepath", "title_raw", "title"]
    assert first["title_raw"] == "A church with a gabled roof, on asphalt."
    assert first["title"] == "An aerial image. It shows: " + first["title_raw"]
    assert second["title"] == "A satellite image. It shows: " + second["title_raw"]


def test_several_phrasings_are_shared_out_by_the_seed(tmp_path: Path) -> None:
    language_of = LanguageModelConfig
    with Endpoint(well) as service:
        language = language_of(**service.options())
        config = PolishConfig(phrasings=2)
        done = polish(*run_of(), tmp_path, config, language, lambda _: None)
    assert (done.texts, done.wanted) == (108, 108)
    begins = Counter(row["title_raw"].split()[0] for row in rows_of(tmp_path))
    assert 70 < begins["One"] < 130


def test_bad_texts_are_asked_for_once_more_and_then_said_by_rule(tmp_path: Path) -> None:
    """A model that adds a river at first, and always calls a barn a church."""

    def badly(asked: Asked) -> str:
        again = "is refused" in asked.text
        found = []
        for tags in sets_of(asked):
            text = text_of({**tags, "building": tags["building"].replace("barn", "church")})
            found.append(text if again else f"{text}, by a river")
        return json.dumps(found)

    with Endpoint(badly) as service:
        done, _ = run_polish(tmp_path, service)
    assert len(service.paid) == 11 + 54
    assert done.texts == 45
    assert done.why == {"it leaves a tag out": 9}
    barns = [row for row in rows_of(tmp_path) if "barn" in row["title_raw"].lower()]
    assert len(barns) == done.fallen_back == 33
    assert barns[0]["title_raw"] == "Building of barn, surface of asphalt."
    assert not any("river" in row["title"] for row in rows_of(tmp_path))


NONSENSE = ["", "[]", "no", "[1, 2]", '{"a": 1}', "[" * 5000, '["a church"', "null", '[""]']


def test_nonsense_gives_the_captions_by_rule(tmp_path: Path) -> None:
    with Endpoint(lambda asked: NONSENSE[len(asked.text) % len(NONSENSE)]) as service:
        done, _ = run_polish(tmp_path, service)
    assert (done.texts, done.fallen_back, done.images) == (0, 200, 200)
    assert sum(done.why.values()) == 54
    assert all(row["title_raw"].startswith("Building of ") for row in rows_of(tmp_path))


def test_a_slow_service_with_every_fault_gives_the_same_file(tmp_path: Path) -> None:
    with Endpoint(well) as service:
        run_polish(tmp_path / "well", service)
    kinds = ("429", "503", "cut", "page", "empty")
    with Endpoint(well, Faults(share=0.1, kinds=kinds, latency=0.01, cap=4)) as service:
        run_polish(tmp_path / "badly", service)
        assert len(service.paid) == 11
    ours, theirs = ((tmp_path / name / "polished.csv").read_bytes() for name in ("well", "badly"))
    assert ours == theirs


def test_the_estimate_after_the_first_answers_is_close(tmp_path: Path) -> None:
    with Endpoint(well) as service:
        done, said = run_polish(tmp_path, service, batch=1, input_price=1, output_price=4)
    rule, measured = said
    assert "a rule of thumb" in rule
    assert "a rule of thumb" not in measured
    left = float(measured.split()[0])
    tokens = float(measured.split(": ")[1].split()[0].replace(",", ""))
    assert tokens / left == pytest.approx(service.tokens_in / 54, rel=0.05)
    assert done.cost.requests == len(service.paid) == 54


def test_the_budget_stops_and_the_next_command_goes_on(tmp_path: Path) -> None:
    with Endpoint(well) as service:
        with pytest.raises(InputError, match="budget of 900 is used up"):
            run_polish(tmp_path, service, budget=900, input_price=1e6)
        assert 0 < len(service.paid) < 11
        assert not (tmp_path / "polished.csv").exists()
        run_polish(tmp_path, service)
        assert len(service.paid) == 11


PROGRAM = """
import sys
from pathlib import Path
from tests.stages.polish.test_job import *
class There:
    def options(self):
        return {"base_url": sys.argv[1], "model": "vision-1", "per_second": 10_000.0, "at_once": 1}
run_polish(Path(sys.argv[2]), There(), batch=1)
"""


@pytest.mark.parametrize("replays", [False, True])
def test_a_kill_pays_for_nothing_twice_but_what_is_on_its_way(
    tmp_path: Path, replays: bool
) -> None:
    """An endpoint that gives an answer again by its `Idempotency-Key` costs not even that."""
    with Endpoint(well, Faults(latency=0.02)) as service:
        service.replays = replays
        command = [sys.executable, "-c", PROGRAM, service.address, str(tmp_path / "out")]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        child = subprocess.Popen(command, env=environment)
        while len(service.paid) < 20:
            assert child.poll() is None
            time.sleep(0.01)
        child.send_signal(signal.SIGKILL)
        child.wait()
        time.sleep(0.1)
        paid = len(service.paid)
        assert paid < 54
        run_polish(tmp_path / "out", service, batch=1)
        assert len(service.paid) <= 54 + (not replays)
    assert len(rows_of(tmp_path / "out")) == 200
