"""Markdown tables that compare one or several models with the published figures."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline.errors import InputError
from skyscript.benchmarks import RETRIEVAL, SCENES, SEVEN
from stages.evaluate.markdown import NONE, format_model, format_table, format_value
from stages.evaluate.published import ALL_MODELS, FARSLIP
from stages.evaluate.table_of_statements import format_choices, format_regions

_NOTES = {
    "±": "±: half the width of the 95 % interval of the bootstrap over a set's images.",
    "| *": "In italics: published, in half precision.",
    f"[{FARSLIP}]": f"[{FARSLIP}]: by the authors of FarSLIP, on SkyScript's CSVs, read from their "
    "tables. RemoteCLIP was trained on the sets of captions.",
}
"""What a mark in the tables means."""
_WAYS = {
    "published": "as published",
    "identical_text": "every identical text is right",
    "own_pair": "only its own pair is right",
    "truth": "by truth; what is unknown is wrong",
    "truth_judged": "by truth; what is unknown is left out",
}
"""The rules for a right answer in retrieval, and their names in the table."""
_PAIRS_BY_TRUTH = {
    "right": "right",
    "own": "of them own pairs",
    "wrong": "wrong",
    "unknown": "unknown",
}
_SCENES = [scene.name for scene in SCENES]


def read_results(path: Path) -> dict[str, Any]:
    """Read a `results.json`. Raises `InputError` if the file is missing or is not one."""
    file = path / "results.json" if path.is_dir() else path
    try:
        result = json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        raise InputError(f"{file}: there is no such file.") from None
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(f"{file}: is not JSON: {error}.") from None
    if not isinstance(result, dict) or not {"model", "sets", "mean_of_seven"} <= result.keys():
        raise InputError(f"{file}: is not a results.json of skyscript evaluate.")
    return result


def format_tables(results: Sequence[dict[str, Any]]) -> str:
    """Format the figures of the models and the published ones as Markdown, in percent."""
    parts = [_format_scenes(results), _format_fine(results), _format_probes(results)]
    parts += [_format_recalls(results), _format_ways(results), _format_pairs_by_truth(results)]
    parts += [format_choices(results), format_regions(results)]
    text = "\n".join(part for part in parts if part)
    return text + "".join(f"\n*{note}*\n" for mark, note in _NOTES.items() if mark in text)


def _names_of(results: Sequence[dict[str, Any]], kind: str) -> list[str]:
    """Return the names of all sets of a kind, in their order, each once."""
    sets = (item for result in results for item in result["sets"].items())
    return list(dict.fromkeys(name for name, one in sets if one["kind"] == kind))


def _format_scenes(results: Sequence[dict[str, Any]]) -> str:
    found = set(_names_of(results, "scene"))
    names = [name for name in _SCENES if name in found] + sorted(found - set(_SCENES))
    if not names:
        return ""
    rows = [
        [
            format_model(result),
            *(_format_share(result, name) for name in names),
            _format_mean(result),
        ]
        for result in results
    ]
    if found.intersection(SEVEN):
        rows += [
            [
                f"*{model.name}*",
                *(f"{model.top1[n]:.2f}" if n in model.top1 else NONE for n in names),
                f"{model.mean_top1:.2f}",
            ]
            for model in ALL_MODELS
            if model.mean_top1 is not None
        ]
    table = format_table(["zero-shot top-1, %", *names, "mean of 7"], rows)
    if any(row[-1].startswith("(") for row in rows):
        table += (
            "\nA mean in brackets is partial, over the sets that were there of the seven (which "
            "leave SkyScript_cls out): not to be compared with the published one.\n"
        )
    return table


def _format_fine(results: Sequence[dict[str, Any]]) -> str:
    names = _names_of(results, "fine_grained")
    rows = [
        [format_model(result), *(_format_share(result, name) for name in names)]
        for result in results
    ]
    return format_table(["fine-grained top-1, %", *names], rows) if names else ""


def _format_probes(results: Sequence[dict[str, Any]]) -> str:
    """Format the linear probes and the few-shot figures: a row for each model and kind of fit."""
    rows: dict[str, dict[str, str]] = {}
    for result in results:
        for name, one in result["sets"].items():
            for what, found in _list_probes(one):
                cell = format_value(found["top1"], found.get("top1_interval"))
                rows.setdefault(f"{format_model(result)}, {what}", {})[name] = cell
    names = list(dict.fromkeys(name for row in rows.values() for name in row))
    table = [[model, *(row.get(name, NONE) for name in names)] for model, row in rows.items()]
    return format_table(["linear classifier on frozen vectors, %", *names], table) if rows else ""


def _list_probes(one: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Give the probes of a set, each with its kind."""
    probe = one.get("linear_probe")
    linear = [(f"{probe['share']:.0%} of each class", probe)] if probe else []
    return linear + [(f"{k} a class", found) for k, found in one.get("few_shot", {}).items()]


def _format_recalls(results: Sequence[dict[str, Any]]) -> str:
    names = [s.name for s in RETRIEVAL if any(s.name in result["sets"] for result in results)]
    if not names:
        return ""
    rows = [
        [format_model(result), *(_format_recall(result, name) for name in names)]
        for result in results
    ]
    rows += [
        [f"*{m.name}*", *(_format_pair(m.recalls[n]) if n in m.recalls else NONE for n in names)]
        for m in ALL_MODELS
        if m.recalls
    ]
    return format_table(["mean recall, %: image to text / text to image", *names], rows)


def _format_ways(results: Sequence[dict[str, Any]]) -> str:
    """Format the recalls by rule for a right answer: a row for each rule and model."""
    names = _names_of(results, "retrieval")
    rows = [
        [f"{words}: {format_model(result)}", *(_format_recall(result, n, way) for n in names)]
        for way, words in _WAYS.items()
        for result in results
        if any(way in result["sets"].get(name, {}) for name in names)
    ]
    header = ["mean recall, %, by what is a right answer", *names]
    return format_table(header, rows) if rows else ""


def _format_pairs_by_truth(results: Sequence[dict[str, Any]]) -> str:
    """Format what truth says of all pairs of an image and a text of a set."""
    rows = [
        [
            f"{name}: {format_model(result)}",
            *(f"{one['truth_of_pairs'][key] * 100:.2f}" for key in _PAIRS_BY_TRUTH),
        ]
        for name in _names_of(results, "retrieval")
        for result in results
        if "truth_of_pairs" in (one := result["sets"].get(name, {}))
    ]
    return format_table(["pairs by truth, %", *_PAIRS_BY_TRUTH.values()], rows) if rows else ""


def _format_share(result: dict[str, Any], name: str) -> str:
    if name not in result["sets"]:
        return NONE
    found = result["sets"][name]
    return format_value(found["top1"], found.get("top1_interval"))


def _format_mean(result: dict[str, Any]) -> str:
    mean = result["mean_of_seven"]
    if mean["top1"] is not None:
        return format_value(mean["top1"], mean.get("interval"))
    return f"({mean['partial_top1'] * 100:.2f}, {len(mean['over'])} of 7)" if mean["over"] else NONE


def _format_recall(result: dict[str, Any], name: str, way: str = "published") -> str:
    view = result["sets"].get(name, {}).get(way)
    if view is None:
        return NONE
    intervals = view.get("intervals", {})  # an older results.json has none
    return " / ".join(
        format_value(view[side]["mean_recall"], intervals.get(side, {}).get("mean_recall"))
        for side in ("image_to_text", "text_to_image")
    )


def _format_pair(both: tuple[float, float]) -> str:
    return f"{both[0]:.2f} / {both[1]:.2f}"
