"""What judge writes: figures, verdicts, the images judged wrong, suggestions for the vocabulary."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pipeline.atomic import write_file
from skyscript.files.pairs_csv import write_pairs
from stages.captioned import Captioned
from stages.judged.config import JudgedConfig
from stages.judged.precision import Precision, Verdict, precision
from stages.judged.sample import Sample, groups, stratum_of
from stages.judged.verdicts import Judgement
from tag_vocab.vocabulary import split_values

WRONG, SUGGESTIONS = "wrong.csv", "suggestions.csv"
_ENOUGH = 5
"""The fewest judged images on which a suggestion rests."""


def figures(
    sample: Sample, judgements: Sequence[Judgement], config: JudgedConfig
) -> dict[str, Any]:
    """Give the precision overall and of each concept, source and range of GSD, worst first."""
    verdicts = _verdicts(sample, judgements)
    words = Counter(judgement.word or "none" for judgement in judgements)
    covered = sum(verdict.weight for verdict in verdicts if verdict)
    found: dict[str, Any] = {
        "images": sum(sample.sizes.values()),
        "sample": len(sample.units),
        **{word: words[word] for word in ("right", "wrong", "unsure", "none")},
        "images_in_strata_with_a_verdict": round(covered),
        "overall": _figure(range(len(verdicts)), verdicts, config),
    }
    for kind, name, numbers in groups(sample.units):
        if any(verdicts[number] for number in numbers):
            figure = {kind: name, **(_figure(numbers, verdicts, config) or {})}
            found.setdefault(f"by_{kind}", []).append(figure)
    for kind in ("concept", "source", "gsd"):
        found.setdefault(f"by_{kind}", []).sort(key=lambda one: (one["high"], one["precision"]))
    return found


def write_lists(
    out: Path, sample: Sample, judgements: Sequence[Judgement], config: JudgedConfig
) -> tuple[int, int]:
    """Write the images judged wrong and the suggestions; give the number of each."""
    wrong = [
        (unit.filepath, unit.caption, judgement.why, *stratum_of(unit), _written(unit))
        for unit, judgement in zip(sample.units, judgements, strict=True)
        if judgement.word == "wrong"
    ]
    wrong.sort(key=lambda row: (row[3], row[0]))
    header = ("filepath", "statement", "why", "concept", "source", "gsd", "tags")
    write_file(out / WRONG, lambda path: write_pairs(path, header, wrong))
    advice = list(_suggestions(sample, judgements, config))
    names = ("tag", "groundable", "max_gsd", "reason")
    write_file(out / SUGGESTIONS, lambda path: write_pairs(path, names, advice))
    return len(wrong), len(advice)


def _written(unit: Captioned) -> str:
    return " ".join(f"{key}={value}" for key, value in unit.tags)


def _verdicts(sample: Sample, judgements: Sequence[Judgement]) -> list[Verdict | None]:
    """Give each judged image its weight: the size of its stratum for each one judged in it."""
    decided = [judgement.word in ("right", "wrong") for judgement in judgements]
    counts = Counter(
        stratum for stratum, is_decided in zip(sample.strata, decided, strict=True) if is_decided
    )
    return [
        Verdict(judgement.word == "right", sample.sizes[stratum] / counts[stratum], stratum)
        if is_decided
        else None
        for judgement, stratum, is_decided in zip(judgements, sample.strata, decided, strict=True)
    ]


def _figure(
    numbers: Sequence[int], verdicts: Sequence[Verdict | None], config: JudgedConfig
) -> dict[str, Any] | None:
    chosen = [verdict for number in numbers if (verdict := verdicts[number])]
    if not chosen:
        return None
    found: Precision = precision(chosen, config.confidence)
    return {
        "judged": len(chosen),
        "right": sum(verdict.right for verdict in chosen),
        "precision": round(found.value, 6),
        "low": round(found.low, 6),
        "high": round(found.high, 6),
    }


def _suggestions(
    sample: Sample, judgements: Sequence[Judgement], config: JudgedConfig
) -> Iterator[tuple[str, str, str, str]]:
    """Yield labels, as `own_labels` reads them, for the tags that are surely right too rarely."""
    seen: dict[str, list[tuple[float, Verdict]]] = defaultdict(list)
    for unit, verdict in zip(sample.units, _verdicts(sample, judgements), strict=True):
        if verdict is None:
            continue
        for key, value in unit.tags:
            for part in split_values(value):
                seen[f"{key}={part}"].append((unit.gsd, verdict))
    for tag, judged in sorted(seen.items()):
        found = precision([verdict for _, verdict in judged], config.confidence)
        if len(judged) < _ENOUGH or found.high >= config.wanted:
            continue
        right = sum(verdict.right for _, verdict in judged)
        reason = f"judged right in {right} of {len(judged)} images"
        limit = _finest_enough(judged, config)
        yield (tag, "yes" if limit else "no", f"{limit:g}" if limit else "", reason)


def _finest_enough(judged: list[tuple[float, Verdict]], config: JudgedConfig) -> float | None:
    """Give the coarsest GSD up to which a tag is right often enough; None if it never is."""
    for limit in sorted({gsd for gsd, _ in judged}, reverse=True):
        finer = [verdict for gsd, verdict in judged if gsd <= limit]
        if len(finer) < _ENOUGH:
            return None
        if precision(finer, config.confidence).value >= config.wanted:
            return limit
    return None
