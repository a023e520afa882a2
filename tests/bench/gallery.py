"""Makes the README's picture, twelve tiles of the demo: `python -m tests.bench.gallery OUT.jpg`.

Each tile is the first of the demo's CSV whose caption holds a phrase below.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
import textwrap
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont
from pipeline.cli.recipe import TOY

from pipeline.config import load_config
from pipeline.runner import run
from stages import PIPELINE

PHRASES = (
    *("sport of tennis", "airport of taxiway", "plant source of solar", "amenity of parking"),
    *(
        "road of residential",
        "generator source of wind",
        "sport of soccer",
        "leisure land of marina",
    ),
    *("building of church", "landuse of cemetery", "railway of rail", "golf of green"),
)
COLUMNS, SIDE, GAP, TEXT = 6, 240, 8, 52


def make_town(folder: Path) -> list[tuple[Path, str]]:
    """Run the demo up to its captions, unscored; give paths and captions."""
    options = ["runner.workers=1", "score.model=none"]
    run(PIPELINE, load_config(TOY, PIPELINE, options), folder, lambda _: None)
    with (folder / "SkyScript_train_unfiltered.csv").open(encoding="utf-8", newline="") as file:
        return [(folder / row["filepath"], row["title"]) for row in csv.DictReader(file)]


def chosen(rows: list[tuple[Path, str]]) -> list[tuple[Path, str]]:
    """Give the first row for each phrase."""
    return [next(row for row in rows if phrase in row[1]) for phrase in PHRASES]


def sheet(rows: list[tuple[Path, str]]) -> Image.Image:
    """Give the tiles' middles side by side, each over its caption."""
    step, deep = SIDE + GAP, SIDE + TEXT + GAP
    size = (COLUMNS * step + GAP, -(-len(rows) // COLUMNS) * deep + GAP)
    result = Image.new("RGB", size, "white")
    draw, font = ImageDraw.Draw(result), ImageFont.load_default(13)
    for number, (path, caption) in enumerate(rows):
        x, y = GAP + number % COLUMNS * step, GAP + number // COLUMNS * deep
        with Image.open(path) as image:
            side = min(image.size)
            left, top = (image.width - side) // 2, (image.height - side) // 2
            box = (left, top, left + side, top + side)
            result.paste(image.resize((SIDE, SIDE), Image.Resampling.BICUBIC, box), (x, y))
        text = "\n".join(textwrap.wrap(caption, 36)[:3])
        draw.multiline_text((x, y + SIDE + 3), text, "black", font, spacing=2)
    return result


def main() -> None:
    """Make the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, help="The JPEG to write.")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        sheet(chosen(make_town(Path(temporary)))).save(given.out, quality=80)


if __name__ == "__main__":
    main()
