"""The tables: one or several models beside the published figures."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline.errors import InputError
from skyscript.benchmarks import RETRIEVAL, SCENES, SEVEN
from stages.evaluate.published import MODELS

_NONE = "–"
_SCENES = [scene.name for scene in SCENES]


def read_results(path: Path) -> dict[str, Any]:
    """Read a `results.json`. Raises `InputError` where it is not one."""
    file = path / "results.json" if path.is_dir() else path
    try:
        held = json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        raise InputError(f"{file}: there is no such file.") from None
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(f"{file}: is not JSON: {error}.") from None
    if not isinstance(held, dict) or not {"model", "sets", "mean_of_seven"} <= held.keys():
        raise InputError(f"{file}: is not a results.json of skyscript evaluate.")
    return held


def tables(results: Sequence[dict[str, Any]]) -> str:
    """Give, in Markdown, the models' figures and the published ones, in percent."""
    parts = [_top1(results), _fine(results), _recalls(results)]
    said = "\n".join(part for part in parts if part)
    return said + ("\n*In italics: published, in half precision.*\n" if "| *" in said else "")


def _top1(results: Sequence[dict[str, Any]]) -> str:
    there = {
        name for held in results for name, one in held["sets"].items() if one["kind"] == "scene"
    }
    names = [name for name in _SCENES if name in there] + sorted(there - set(_SCENES))
    if not names:
        return ""
    rows = [
        [_model(held), *(_share(held, name) for name in names), _mean(held)] for held in results
    ]
    if there.intersection(SEVEN):
        rows += [
            [f"*{model.name}*", *(_NONE for _ in names), f"{model.mean_top1:.2f}"]
            for model in MODELS
            if model.mean_top1 is not None
        ]
    table = _grid(["zero-shot top-1, %", *names, "mean of 7"], rows)
    if any(row[-1].startswith("(") for row in rows):
        table += (
            "\nA mean in brackets is partial, over the sets that were there of the seven (which "
            "leave SkyScript_cls out): not to be compared with the published one.\n"
        )
    return table


def _fine(results: Sequence[dict[str, Any]]) -> str:
    names = list(
        dict.fromkeys(
            name
            for held in results
            for name, one in held["sets"].items()
            if one["kind"] == "fine_grained"
        )
    )
    rows = [[_model(held), *(_share(held, name) for name in names)] for held in results]
    return _grid(["fine-grained top-1, %", *names], rows) if names else ""


def _recalls(results: Sequence[dict[str, Any]]) -> str:
    names = [s.name for s in RETRIEVAL if any(s.name in held["sets"] for held in results)]
    if not names:
        return ""
    rows = [[_model(held), *(_recall(held, name) for name in names)] for held in results]
    rows += [
        [f"*{m.name}*", *(_pair(m.recalls[n]) if n in m.recalls else _NONE for n in names)]
        for m in MODELS
        if m.recalls
    ]
    return _grid(["mean recall, %: image to text / text to image", *names], rows)


def _model(held: dict[str, Any]) -> str:
    return f"{held['model']['name']} ({held['protocol']})"


def _share(held: dict[str, Any], name: str) -> str:
    return f"{held['sets'][name]['top1'] * 100:.2f}" if name in held["sets"] else _NONE


def _mean(held: dict[str, Any]) -> str:
    mean = held["mean_of_seven"]
    if mean["top1"] is not None:
        return f"{mean['top1'] * 100:.2f}"
    return (
        f"({mean['partial_top1'] * 100:.2f}, {len(mean['over'])} of 7)" if mean["over"] else _NONE
    )


def _recall(held: dict[str, Any], name: str) -> str:
    if name not in held["sets"]:
        return _NONE
    view = held["sets"][name]["published"]
    both = (view[way]["mean_recall"] * 100 for way in ("image_to_text", "text_to_image"))
    return _pair((next(both), next(both)))


def _pair(both: tuple[float, float]) -> str:
    return f"{both[0]:.2f} / {both[1]:.2f}"


def _grid(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    cells = [header, *rows]
    wide = [max(len(row[at]) for row in cells) for at in range(len(header))]
    lines = ["| " + " | ".join(c.ljust(w) for c, w in zip(row, wide, strict=True)) + " |"
             for row in cells]  # fmt: skip
    rule = "|" + "|".join("-" * (width + 2) for width in wide) + "|"
    return "\n".join([lines[0], rule, *lines[1:]]) + "\n"
