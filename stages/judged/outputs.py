"""What judge writes: figures, verdicts, the wrong texts, suggestions for the vocabulary."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pipeline.atomic import write_file
from skyscript.files.pairs_csv import write_pairs
from skyscript.files.verdicts import Word
from skyscript.osm.tags import Tags
from stages.judged.config import JudgedConfig
from stages.judged.precision import Precision, Verdict, precision
from stages.judged.sample import Sample, groups, stratum_of
from stages.judged.units import Unit
from stages.judged.verdicts import Judgement
from tag_vocab.vocabulary import split_values

WRONG, SUGGESTIONS = "wrong.csv", "suggestions.csv"
NOUN = {"captions": "images", "statements": "statements"}
"""The noun for what is judged: an image has one caption, so images are counted."""
GROUPS = {
    "captions": ("concept", "source", "gsd"),
    "statements": ("concept", "source", "gsd", "kind"),
}
_ENOUGH = 5
"""The fewest judged texts on which a suggestion rests."""


def figures(
    sample: Sample, judgements: Sequence[Judgement], config: JudgedConfig
) -> dict[str, Any]:
    """Give the precision overall and by concept, source, range of GSD and kind, worst first."""
    verdicts = _verdicts(sample, judgements)
    words = Counter(word or "none" for word in _words(sample, judgements))
    covered = sum(verdict.weight for verdict in verdicts if verdict)
    name, by = NOUN[config.what], GROUPS[config.what]
    found: dict[str, Any] = {
        name: sum(sample.sizes.values()),
        "sample": len(sample.units),
        **{word: words[word] for word in ("right", "wrong", "unsure", "none")},
        f"{name}_in_strata_with_a_verdict": round(covered),
        "overall": _figure(range(len(verdicts)), verdicts, config),
    }
    found |= {f"by_{field}": [] for field in by}
    for field, group, numbers in groups(sample.units, by):
        if figure := _figure(numbers, verdicts, config):
            found[f"by_{field}"].append({field: group, **figure})
    for field in by:
        found[f"by_{field}"].sort(key=lambda one: (one["high"], one["precision"]))
    if "kind" in by:
        judged = {one["kind"] for one in found["by_kind"]}
        kinds = {unit.kind for unit in sample.units}
        found["kinds_without_a_verdict"] = sorted(kinds - judged)
    return found


def write_lists(
    out: Path,
    sample: Sample,
    tags: Sequence[Tags],
    judgements: Sequence[Judgement],
    config: JudgedConfig,
) -> tuple[int, int]:
    """Write the texts that are wrong and the suggestions; give the number of each.

    ``tags`` are those of `deciding_tags`: on them a verdict says something.
    """
    wrong = [
        (unit.filepath, unit.text, judgement.why, *stratum_of(unit), _written(unit))
        for unit, judgement in zip(sample.units, judgements, strict=True)
        if judgement.of(unit) == "wrong"
    ]
    wrong.sort(key=lambda row: (row[3], row[0]))
    header = ("filepath", "statement", "why", "concept", "source", "gsd", "kind", "tags")
    write_file(out / WRONG, lambda path: write_pairs(path, header, wrong))
    advice = list(_suggestions(sample, tags, judgements, config))
    names = ("tag", "groundable", "max_gsd", "reason")
    write_file(out / SUGGESTIONS, lambda path: write_pairs(path, names, advice))
    return len(wrong), len(advice)


def _written(unit: Unit) -> str:
    return " ".join(f"{key}={value}" for key, value in unit.tags)


def _words(sample: Sample, judgements: Sequence[Judgement]) -> list[Word]:
    """Tell of each unit whether the run is right about it."""
    return [one.of(unit) for unit, one in zip(sample.units, judgements, strict=True)]


def _verdicts(sample: Sample, judgements: Sequence[Judgement]) -> list[Verdict | None]:
    """Give each judged text its weight: the size of its stratum for each one judged in it."""
    words = _words(sample, judgements)
    decided = [word in ("right", "wrong") for word in words]
    counts = Counter(
        stratum for stratum, is_decided in zip(sample.strata, decided, strict=True) if is_decided
    )
    return [
        Verdict(word == "right", sample.sizes[stratum] / counts[stratum], stratum)
        if is_decided
        else None
        for word, stratum, is_decided in zip(words, sample.strata, decided, strict=True)
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
    sample: Sample,
    tags: Sequence[Tags],
    judgements: Sequence[Judgement],
    config: JudgedConfig,
) -> Iterator[tuple[str, str, str, str]]:
    """Yield labels, as `own_labels` reads them, for the tags that are surely right too rarely."""
    seen: dict[str, list[tuple[float, Verdict]]] = defaultdict(list)
    verdicts = _verdicts(sample, judgements)
    for unit, own, verdict in zip(sample.units, tags, verdicts, strict=True):
        if verdict is None:
            continue
        for key, value in own:
            for part in split_values(value):
                seen[f"{key}={part}"].append((unit.gsd, verdict))
    for tag, judged in sorted(seen.items()):
        found = precision([verdict for _, verdict in judged], config.confidence)
        if len(judged) < _ENOUGH or found.high >= config.wanted:
            continue
        right = sum(verdict.right for _, verdict in judged)
        reason = f"judged right in {right} of {len(judged)} {NOUN[config.what]}"
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
