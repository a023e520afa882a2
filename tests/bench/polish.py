"""Polishes many distinct sets of tags at a local endpoint: `python -m tests.bench.polish OUT`.

The model is bad at times: it leaves a tag out, adds a river, or answers nonsense, and the service
refuses some requests. The command is stopped by SIGTERM, killed by SIGKILL, and started again after
each. With `--replays`, the service gives an answer again for an `Idempotency-Key` that it knows.
Prints the estimate beside what was paid for, what was paid for twice, and the texts of the CSV that
are not the ones to expect.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import json
import os
import signal
import subprocess
import sys
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds

from pipeline.interrupts import Interrupted, raise_interrupted
from skyscript.language_model import LanguageModelConfig
from stages import tables
from stages.polish import PolishConfig, polish
from tests.emulators.faults import Faults
from tests.emulators.language_model import KEY, Asked, Endpoint, count_tokens

VALUES = {
    "building": "church house school hospital garage barn hotel warehouse greenhouse stable",
    "surface": "asphalt gravel sand grass concrete clay wood dirt",
    "roof:shape": "gabled hipped flat pyramidal dome skillion",
    "roof:colour": "red grey brown black white green blue",
    "roof:material": "metal glass slate thatch copper stone",
    "building:levels": "1 3 4",
}
Tags = dict[str, str]


def sets_of(count: int) -> Iterator[Tags]:
    """Yield distinct sets of six tags."""
    for values in itertools.islice(itertools.product(*map(str.split, VALUES.values())), count):
        yield dict(zip(VALUES, values, strict=True))


def words_of(tags: Tags) -> str:
    """Say all tags."""
    return (
        f"a {tags['building']} of {tags['building:levels']} levels with a {tags['roof:shape']} "
        f"roof of {tags['roof:colour']} {tags['roof:material']}, on {tags['surface']}"
    )


def expected(tags: Tags) -> str:
    """Give the text in the CSV: the model's good one, or the caption by rule if it has none."""
    return f"{words_of(tags)}{', by rule' if is_hopeless(tags) else ''}.".capitalize()


def is_hopeless(tags: Tags) -> bool:
    """Tell whether the model's text of a set of tags is always bad."""
    return draw_of(tags) % 50 == 1


def draw_of(tags: Tags) -> int:
    """Draw a number for a set of tags."""
    return zlib.crc32(repr(tags).encode())


def read(asked: Asked) -> list[Tags]:
    """Give the sets that a request asks for."""
    lines = [line.partition(". ")[2] for line in asked.text.splitlines() if line[:1].isdigit()]
    return [dict(part.split(" = ") for part in line.split("; ")) for line in lines]


def answer(asked: Asked) -> str:
    """Answer badly at first in 1 of 20 texts, always in 1 of 50, and with nonsense in 1 of 100."""
    again, texts = "is refused" in asked.text, []
    if not again and zlib.crc32(asked.text.encode()) % 100 == 0:
        return "no"
    for tags in read(asked):
        text, draw = words_of(tags), draw_of(tags)
        if is_hopeless(tags) or (draw % 20 == 0 and not again):
            text = f"{text}, by a river" if draw % 3 else text.rpartition(",")[0]
        texts.append(text)
    return json.dumps(texts)


def run(address: str, out: Path, count: int) -> None:
    """Polish, as the command does."""
    rows = [
        {"object_id": f"a{at}", "filepath": f"images2/a{at}_S_24.jpg", "source": "S", "gsd": 0.6}
        | {"center_tags": [*tags.items()], "surrounding": [], "status": "ok"}
        | {"title": f"a satellite image of {words_of(tags)}, by rule"}
        for at, tags in enumerate(sets_of(count))
    ]
    meta, captions = (
        ds.dataset(
            pa.Table.from_pylist(
                [{name: row[name] for name in row if name in table.schema.names} for row in rows],
                schema=table.schema,
            )
        )
        for table in (tables.META, tables.CAPTIONS)
    )
    words = ds.dataset(tables.VOCAB.schema.empty_table())
    language = LanguageModelConfig.model_validate(
        {"base_url": address, "model": "vision-1", "per_second": 10_000.0}
    )
    with raise_interrupted():
        polish(
            meta,
            captions,
            words,
            out,
            PolishConfig.model_validate({}),
            language,
            lambda line: print(line, flush=True),
        )


def start(service: Endpoint, out: Path, count: int) -> subprocess.Popen[str]:
    """Start the command in a process of its own."""
    command = [sys.executable, "-m", "tests.bench.polish", str(out), "--at", service.address]
    environment = {**os.environ, "OPENAI_API_KEY": KEY}
    return subprocess.Popen([*command, "--texts", str(count)], env=environment, text=True)


def tokens(asked: list[Asked]) -> tuple[int, int]:
    """Count the tokens of requests and of their answers."""
    given = sum(count_tokens(one.rules) + count_tokens(one.text) for one in asked)
    return given, sum(count_tokens(answer(one)) for one in asked)


def twice(asked: list[Asked]) -> int:
    """Count the requests that were paid for more than once."""
    return sum(number - 1 for number in Counter(asked).values())


def main() -> None:
    """Stop the command at a fifth, kill it at two fifths, finish it, start it again, and count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--texts", type=int, default=50_000)
    parser.add_argument("--replays", action="store_true")
    parser.add_argument("--at", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.at:
        try:
            run(given.at, given.out, given.texts)
        except Interrupted as error:
            sys.exit(error.exit_code)
        return
    faults = Faults(share=0.01, kinds=("429", "503", "cut", "empty"), latency=0.01)
    with Endpoint(answer, faults) as service:
        service.replays = given.replays
        for fifths, signum in ((1, signal.SIGTERM), (2, signal.SIGKILL), (0, None), (0, None)):
            child = start(service, given.out, given.texts)
            while signum and len(service.paid) < fifths * given.texts // 50:
                time.sleep(0.01)
            if signum:
                child.send_signal(signum)
            child.wait()
            assert bool(child.returncode) == bool(signum)
            time.sleep(1)  # the service answers what is on its way, though nobody listens
            end, paid = signum.name if signum else "finished", service.paid
            print(f"{end}: paid for so far: {len(paid):,} requests, {twice(paid)} of them twice")
        report(service, given.out, given.texts)


def report(service: Endpoint, out: Path, count: int) -> None:
    """Print what was paid for, and compare the CSV with the tags."""
    first = [one for one in service.paid if "is refused" not in one.text]
    again = [one for one in service.paid if "is refused" in one.text]
    for what, paid in (("first", first), ("again", again)):
        sets = Counter(tuple(tags.items()) for one in paid for tags in read(one))
        given, said = tokens(paid)
        print(f"{what}: {len(paid):,} requests, {given:,} tokens in, {said:,} out; "
              f"{sum(sets.values()) - len(sets)} sets twice")  # fmt: skip
    found: Counter[str] = Counter()
    with (out / "polished.csv").open(encoding="utf-8", newline="") as file:
        for row, tags in zip(csv.DictReader(file), sets_of(count), strict=True):
            kind = "by rule" if is_hopeless(tags) else "by the model"
            found[kind if is_right(row, tags) else "BAD"] += 1
    print(dict(found), (out / "polished.json").read_text())


def is_right(row: dict[str, Any], tags: Tags) -> bool:
    """Tell whether both texts of a row are the ones to expect."""
    text = expected(tags)
    return row["title_raw"] == text and row["title"] == f"An aerial image. It shows: {text}"


if __name__ == "__main__":
    main()
