"""Draws sheets of statements to look at, and counts what is right.

Run: python -m tests.bench.statement_sheets draw RUN OUT; then count OUT/looked.csv.

`draw RUN OUT` draws statements of each kind of a run at random, at most one of an image, twelve a
sheet: the image and below it the statement. The boxes that a text names are drawn; another sheet
has the outlines of all things that each statement rests on, to look at afterwards. `OUT/looked.csv`
is to be filled in: right, wrong or unsure, as the pixels say. `--without CSV` leaves out the images
that were looked at before for a statement of the same kind. `count CSV` prints the share of right
ones of each kind, with Wilson's interval; those that nobody can tell are counted beside it.
`--round 2` counts those of one round, `--column blind` the verdicts made before the outlines were
seen.
"""

from __future__ import annotations

import argparse
import csv
import textwrap
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import shapely
from PIL import Image, ImageDraw, ImageFont

from pipeline.run import Run
from skyscript import chance
from stages.judged.precision import Verdict, precision

Row = dict[str, Any]
COLUMNS = ("kind", "sheet", "number", "object_id", "claim", "text", "second", "round")
COLUMNS += ("blind", "verdict", "note")
SIDE, TEXT, ACROSS, DOWN = 390, 96, 4, 3
A_SHEET = ACROSS * DOWN
WITH_BOX = ("region", "referring")
FONT = ImageFont.load_default(17)


def draw_sample(rows: Sequence[Row], seed: int, most: int) -> dict[str, list[Row]]:
    """Give statements of each kind in a random order; of an image one, then a second one, ..."""
    by_kind: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_kind[row["kind"]].append(row)
    found = {}
    for kind, members in by_kind.items():
        members.sort(key=lambda row: chance.uniform(seed, row["statement_id"], "look"))
        seen: Counter[str] = Counter()
        turns = []
        for row in members:
            seen[row["object_id"]] += 1
            turns.append((seen[row["object_id"]], len(turns), row))
        found[kind] = [row for _, _, row in sorted(turns, key=lambda turn: turn[:2])[:most]]
    return found


def cell(run: Path, row: Row, number: int, outlines: bool) -> Image.Image:
    """Draw an image and its statement."""
    with Image.open(run / row["filepath"]) as picture:
        picture = picture.convert("RGB")
    scale = SIDE / max(picture.size)
    picture = picture.resize(
        [round(side * scale) for side in picture.size], Image.Resampling.BICUBIC
    )
    made = Image.new("RGB", (SIDE + 10, SIDE + TEXT), "white")
    draw = ImageDraw.Draw(picture)
    if outlines:
        for part in shapely.get_parts(shapely.from_wkb(row["geometry"])):
            points = shapely.get_coordinates(part) * scale
            draw.line([tuple(point) for point in points.tolist()], fill="yellow", width=2)
    elif row["kind"] in WITH_BOX:
        draw.rectangle([side * scale for side in row["box"]], outline="yellow", width=2)
    made.paste(picture, (0, 0))
    second = f" ({row['answer'] or row['true_text']})" if row["role"] != "statement" else ""
    text = "\n".join(textwrap.wrap(f"{number}. {row['text']}{second}", 44))
    ImageDraw.Draw(made).text((2, SIDE + 2), text, fill="black", font=FONT)
    return made


def draw_sheets(run: Path, out: Path, kind: str, rows: Sequence[Row]) -> Iterator[Row]:
    """Write the sheets of a kind; yield the rows of the CSV."""
    for start in range(0, len(rows), A_SHEET):
        some, sheet = rows[start : start + A_SHEET], start // A_SHEET + 1
        for outlines in (False, True):
            made = Image.new("RGB", (ACROSS * (SIDE + 10), DOWN * (SIDE + TEXT)), "white")
            for place, row in enumerate(some):
                corner = place % ACROSS * (SIDE + 10), place // ACROSS * (SIDE + TEXT)
                made.paste(cell(run, row, place + 1, outlines), corner)
            made.save(out / f"{kind}-{sheet}{'-outlines' if outlines else ''}.png")
        for place, row in enumerate(some):
            second = row["answer"] or row["true_text"] or ""
            known = {name: row[name] for name in ("kind", "object_id", "claim", "text")}
            yield known | {"sheet": sheet, "number": place + 1, "second": second}


def draw(
    run: Path, out: Path, seed: int, most: int, seen: Collection[tuple[str, str]] = ()
) -> None:
    """Write the sheets of all kinds and the CSV; none of a kind and an image already seen."""
    out.mkdir(parents=True, exist_ok=True)
    rows = Run(run).table("statements").to_table().to_pylist()
    fresh = [row for row in rows if (row["kind"], row["object_id"]) not in seen]
    sample = draw_sample(fresh, seed, most)
    with (out / "looked.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="")
        writer.writeheader()
        for kind, rows in sample.items():
            writer.writerows(draw_sheets(run, out, kind, rows))


def seen_in(path: Path) -> set[tuple[str, str]]:
    """Give the kinds and images of a CSV of verdicts."""
    with path.open(encoding="utf-8", newline="") as file:
        return {(row["kind"], row["object_id"]) for row in csv.DictReader(file)}


def count(path: Path, column: str, only: str | None) -> Iterator[str]:
    """Yield a row of a table for each kind, of all rounds or of one."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if only in (None, row["round"]):
                found[row["kind"]][row[column]] += 1
    yield "| kind | looked at | right | wrong | unsure | share right |"
    yield "|---|---|---|---|---|---|"
    for kind, counts in found.items():
        right, wrong = counts["right"], counts["wrong"]
        verdicts = [Verdict(True, 1.0, kind)] * right + [Verdict(False, 1.0, kind)] * wrong
        share = precision(verdicts, 0.95) if verdicts else None
        said = f"{share.value:.1%} ({share.low:.1%} to {share.high:.1%})" if share else "-"
        total = right + wrong + counts["unsure"]
        yield f"| `{kind}` | {total} | {right} | {wrong} | {counts['unsure']} | {said} |"


def main() -> None:
    """Draw sheets, or count verdicts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("draw", "count"))
    parser.add_argument("path", type=Path, help="The run, or the CSV.")
    parser.add_argument("out", type=Path, nargs="?")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--per-kind", type=int, default=60)
    parser.add_argument("--without", type=Path, help="A CSV whose images are left out.")
    parser.add_argument("--column", choices=("blind", "verdict"), default="verdict")
    parser.add_argument("--round", help="Count the verdicts of this round only.")
    given = parser.parse_args()
    if given.what == "draw":
        seen = seen_in(given.without) if given.without else ()
        draw(given.path, given.out, given.seed, given.per_kind, seen)
    else:
        print("\n".join(count(given.path, given.column, given.round)))


if __name__ == "__main__":
    main()
