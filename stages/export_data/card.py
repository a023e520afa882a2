"""Renders the dataset card: README.md with the front matter of the Hugging Face hub."""

from __future__ import annotations

import html
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from importlib.resources import files
from typing import Any

import jinja2
import yaml

from image_sources import SIMULATED
from stages.export_data import parquet, webdataset
from stages.export_data.config import ExportConfig, Format
from stages.export_data.figures import Diversity, Figures
from stages.export_data.judged import Judged
from stages.export_data.licences import NOT_STATED
from stages.export_data.pairs import Pairs

COLUMNS: Mapping[str, str] = {
    "filepath": "path of the image in the published layout",
    "title": "caption of the focus object",
    "title_multi_objects": "caption of the focus object and its neighbours",
    "title_short": "the title and sentences, at most 77 tokens; null without statements",
    "title_long": "the same, at most 248 tokens",
    "object_id": "the OSM object: n node, w line, a area, r multipolygon, then its id",
    "osm_version": "version of the object; null if the extract lacks it",
    "osm_changed": "time of its last change, UTC",
    "tags": "its tags that can be seen in the image, key=value",
    "shows": "concepts that the image certainly shows, by the map; null if it was not judged",
    "lacks": "concepts that it certainly does not show; of all others nobody knows",
    "source": "alias of the source of the image",
    "scene_id": "the scene that the image is cut from",
    "acquired": "time of acquisition, UTC",
    "time_precision": "minute, day, year or range",
    "gsd": "metres on the ground for each pixel",
    "width": "pixels",
    "height": "pixels",
    "west": "side of the box, degrees in WGS 84",
    "south": "side of the box",
    "east": "side of the box",
    "north": "side of the box",
    "scorer": "the CLIP that scored the pair; null if none did",
    "similarity": "cosine of image and title",
    "similarity_multi_objects": "cosine of image and title_multi_objects",
    "content_hash": "BLAKE2b-128 of the JPEG, hex",
    "licence": "licence of the image",
    "licence_class": "open or non_commercial; null for a licence in the user's words",
    "attribution": "the line that every copy must show",
}
"""What each column of an exported pair is."""
_LAYOUT: Mapping[Format, str] = {
    "parquet": "`data/`: Parquet with the images in the column `image`, for `datasets`.",
    "webdataset": "`webdataset/`: tars of KEY.jpg, KEY.txt (the title), KEY.long.txt (the long "
    "caption, where there is one) and KEY.json (all columns, and the statements).",
    "zips": "`published/`: images2.zip … meta7.zip and CSVs, as the published dataset.",
    "coco": "`coco/`: COCO captions and the images.",
    "llava": "`llava/`: conversations in the form of LLaVA, boxes in 0 to 1000, and images.",
    "choices": "`choices/`: a true sentence among false ones for each image, and the images.",
    "stac": "`stac/items.parquet`: an index of the tiles in STAC-GeoParquet.",
}
MAPPED = (
    "The objects are those that volunteers mapped, so well-mapped places and common things are "
    "frequent."
)
"""A bias of every export."""
_SIZES = ("n<1K", "1K<n<10K", "10K<n<100K", "100K<n<1M", "1M<n<10M", "10M<n<100M", "100M<n<1B")
_MARKDOWN = re.compile(r"([\\`*_\[\]|~])")


def render_card(
    pairs: Pairs,
    config: ExportConfig,
    figures: Figures,
    diversity: Diversity,
    judged: Sequence[Judged],
) -> str:
    """Render the whole card. Tags and names of others stay text."""
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True)
    environment.filters["cell"] = _escape
    template = environment.from_string(
        files("stages.export_data").joinpath("card.md").read_text(encoding="utf-8")
    )
    licences = pairs.licences
    west, south, east, north = figures.bounds
    body = template.render(
        name=config.name,
        figures=figures,
        splits=", ".join(f"{count:,} {split}" for split, count in pairs.counts.items()),
        simulated=SIMULATED if any(one.value == SIMULATED for one in figures.sources) else None,
        layout=[_LAYOUT[kind] for kind in _LAYOUT if kind in config.formats],
        seed=config.seed,
        diversity=diversity,
        judged=judged,
        captions_judged=any(one.options.what == "captions" for one in judged),
        mapped=MAPPED,
        columns=COLUMNS,
        licences=licences,
        counts={one.value: one.pairs for one in figures.sources},
        non_commercial=_names(o.source for o in licences if o.licence_class == "non_commercial"),
        unlicensed=_names(one.source for one in licences if one.licence == NOT_STATED),
        repeated=1 - figures.captions / figures.pairs,
        tables=_tables(figures),
        bounds=f"{west:.2f}° and {east:.2f}° of longitude, {south:.2f}° and {north:.2f}° of "
        "latitude",
    )
    front = yaml.safe_dump(_front_matter(pairs, config), sort_keys=False, allow_unicode=True)
    return f"---\n{front}---\n\n{body}"


def _front_matter(pairs: Pairs, config: ExportConfig) -> dict[str, Any]:
    licences = sorted({"odbl", *(one.hub_id for one in pairs.licences)})
    front: dict[str, Any] = {
        "pretty_name": config.name,
        "language": ["en"],
        "license": licences if len(licences) > 1 else licences[0],
    }
    if "other" in licences:
        front |= {"license_name": "licences-of-the-sources", "license_link": "licences.csv"}
    count = sum(pairs.counts.values())
    front |= {
        "task_categories": ["image-to-text", "zero-shot-image-classification"],
        "size_categories": [_SIZES[min(max(len(str(count)) - 3, 0), len(_SIZES) - 1)]],
        "tags": ["remote-sensing", "satellite-imagery", "openstreetmap", "geospatial"],
    }
    if pattern := _hub_files(config.formats):
        data = [{"split": split, "path": pattern.format(split)} for split in pairs.counts]
        front["configs"] = [{"config_name": "default", "data_files": data}]
    return front


def _hub_files(formats: Collection[Format]) -> str | None:
    """Give the pattern of the files that the hub shows: one format, Parquet if there is any."""
    if "parquet" in formats:
        return f"{parquet.FOLDER}/{{}}-*.parquet"
    return f"{webdataset.FOLDER}/{{}}-*.tar" if "webdataset" in formats else None


def _tables(figures: Figures) -> list[tuple[str, str, Any]]:
    return [
        ("Source", "", figures.sources),
        ("Year", " of acquisition", figures.by_year),
        ("GSD", ", metres a pixel", figures.by_gsd),
        ("Part of the world", ": continents, and oceans of islands", figures.parts),
        ("Country", ", the most frequent ones", figures.countries),
        (
            "Place",
            ": south-west corner of cells of 10° (longitude, latitude), the most frequent ones",
            figures.places,
        ),
        ("Concept", ": the most frequent visible tags of focus objects", figures.tags),
    ]


def _names(aliases: Iterable[str]) -> str:
    return ", ".join(_escape(alias) for alias in aliases)


def _escape(text: str) -> str:
    """Give a text on one line in which no character means anything in Markdown or HTML."""
    return _MARKDOWN.sub(r"\\\1", html.escape(" ".join(str(text).split()), quote=False))
