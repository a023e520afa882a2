"""The charts as Vega-Lite specifications, with their data; the page draws them with Vega."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from skyscript.captions import CLIP_CONTEXT
from stages.report.figures import Figures
from stages.report.spread import ALL, MOST_TOKENS, Bin, Count, Spread

Spec = dict[str, Any]
_ROW = 18
"""Pixels of a bar of a chart with names."""
_BELOW = {"orient": "bottom", "columns": 1, "labelLimit": 420}


def all_charts(
    figures: Figures, spread: Spread, concepts: Sequence[tuple[str, int]]
) -> dict[str, Spec]:
    """Give the charts that have data; the key is the name of their place on the page."""
    tags = [(f"{key}={value}", images) for key, value, images in figures.tags]
    charts = {
        "stages": _stages(figures),
        "tags": _names(tags, "images"),
        "concepts": _names(concepts[:40], "images"),
        "similarity": _histogram(spread.similarity, "similarity of image and title"),
        "similarity-cuts": _cuts(spread.similarity_cuts, "similarity of image and title"),
        "match": _histogram(spread.match, "match of map and image"),
        "match-cuts": _cuts(spread.match_cuts, "match of map and image"),
        "tokens": _tokens(spread.tokens),
        "repeated": _counts(spread.repeated, "the same caption stands"),
        "sides": _histogram(spread.sides, "longer side, pixels"),
        "gsds": _counts(spread.gsds, "metres a pixel"),
        "years": _counts(spread.years, "year"),
        "nodata": _histogram(spread.nodata, "share of pixels without data"),
    }
    return {name: spec for name, spec in charts.items() if spec is not None}


def _chart(values: list[dict[str, Any]], **parts: Any) -> Spec:  # noqa: ANN401 - Vega-Lite
    return {
        "width": "container",
        "autosize": {"type": "fit-x", "contains": "padding"},
        "data": {"values": values},
        **parts,
    }


def _number(field: str, title: str | None, **more: Any) -> Spec:  # noqa: ANN401 - Vega-Lite
    return {"field": field, "type": "quantitative", "title": title, **more}


def _name(field: str, title: str | None = None, **more: Any) -> Spec:  # noqa: ANN401 - Vega-Lite
    return {"field": field, "type": "nominal", "title": title, **more}


def _stages(figures: Figures) -> Spec:
    states = ("ok", "filtered", "failed")
    values = [
        {"stage": step.name, "status": status, "rows": getattr(step, status)}
        for step in figures.steps
        for status in states
    ]
    powers = {"values": [0, *(10**exponent for exponent in range(10))]}
    return _chart(
        values,
        height={"step": 12},
        mark={"type": "bar", "tooltip": True},
        encoding={
            "y": _name("stage", sort=None),
            "yOffset": {"field": "status", "sort": list(states)},
            "x": _number("rows", "rows, logarithmic", scale={"type": "symlog"}, axis=powers),
            "color": _name("status", sort=list(states)),
        },
    )


def _names(rows: Sequence[tuple[str, int]], title: str) -> Spec | None:
    if not rows:
        return None
    return _chart(
        [{"name": name, "n": number} for name, number in rows],
        height={"step": _ROW},
        mark={"type": "bar", "tooltip": True, "cursor": "pointer"},
        encoding={"y": _name("name", sort=None), "x": _number("n", title)},
    )


def _binned(bins: Sequence[Bin]) -> list[dict[str, Any]]:
    return [one._asdict() for one in bins]


def _histogram(bins: Sequence[Bin], title: str) -> Spec | None:
    if not bins:
        return None
    return _chart(
        _binned(bins),
        height=200,
        mark={"type": "bar", "tooltip": True},
        encoding={
            "x": _number("low", title, bin={"binned": True}),
            "x2": {"field": "high"},
            "y": _number("pairs", "pairs"),
            "color": _name("series"),
        },
    )


def _cuts(bins: Sequence[Bin], title: str) -> Spec | None:
    """Show all pairs, and those that each filtered file holds; None without such a file."""
    names = list(dict.fromkeys(one.series for one in bins))
    if len(names) < 2:
        return None
    order = [ALL, *(name for name in names if name != ALL)]
    return _chart(
        _binned(_filled(bins)),
        height=200,
        mark={"type": "line", "interpolate": "step-after", "tooltip": True, "strokeWidth": 2},
        encoding={
            "x": _number("low", title, scale={"zero": False}),
            "y": _number("pairs", "pairs"),
            "color": _name("series", sort=order, legend=_BELOW),
        },
    )


def _filled(bins: Sequence[Bin]) -> list[Bin]:
    """Give the bins of every series, with those that are empty and one more at the end."""
    found = {(one.series, one.low): one.pairs for one in bins}
    edges = sorted({(one.low, one.high) for one in bins})
    edges.append((edges[-1][1], edges[-1][1]))
    names = dict.fromkeys(one.series for one in bins)
    return [
        Bin(name, low, high, found.get((name, low), 0)) for name in names for low, high in edges
    ]


def _tokens(bins: Sequence[Bin]) -> Spec | None:
    spec = _histogram(bins, f"tokens of a caption, up to {MOST_TOKENS}; CLIP reads {CLIP_CONTEXT}")
    if spec is None:
        return None
    layer = {name: spec.pop(name) for name in ("mark", "encoding")}
    layer["mark"] |= {"opacity": 0.6}
    layer["encoding"]["y"]["stack"] = None
    limit = {"x": {"datum": CLIP_CONTEXT}}
    rule = {"mark": {"type": "rule", "strokeDash": [4, 4]}, "encoding": limit}
    return spec | {"layer": [layer, rule]}


def _counts(counts: Sequence[Count], title: str) -> Spec | None:
    if not counts:
        return None
    return _chart(
        [one._asdict() for one in counts],
        height=200,
        mark={"type": "bar", "tooltip": True},
        encoding={
            "x": _name("name", title, sort=None, axis={"labelAngle": -35}),
            "xOffset": {"field": "series"},
            "y": _number("pairs", "pairs"),
            "color": _name("series"),
        },
    )
