"""Tables of the figures that come from a run's statements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from stages.evaluate import choices, regions
from stages.evaluate.markdown import NONE, format_model, format_table, format_value


def format_choices(results: Sequence[dict[str, Any]]) -> str:
    """Format the accuracies of multiple choice: all questions, and those of each kind."""
    asked = _of(results, choices.NAME, choices.KIND)
    kinds = list(dict.fromkeys(kind for _, one in asked for kind in one["kinds"]))
    rows = [
        [
            format_model(result),
            f"{one['questions']:,}",
            *(
                format_value(of["accuracy"], of["accuracy_interval"]) if of else NONE
                for of in (one, *(one["kinds"].get(kind) for kind in kinds))
            ),
            format_value(one["chance"]),
        ]
        for result, one in asked
    ]
    header = ["true among false statements, %", "questions", "all", *kinds, "by chance"]
    return format_table(header, rows) if rows else ""


def format_regions(results: Sequence[dict[str, Any]]) -> str:
    """Format top-1 of regions, against the captions of all images and of their own image."""
    rows = []
    for result, one in _of(results, regions.NAME, regions.KIND):
        cells = [format_model(result)]
        for of in (one, one["of_image"]):
            if of["regions"]:
                cells += [
                    f"{of['regions']:,}",
                    format_value(of["top1"], of["top1_interval"]),
                    format_value(of["chance"]),
                ]
            else:
                cells += ["0", NONE, NONE]
        rows.append(cells)
    header = [
        "caption of a region, top-1, %",
        *("regions", "of all captions", "by chance"),
        *("regions", "of its image's captions", "by chance"),
    ]
    return format_table(header, rows) if rows else ""


def _of(
    results: Sequence[dict[str, Any]], name: str, kind: str
) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Give the results that have such a test, each with its figures."""
    sets = ((result, result["sets"].get(name)) for result in results)
    return [(result, one) for result, one in sets if one is not None and one["kind"] == kind]
