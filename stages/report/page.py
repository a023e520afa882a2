"""Renders the pages with templates, which escape values."""

from __future__ import annotations

from collections.abc import Collection
from importlib.resources import files
from typing import Any

from image_sources import SIMULATED, SOURCES
from stages.report.figures import Figures, SourceFigures
from stages.report.reach import Reach
from stages.report.scored import Scored
from stages.report.shifts import Shifts

NOT_A_PHOTOGRAPH = "simulated, not a photograph"
_REASONS = 6
"""Number of reasons in the table for each stage."""
_STAGES = {
    "boxes": "objects read from the extract",
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


def render_page(
    title: str,
    figures: Figures,
    reach: Reach,
    shifts: Shifts,
    *,
    pairs: int,
    lost: tuple[int, int],
    charts: Collection[str],
    scored: Scored | None = None,
) -> str:
    """Render the document around the gallery, the map and the charts, which scripts draw.

    ``pairs`` is the number of pairs in the gallery, ``lost`` that of objects without a pair in it
    and in the run, ``charts`` names the charts with data. A run
    without scores has no ``scored``.
    """
    return _render(
        "page.html",
        title=title,
        figures=figures,
        reach=reach,
        aliases=sorted({source for source, _ in figures.listed_sources}),
        pairs=pairs,
        lost=lost,
        charts=charts,
        scored=scored,
        shifts=shifts,
        sources=_pair_sources(figures),
    )


def render_review(title: str) -> str:
    """Render the page on which a person judges a sample of the pairs."""
    return _render("review.html", title=title)


def _render(template: str, **values: Any) -> str:  # noqa: ANN401 - what the template names
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
    environment.filters.update(thousands="{:,}".format, size=_format_size)
    environment.globals.update(
        SIMULATED=SIMULATED,
        NOT_A_PHOTOGRAPH=NOT_A_PHOTOGRAPH,
        REASONS=_REASONS,
        STAGES=_STAGES,
        CHOSEN=_CHOSEN,
        REACHED=_REACHED,
        known_sources=SOURCES,
    )
    return environment.get_template(template).render(values)


def _pair_sources(figures: Figures) -> list[tuple[SourceFigures, int]]:
    """Pair each source that the run may use with its number of scenes."""
    used = {source.alias: source for source in figures.sources}
    return [
        (used.get(alias, SourceFigures(alias, 0, 0, ())), scenes)
        for alias, scenes in figures.listed_sources
    ]


def _format_size(number: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:.3g} {unit}"
        number /= 1000
    return f"{number:.3g} TB"
