"""How often "no" is wrong where the map has gaps: `python -m tests.bench.truth RUN`.

Prints figures of docs/truth.md. RUN is a run with the table `truth`. Gaps are made in its map, and
the truth of the map with gaps is compared with that of the whole map: a "no" is wrong if the whole
map says "yes". *Cells*: three cells of ten lose 80 % of their objects. *Concepts*: for each root of
the tree of concepts, three cells of ten lose all objects of it. *Scattered*: each object is lost
with a probability of 0.3, so that no cell differs from those around.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds

from pipeline.run import Run
from pipeline.stage import Shard
from skyscript import chance
from skyscript.captions.tile_concepts import things_in_tiles
from stages import tables
from stages.density import DensityConfig, density
from stages.truth import TruthConfig, truth
from tag_vocab import concept

CELL = 0.01
GAPS, LOST, SCATTERED = 0.3, 0.8, 0.3
NOWHERE = Shard(0, Path("unused"))
Keep = Callable[[str, tuple[int, int], frozenset[str]], bool]


def in_cells(name: str, cell: tuple[int, int], roots: frozenset[str]) -> bool:
    """Keep an object unless its cell is a gap."""
    gap = chance.uniform(1, f"{cell}", "gap") < GAPS
    return not (gap and chance.uniform(1, name, "lost") < LOST)


def of_concepts(name: str, cell: tuple[int, int], roots: frozenset[str]) -> bool:
    """Keep an object unless its cell is a gap for one of its roots."""
    return not any(chance.uniform(1, f"{cell}/{root}", "gap") < GAPS for root in roots)


def scattered(name: str, cell: tuple[int, int], roots: frozenset[str]) -> bool:
    """Keep an object with the same probability everywhere."""
    return chance.uniform(1, name, "lost") >= SCATTERED


def thin(objects: pa.Table, keep: Keep) -> pa.Table:
    """Give the objects that are kept."""
    centre = [
        np.floor((objects[a].to_numpy() + objects[b].to_numpy()) / 2 / CELL)
        for a, b in (("west", "east"), ("south", "north"))
    ]
    rows = zip(
        objects["object_id"].to_pylist(),
        zip(*(axis.astype(int).tolist() for axis in centre), strict=True),
        objects["tags"].to_pylist(),
        objects["kind"].to_pylist(),
        strict=True,
    )
    kept = [keep(name, cell, _roots(dict(tags), kind)) for name, cell, tags, kind in rows]
    return objects.filter(pa.array(kept))


def _roots(tags: dict[str, str], kind: str) -> frozenset[str]:
    shown = things_in_tiles(tags, kind)
    return frozenset(root.name for one in shown for root in concept(one.name).roots)


def judge(run: Run, objects: ds.Dataset, config: TruthConfig) -> Iterator[pa.Table]:
    """Give the truth of each part of a run on some objects."""
    vocab = run.table("vocab")
    counted = density(objects.to_table(), vocab, config=DensityConfig(cell=CELL), shard=NOWHERE)
    for number in range(len(run.table("meta").files)):
        given = run.parts((tables.META, tables.IMAGES, tables.MATCH), number)
        given["match"] = given["match"].set_column(
            given["match"].schema.get_field_index("match"),
            "match",
            pa.nulls(len(given["match"]), pa.float64()),
        )
        known = {"objects": objects, "vocab": vocab, "density": ds.dataset(counted)}
        yield truth(**given, **known, config=config, shard=NOWHERE)


def compare(whole: pa.Table, gaps: pa.Table, least: float) -> tuple[int, int, int]:
    """Count "no" with gaps, those that the whole map calls "yes", and all other "yes" there."""
    ids, verdicts = whole["truth_id"].to_pylist(), whole["verdict"].to_pylist()
    there = {one for one, verdict in zip(ids, verdicts, strict=True) if verdict == "yes"}
    rows = (gaps[name].to_pylist() for name in ("truth_id", "verdict", "completeness"))
    said = [
        one for one, verdict, known in zip(*rows, strict=True) if verdict == "no" and known >= least
    ]
    return len(said), len(there.intersection(said)), len(there)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    run = Run(parser.parse_args().run)
    table = run.table("objects").to_table()
    objects = table.filter(pa.compute.equal(table["status"], "ok"))
    config = TruthConfig(min_completeness=0.0)
    whole = pa.concat_tables(judge(run, ds.dataset(objects), config))
    for keep in (in_cells, of_concepts, scattered):
        thinned = ds.dataset(thin(objects, keep))
        gaps = pa.concat_tables(judge(run, thinned, config))
        for least in (0.0, 0.25, 0.5, 0.75, 0.9, 1.0):
            said, wrong, there = compare(whole, gaps, least)
            share = wrong / max(said, 1)
            print(
                f"{keep.__name__:12} {least:4.2f} no {said:8,} wrong {wrong:6,} {share:.3%}; "
                f"yes {there:,}"
            )


if __name__ == "__main__":
    main()
