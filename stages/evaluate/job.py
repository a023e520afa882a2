"""An evaluation: it evaluates every set that exists, and writes `results.json` and details."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.atomic import TEMPORARY, write_bytes, write_json
from pipeline.errors import InputError
from pipeline.events import Event, ShardFinished, StageFinished, StageStarted
from pipeline.identity import identify
from skyscript.benchmarks import (
    SEVEN,
    Benchmark,
    CaptionedImages,
    check,
    choose_benchmarks,
    exists,
    zero_shot,
)
from skyscript.benchmarks.files import read_captioned, read_labelled
from skyscript.benchmarks.layout import SKYSCRIPT
from skyscript.clip.vectors.embed import Progress
from skyscript.files.truth import TRUTH
from stages.evaluate.by_truth import rank_by_truth
from stages.evaluate.config import EvaluateConfig
from stages.evaluate.embedding import embed_images, embed_texts, note_cut
from stages.evaluate.intervals import accuracy_intervals, describe_intervals, mean_interval
from stages.evaluate.model import (
    Tower,
    describe_figures,
    describe_run,
    find_model,
    load_tower,
)
from stages.evaluate.outputs import average_classes, write_classified, write_retrieved
from stages.evaluate.probing import probe_set
from stages.evaluate.published import compare_counts
from stages.evaluate.retrieval import View, rank_by_all_ways
from stages.evaluate.statement_tests import find_tests
from stages.evaluate.table import format_tables

RESULTS = "results.json"
TABLE = "results.md"
Draw = Callable[[Event], None]


class Placed(NamedTuple):
    """A benchmark and its root folder."""

    benchmark: Benchmark
    root: Path


def evaluate(config: EvaluateConfig, out: Path, draw: Draw) -> dict[str, Any]:
    """Evaluate a model on the sets that exist. Returns the content of `results.json`.

    It stores the features in ``out``, so that another protocol, or a run after a kill, computes
    little. Raises `InputError` before any work if a set or the model cannot be used.
    """
    sets, missing = _find_sets(config)
    tests = find_tests(config, {placed.benchmark.name for placed in sets})
    source = find_model(config)
    tower = load_tower(source, config, out)
    names = [*(placed.benchmark.name for placed in sets), *(test.name for test in tests)]
    _clear(out, *tower.features.glob("*"), *(out / name for name in names))
    results = describe_run(source, tower)
    results["intervals"] = describe_intervals()
    results["missing"] = missing
    for placed in sets:
        results["sets"][placed.benchmark.name] = _evaluate_set(placed, tower, out, draw)
    for test in tests:
        run = functools.partial(test.run, tower, out / test.name)
        results["sets"][test.name] = _show(test.name, test.work, tower, draw, run)
    results["mean_of_seven"] = _average(results)
    write_json(out / RESULTS, results)
    write_bytes(out / TABLE, format_tables([results]).encode())
    return results


def _clear(*folders: Path) -> None:
    """Remove the unfinished files of a killed run."""
    for folder in folders:
        for path in folder.glob(f"{TEMPORARY}*"):
            path.unlink(missing_ok=True)


def _find_sets(config: EvaluateConfig) -> tuple[list[Placed], list[str]]:
    """Return the sets that exist, after a check, and the names of the missing ones."""
    root = config.benchmarks
    if root is None:
        return [], []
    places = [_place(one, root, config) for one in choose_benchmarks(root, config.sets)]
    found = [place for place in places if exists(*place)]
    if not found:
        names = ", ".join(f"{place.benchmark.csv}" for place in places[:3])
        raise InputError(
            f"{root}: holds none of the chosen sets; it must hold {names} ..., as published."
        )
    for benchmark, folder in found:
        check(benchmark, folder)
    return found, [place.benchmark.name for place in places if place not in found]


def _place(benchmark: Benchmark, root: Path, config: EvaluateConfig) -> Placed:
    """Return a set with its root. The dataset's own test may be in the dataset's folder."""
    if benchmark.name != SKYSCRIPT or config.skyscript is None:
        return Placed(benchmark, root)
    moved = benchmark._replace(csv=Path(benchmark.csv).name, images="")
    return Placed(moved, config.skyscript)


def _evaluate_set(placed: Placed, tower: Tower, out: Path, draw: Draw) -> dict[str, Any]:
    """Evaluate one set of the benchmarks."""
    name = placed.benchmark.name
    captions = read_captioned(*placed) if placed.benchmark.kind == "retrieval" else None
    content = captions or read_labelled(*placed)
    work = len(content.files) + (len(captions.texts) if captions else 0)

    def run(progress: Progress) -> dict[str, Any]:
        if captions:
            return _retrieve(placed, captions, tower, out / name, progress)
        return _classify(placed, tower, out / name, progress)

    result = _show(name, work, tower, draw, run)
    return {**result, "notes": [*result["notes"], *compare_counts(name, result["counts"])]}


def _show(
    name: str, work: int, tower: Tower, draw: Draw, run: Callable[[Progress], dict[str, Any]]
) -> dict[str, Any]:
    """Evaluate a set of ``work`` images and texts, and report its progress."""
    count, size, start = 0, tower.config.batch_size, time.monotonic()
    draw(StageStarted(name, -(-work // size), 0, "first run"))

    def progress(done: int) -> None:
        nonlocal count
        before, count = count // size, count + done
        for batch in range(before, count // size):
            draw(ShardFinished(name, batch, size, time.monotonic() - start))

    result = run(progress)
    draw(StageFinished(name, work, {"ok": work}, {}, 1, time.monotonic() - start))
    return result


def _describe_set(placed: Placed, tower: Tower) -> dict[str, Any]:
    return {
        "kind": placed.benchmark.kind,
        **describe_figures(tower),
        "rows": {"file": placed.benchmark.csv, "id": identify(placed.root / placed.benchmark.csv)},
    }


def _classify(placed: Placed, tower: Tower, folder: Path, progress: Progress) -> dict[str, Any]:
    found = zero_shot(
        tower.clip,
        *placed,
        precision=tower.precision,
        threads=tower.config.workers,
        store=tower.images,
        progress=progress,
    )
    classes = len(found.images.classes)
    top1_interval, top5_interval = accuracy_intervals(found.true_rank, (1, 5))
    low, high = found.top1_range
    title = f"{placed.benchmark.name}: top-1 {found.top1:.1%}. Rows: true class; columns: taken for"
    return {
        **_describe_set(placed, tower),
        "templates": list(placed.benchmark.templates),
        "counts": {"images": found.count, "classes": classes},
        "top1": found.top1,
        "top1_interval": top1_interval,
        "top5": found.top5,
        "top5_interval": top5_interval,
        "top5_is_of": min(5, classes),
        "mean_of_classes": average_classes(found),
        "ties": {"images": int(found.tied.sum()), "top1_lowest": low, "top1_highest": high},
        **probe_set(found.images, tower),
        "files": write_classified(folder, found, title),
        "notes": found.images.notes,
    }


def _retrieve(
    placed: Placed, data: CaptionedImages, tower: Tower, folder: Path, progress: Progress
) -> dict[str, Any]:
    found = embed_images(data.files, tower, progress)
    data, images = data.select(found.rows, found.notes), found.vectors
    texts = embed_texts(data.texts, tower, progress)
    ways = rank_by_all_ways(data, images, texts)
    by_truth, shares, missing = _rank_by_truth(data, images, texts, tower)
    counts = {"images": len(data.paths), "texts": len(data.texts), "pairs": len(data.text_of)}
    return {
        **_describe_set(placed, tower),
        "prefix": placed.benchmark.prefix,
        "caption": placed.benchmark.column,
        "counts": counts,
        **{way: view.recalls() for way, view in {**ways, **by_truth}.items()},
        **({"truth_of_pairs": shares} if shares else {}),
        "files": write_retrieved(folder, data, ways),
        "notes": [*data.notes, *note_cut(data.texts, tower, "texts"), *missing],
    }


def _rank_by_truth(
    data: CaptionedImages, images: NDArray[np.float32], texts: NDArray[np.float32], tower: Tower
) -> tuple[dict[str, View], dict[str, float], list[str]]:
    """Rank by truth if a table is given. Returns the rankings, shares of pairs, and notes."""
    path = tower.config.truth
    if path is None:
        return {}, {}, []
    TRUTH.parts(path)
    try:
        return *rank_by_truth(data, images, texts, path), []
    except InputError as error:  # another set than the run's
        return {}, {}, [f"not ranked by truth: {error}"]


def _average(results: dict[str, Any]) -> dict[str, Any]:
    """Average top-1 over the seven sets of the published mean. Marks it as partial if some lack."""
    over = [name for name in SEVEN if name in results["sets"]]
    whole = len(over) == len(SEVEN)
    shares = [results["sets"][name]["top1"] for name in over]
    images = [results["sets"][name]["counts"]["images"] for name in over]
    value = sum(shares) / len(shares) if shares else None
    return {
        "top1": value if whole else None,
        "partial_top1": None if whole else value,
        "interval": mean_interval(shares, images) if shares else None,
        "over": over,
        "missing": [name for name in SEVEN if name not in over],
        "protocol": results["protocol"],
        "precision": results["precision"],
    }
