"""The page: figures and cards as one HTML document that needs nothing but itself and the images."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from importlib.resources import files
from typing import NamedTuple
from urllib.parse import quote

from image_sources import SIMULATED, SOURCES
from stages.report.charts import SERIES, bars, cover_map
from stages.report.figures import Figures, SourceFigures, Step
from stages.report.gallery import Card
from stages.report.scored import Scored, filter_section, scores_section

NOT_A_PHOTOGRAPH = "simulated, not a photograph"
_REASONS = 6
_OSM_KINDS = {"n": "node", "w": "way", "a": "way", "r": "relation"}
_STAGES = {
    "extract": "objects read from the extract",
    "plan": "tiles planned",
    "fetch": "images fetched",
    "overlay": "images with what can be seen in them",
    "caption": "captions written",
}
_CHOSEN = {"all": "from the whole extract", "cell": "in drawn cells", "rare": "for a rare tag"}


class Ends(NamedTuple):
    """Scores, and the tiles at both ends of them."""

    scored: Scored
    best: Sequence[Card]
    worst: Sequence[Card]


def page(title: str, figures: Figures, shown: Sequence[Card], ends: Ends | None = None) -> str:
    """Give the whole document; a run that was not scored has no ``ends``."""
    css = files("stages.report").joinpath("style.css").read_text("utf-8")
    aliases = sorted({source for source, _ in figures.listed_sources})
    series = {alias: i % SERIES for i, alias in enumerate(aliases)}
    real = [alias for alias in aliases if alias != SIMULATED]
    sections = [
        _section("tiles", "Tiles and their captions", _gallery(shown, links=bool(real))),
        _section("map", "Where they lie", _map(figures, series)),
        _section("counts", "From objects to captions", _steps(figures)),
        _section("sources", "Sources", _sources(figures)),
        _section("sizes", "Sizes and resolutions", _sizes(figures)),
        _section("tags", "Tags", _tags(figures)),
        _section("captions", "Captions", _captions(figures)),
    ]
    if ends is not None:
        sections += [
            _section("scores", "Scores", _scores(ends, links=bool(real))),
            _section("filter", "What the filter kept", filter_section(ends.scored)),
        ]
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{escape(title)}</title>\n<style>\n{css}</style>\n</head>\n<body>\n"
        f"{_header(title, figures, aliases)}<main>\n{''.join(sections)}</main>\n"
        f"{_footer()}</body>\n</html>\n"
    )


def _header(title: str, figures: Figures, aliases: Sequence[str]) -> str:
    banner = ""
    if SIMULATED in aliases:
        which = "All images" if len(aliases) == 1 else f"The images of the source {SIMULATED}"
        banner = (
            f'<p class="banner"><strong>{NOT_A_PHOTOGRAPH.capitalize()}.</strong> {which} are '
            "drawn from the map objects themselves, for machines without imagery and for tests."
            "</p>\n"
        )
    numbers = [
        (figures.objects, "objects on the map"),
        (figures.focus, "chosen for a tile"),
        (figures.captioned, "images with captions"),
        (figures.distinct_tags, "different tags in sight"),
        (figures.distinct_multi, "different captions"),
    ]
    cells = "".join(f"<li><b>{number:,}</b><span>{what}</span></li>" for number, what in numbers)
    return (
        f'<header>\n<p class="kind">SkyScript: images and text from map tags</p>\n'
        f'<h1>{escape(title)}</h1>\n{banner}<ul class="numbers">{cells}</ul>\n</header>\n'
    )


def _footer() -> str:
    return (
        "<footer><p>Objects and tags: © OpenStreetMap contributors, "
        '<a href="https://opendatacommons.org/licenses/odbl/1-0/">ODbL 1.0</a>, wherever the '
        "extract is made from OpenStreetMap. Images: see the sources above. The captions and the "
        "meta files are derived from the tags: the same licence holds for them.</p></footer>\n"
    )


def _section(name: str, heading: str, body: str) -> str:
    return f'<section id="{name}">\n<h2>{heading}</h2>\n{body}</section>\n'


def _gallery(shown: Sequence[Card], *, links: bool) -> str:
    if not shown:
        return "<p>No tile got a caption; the counts below say why.</p>\n"
    cards = "".join(_card(card, links=links) for card in shown)
    return (
        f'<p class="lead">{len(shown)} tiles, drawn so that many different tags are seen.</p>\n'
        f'<div class="gallery">\n{cards}</div>\n'
    )


def _scores(ends: Ends, *, links: bool) -> str:
    best, worst = (
        [_card(card, links=links, note=f" · score {scores[card.object_id]:.3f}") for card in cards]
        for cards, scores in ((ends.best, ends.scored.best), (ends.worst, ends.scored.worst))
    )
    return scores_section(ends.scored, best, worst)


def _card(card: Card, *, links: bool, note: str = "") -> str:
    name = escape(card.object_id)
    if links and card.source != SIMULATED:
        kind = _OSM_KINDS[card.object_id[0]]
        place = f"https://www.openstreetmap.org/{kind}/{quote(card.object_id[1:])}"
        name = f'<a href="{place}">{name}</a>'
    date = f"{card.acquired:%Y-%m-%d}" if card.time_precision != "year" else f"{card.acquired:%Y}"
    mark = f'<em class="mark">{NOT_A_PHOTOGRAPH}</em>' if card.source == SIMULATED else ""
    return (
        f'<figure><div class="picture"><img src="../{quote(card.filepath)}" width="{card.width}" '
        f'height="{card.height}" alt="{escape(card.title)}" loading="lazy">{mark}</div>\n'
        f"<figcaption><strong>{escape(card.title)}</strong>"
        f'<span class="multi" title="{escape(card.title_multi_objects)}">'
        f"{escape(card.title_multi_objects)}</span>"
        f'<span class="facts">{escape(card.source)} · {_metres(card.gsd)} · '
        f"{card.width} × {card.height} px · {date} · {name}{note}</span></figcaption></figure>\n"
    )


def _map(figures: Figures, series: dict[str, int]) -> str:
    if figures.cover is None:
        return "<p>There is nothing to show.</p>\n"
    keys = "".join(
        f'<li><i class="key s{number}"></i>{escape(alias)}</li>'
        for alias, number in series.items()
        if figures.cover.boxes
    )
    tiles = "Boxes are tiles" if figures.cover.boxes else "Coloured cells hold tiles"
    return (
        f'<p class="lead">Grey cells hold objects: the stronger, the more. {tiles}.</p>\n'
        f'<ul class="legend">{keys}</ul>\n{cover_map(figures.cover, series)}\n'
    )


def _steps(figures: Figures) -> str:
    chosen = ", ".join(
        f"{number:,} {escape(_CHOSEN.get(why, why))}" for why, number in figures.chosen_by
    )
    rows = "".join(_step(step) for step in figures.steps)
    return (
        f'<p class="lead">{figures.focus:,} objects were chosen for a tile of their own: '
        f"{chosen or 'none'}. All others stay as context for their neighbours' tiles.</p>\n"
        '<div class="wide"><table><thead><tr><th>Stage</th><th>In</th><th>ok</th>'
        "<th>filtered</th><th>failed</th><th>Why not</th></tr></thead>\n"
        f"<tbody>{rows}</tbody></table></div>\n"
    )


def _step(step: Step) -> str:
    lines = [
        f"<li><b>{number:,}</b> {escape(reason or status)}</li>"
        for status, reason, number in step.reasons[:_REASONS]
    ]
    if more := sum(number for *_, number in step.reasons[_REASONS:]):
        lines.append(f"<li><b>{more:,}</b> for {len(step.reasons) - _REASONS} other reasons</li>")
    reasons = f"<ul>{''.join(lines)}</ul>" if lines else ""
    return (
        f"<tr><th>{step.name}<small>{_STAGES[step.name]}</small></th>"
        f"<td>{step.rows:,}</td><td>{step.ok:,}</td><td>{step.filtered:,}</td>"
        f'<td>{step.failed:,}</td><td class="text">{reasons}</td></tr>\n'
    )


def _sources(figures: Figures) -> str:
    made = {source.alias: source for source in figures.sources}
    rows = "".join(
        _source(made.get(alias, SourceFigures(alias, 0, 0, ())), scenes)
        for alias, scenes in figures.listed_sources
    )
    return (
        '<div class="wide"><table><thead><tr><th>Alias</th><th>Images</th><th>Scenes</th>'
        "<th>Metres a pixel</th><th>Size</th><th>Attribution</th></tr></thead>\n"
        f"<tbody>{rows}</tbody></table></div>\n"
    )


def _source(source: SourceFigures, scenes: int) -> str:
    known = SOURCES.get(source.alias)
    whose = (
        f"{escape(known.attribution)}<small>{escape(known.name)} · {escape(known.licence)}</small>"
        if known
        else "Imagery of your own<small>name its owner and licence wherever you publish it</small>"
    )
    note = f"<small>{NOT_A_PHOTOGRAPH}</small>" if source.alias == SIMULATED else ""
    gsds = ", ".join(f"{gsd:g}" for gsd, _ in source.gsds)
    return (
        f"<tr><th>{escape(source.alias)}{note}</th><td>{source.images:,}</td><td>{scenes:,}</td>"
        f'<td>{gsds or "–"}</td><td>{_size(source.bytes)}</td><td class="text">{whose}</td></tr>\n'
    )


def _sizes(figures: Figures) -> str:
    sides = [(f"{100 * i}–{100 * i + 99} px", number) for i, number in figures.side_bins]
    by_gsd: dict[float, int] = {}
    for source in figures.sources:
        for gsd, number in source.gsds:
            by_gsd[gsd] = by_gsd.get(gsd, 0) + number
    gsds = sorted(by_gsd.items())
    if len(gsds) > 24:  # folders of many files: every file has a GSD of its own
        gsds = _binned(gsds)
    return _pair(
        ("The longer side of a tile", bars(sides, "Tiles by their longer side")),
        ("Metres a pixel", bars([(_metres(gsd), n) for gsd, n in gsds], "Tiles by GSD")),
    )


def _binned(gsds: Iterable[tuple[float, int]]) -> list[tuple[float, int]]:
    """Put resolutions together that agree in one digit."""
    counts: dict[float, int] = {}
    for gsd, number in gsds:
        rough = float(f"{gsd:.1g}")
        counts[rough] = counts.get(rough, 0) + number
    return sorted(counts.items())


def _tags(figures: Figures) -> str:
    frequent = [(f"{key}={value}", number) for key, value, number in figures.tags]
    rare = "".join(f"<li>{escape(key)}={escape(value)}</li>" for key, value in figures.rare_tags)
    more = figures.single_tags - len(figures.rare_tags)
    others = f"<p>and {more:,} more.</p>" if more > 0 else ""
    rows = "".join(f"<tr><th>{escape(tag)}</th><td>{n:,}</td></tr>" for tag, n in frequent)
    return _pair(
        (
            f"The {len(frequent)} most frequent of {figures.distinct_tags:,}",
            f'<table class="tags"><tbody>{rows}</tbody></table>',
        ),
        (
            f"On one image only: {figures.single_tags:,}",
            f'<ul class="chips">{rare}</ul>{others}',
        ),
    )


def _captions(figures: Figures) -> str:
    number = figures.captioned
    if not number:
        return "<p>There are none.</p>\n"
    words = [(f"{10 * i}–{10 * i + 9}" if i < 15 else "150+", n) for i, n in figures.word_bins]
    rows = [
        ("one object", figures.distinct_titles, figures.title_words),
        ("all objects", figures.distinct_multi, figures.multi_words),
    ]
    lines = "".join(
        f"<tr><th>{name}</th><td>{different:,}</td><td>{number - different:,}</td>"
        f"<td>{total / number:.1f}</td></tr>"
        for name, different, total in rows
    )
    table = (
        "<table><thead><tr><th>Captions of</th><th>different</th><th>repeated</th>"
        f"<th>words each</th></tr></thead><tbody>{lines}</tbody></table>"
    )
    return _pair(
        (f"{number:,} images, two captions each", table),
        ("Words in a caption of all objects", bars(words, "Captions by number of words")),
    )


def _pair(*blocks: tuple[str, str]) -> str:
    columns = "".join(f"<div><h3>{heading}</h3>\n{body}</div>\n" for heading, body in blocks)
    return f'<div class="pair">\n{columns}</div>\n'


def _metres(gsd: float) -> str:
    return f"{gsd:.3g} m"


def _size(number: int) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:.3g} {unit}"
        number = number / 1000  # type: ignore[assignment] # from here on not whole
    return f"{number:.3g} TB"
