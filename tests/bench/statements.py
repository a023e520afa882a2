"""Checks all statements of a run by their definitions: `python -m tests.bench.statements RUN`.

Prints the figures of docs/captions.md: the number of statements of each kind, and how many are
false by the checker that uses nothing of the generator. With `--pixels`, for a run of the simulated
source, negatives are also checked on what the painter draws, and so are the true sentences that
they twist: a checker that calls everything false would do so there.
"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from PIL import Image as Picture

from pipeline.run import Run
from pipeline.stage import Shard
from stages import tables
from stages.statements import StatementsConfig, statements
from stages.statements.kinds import KINDS
from tests.stages.statements.independent import Image, is_true
from tests.stages.statements.object_map import ObjectMap, is_false, true_claim
from tests.stages.truth.independent import Map

Row = dict[str, Any]
Counts = defaultdict[str, Counter[str]]
NEEDS_TRUTH = ("ask_absence", "not_present")


def of_images(
    run: Run, per_kind: int, parts: int | None = None
) -> Iterator[tuple[Row, Row, list[Row]]]:
    """Yield the rows of meta and images of each image with statements, and these."""
    has_truth = "truth" in run.tables
    read = (tables.META, tables.IMAGES, *((tables.TRUTH,) if has_truth else ()))
    kinds = tuple(kind for kind in KINDS if has_truth or kind not in NEEDS_TRUTH)
    config = StatementsConfig.model_validate({"kinds": kinds, "per_kind": per_kind})
    for part in range(parts or len(run.table("meta").files)):
        given = run.parts(read, part) | run.datasets((tables.OBJECTS,))
        made = statements(**given, config=config, shard=Shard(part, Path("unused")))
        by_image = defaultdict(list)
        for row in made.to_pylist():
            by_image[row["object_id"]].append(row)
        images = {row["object_id"]: row for row in given["images"].to_pylist()}
        for meta in given["meta"].to_pylist():
            if rows := by_image.get(meta["object_id"]):
                yield meta, images[meta["object_id"]], rows


def check(meta: Row, image: Row, rows: list[Row], objects: pa.Table, counts: Counts) -> None:
    """Count the true and the false statements of an image by their definitions."""
    names = [meta["object_id"], *(one["object_id"] for one in meta["surrounding"])]
    place = pa.compute.index_in(pa.array(names), objects["object_id"].combine_chunks())
    shapes = objects["geometry"].take(place).to_pylist()
    seen = Image(meta, image, dict(zip(names, shapes, strict=True)))
    for row in rows:
        counts[row["kind"]]["true" if is_true(row, seen) else "FALSE"] += 1


def check_pixels(objects: ObjectMap, rows: list[Row], counts: Counts) -> None:
    """Count what the pixels say of an image's negatives, and of the sentences that they twist."""
    says = {None: "not told", True: "false by the pixels", False: "TRUE by the pixels"}
    for row in rows:
        if row["role"] == "negative":
            counts[f"{row['kind']}, pixels"][says[is_false(row, objects)]] += 1
            if (claim := true_claim(row)) is not None:
                found = is_false(row | {"claim": claim}, objects)
                counts[f"{row['kind']}, pixels, the true sentence"][says[found]] += 1


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--per-kind", type=int, default=4)
    parser.add_argument("--parts", type=int, help="Check only the first parts of the run.")
    parser.add_argument("--pixels", action="store_true")
    given = parser.parse_args()
    run, counts = Run(given.run), Counts(Counter)
    objects = run.table("objects").to_table(columns=["object_id", "geometry"])
    world = Map(run.table("objects").to_table()) if given.pixels else None
    for meta, image, rows in of_images(run, given.per_kind, given.parts):
        check(meta, image, rows, objects, counts)
        if world is not None:
            with Picture.open(given.run / image["filepath"]) as picture:
                pixels = np.asarray(picture.convert("RGB"))
            check_pixels(ObjectMap(world, meta, image, pixels), rows, counts)
    for kind, found in sorted(counts.items()):
        print(f"{kind:44} " + ", ".join(f"{count:,} {what}" for what, count in found.items()))
    total = sum((found for kind, found in counts.items() if kind in KINDS), Counter[str]())
    print(f"in all: {total['true']:,} true, {total['FALSE']:,} false")


if __name__ == "__main__":
    main()
