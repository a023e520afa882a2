"""Renders the page from figures and cards with the template ``page.html``, which escapes values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from importlib.resources import files
from typing import Any, NamedTuple

from image_sources import SIMULATED, SOURCES
from stages.report.charts import SERIES, Bars, lay_out_bars, lay_out_map
from stages.report.figures import Figures, SourceFigures
from stages.report.gallery import Card
from stages.report.reach import Reach
from stages.report.scored import Scored
from stages.report.shifts import Shifts, lay_out_arrows

NOT_A_PHOTOGRAPH = "simulated, not a photograph"
_REASONS = 6
"""Number of reasons in the table for each stage."""
_MOST_GSDS = 24
_OSM_KINDS = {"n": "node", "w": "way", "a": "way", "r": "relation"}
_STAGES = {
    "extract": "objects read from the extract",
    "eligible": "objects that a source can show",
    "plan": "tiles planned",
    "fetch": "images fetched",
    "overlay": "images with what can be seen in them",
    "caption": "captions written",
}
_CHOSEN = {
    "all": "from the whole extract",
    "cell": "in drawn cells",
    "rare": "for a rare tag",
    "balanced": "by the balanced draw",
}


_REACHED = {
    "all": "because all eligible objects are drawn from",
    "cell": "in drawn cells",
    "rare": "as rare tags outside of them",
    "balanced": "by the balanced draw alone",
}


class Ends(NamedTuple):
    """The scores, and the tiles with the highest and the lowest scores."""

    scored: Scored
    best: Sequence[Card]
    worst: Sequence[Card]


def render_page(
    title: str,
    figures: Figures,
    reach: Reach,
    shown: Sequence[Card],
    shifts: Shifts,
    ends: Ends | None = None,
) -> str:
    """Render the whole document. A run without scores has no ``ends``."""
    aliases = sorted({source for source, _ in figures.listed_sources})
    series = {alias: i % SERIES for i, alias in enumerate(aliases)}
    cover = figures.cover
    sheet = lay_out_map(cover, series) if cover else None
    return _render(
        title=title,
        figures=figures,
        reach=reach,
        aliases=aliases,
        shown=shown,
        ends=ends,
        links=any(alias != SIMULATED for alias in aliases),
        series=series,
        map=sheet,
        shifts=shifts,
        arrows=lay_out_arrows(shifts, cover, sheet) if cover and sheet and shifts.arrows else None,
        sources=_pair_sources(figures),
        sides=_chart_sides(figures),
        gsds=_chart_gsds(figures),
        words=_chart_words(figures),
        scores=lay_out_bars(ends.scored.histogram, "Pairs by score") if ends else None,
    )


def _render(**values: Any) -> str:  # noqa: ANN401 - what the template names
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    folder = files("stages.report")
    environment = Environment(
        loader=FunctionLoader(lambda name: folder.joinpath(name).read_text("utf-8")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(thousands="{:,}".format, metres="{:.3g} m".format, size=_format_size)
    environment.globals.update(
        SIMULATED=SIMULATED,
        NOT_A_PHOTOGRAPH=NOT_A_PHOTOGRAPH,
        REASONS=_REASONS,
        STAGES=_STAGES,
        CHOSEN=_CHOSEN,
        REACHED=_REACHED,
        OSM_KINDS=_OSM_KINDS,
        known_sources=SOURCES,
    )
    return environment.get_template("page.html").render(values)


def _pair_sources(figures: Figures) -> list[tuple[SourceFigures, int]]:
    """Pair each source that the run may use with its number of scenes."""
    used = {source.alias: source for source in figures.sources}
    return [
        (used.get(alias, SourceFigures(alias, 0, 0, ())), scenes)
        for alias, scenes in figures.listed_sources
    ]


def _chart_sides(figures: Figures) -> Bars:
    rows = [(f"{100 * i}–{100 * i + 99} px", number) for i, number in figures.side_bins]
    return lay_out_bars(rows, "Tiles by their longer side")


def _chart_gsds(figures: Figures) -> Bars:
    counts: Counter[float] = Counter()
    for source in figures.sources:
        counts.update(dict(source.gsds))
    if len(counts) > _MOST_GSDS:  # a folder of many files, each with its own GSD
        rough: Counter[float] = Counter()
        for gsd, number in counts.items():
            rough[float(f"{gsd:.1g}")] += number
        counts = rough
    return lay_out_bars([(f"{gsd:.3g} m", n) for gsd, n in sorted(counts.items())], "Tiles by GSD")


def _chart_words(figures: Figures) -> Bars:
    rows = [(f"{10 * i}–{10 * i + 9}" if i < 15 else "150+", n) for i, n in figures.word_bins]
    return lay_out_bars(rows, "Captions by number of words")


def _format_size(number: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:.3g} {unit}"
        number /= 1000
    return f"{number:.3g} TB"
