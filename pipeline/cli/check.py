"""What a run would read, ask for and store, found out before it begins, for `skyscript check`."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import shapely

from image_sources import SOURCES
from pipeline import disabled_stages
from pipeline.config import RunConfig
from pipeline.errors import InputError, SkyScriptError
from pipeline.storage import Place
from skyscript.backends.registry import RemoteSource, Source, find_scenes
from skyscript.backends.source_list import answer_of
from skyscript.geo.bbox import Sides, pieces_of
from skyscript.geo.tile import Box
from skyscript.imagery.places import how_far_apart
from skyscript.osm.file import bounds_in_header
from skyscript.osm.inputs import check_file
from stages import PIPELINE
from stages.eligible.config import EligibleConfig
from stages.extract.config import ExtractConfig
from stages.extract.inputs import osm_files
from stages.index.config import IndexConfig
from stages.index.estimate import IMAGE_BYTES, OBJECTS_A_MEGABYTE, estimate
from stages.sample.config import SampleConfig

_PBF = re.compile(r"\.pbf$")
_READ_BY_CHECK = {"extract", "index"}
"""Stages whose inputs are looked at here by their headers: to hash them whole may take minutes."""


@dataclass
class Findings:
    """What a check found: lines to show, and the problems that would stop a run."""

    lines: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    apart: dict[str, str] = field(default_factory=dict)
    """The sources without an image where the objects lie, each with a sentence."""
    bounds: list[Box] = field(default_factory=list)
    """The boxes that the headers of the OSM files state, as far as the run's box holds them."""
    share: float = 1.0
    """The share of the area of these boxes that is in the run's box."""

    def say(self, label: str, text: str) -> None:
        """Add a line."""
        self.lines.append(f"{label:9} {text}")


def check(settings: RunConfig, out: Place, *, online: bool) -> Findings:
    """Look at a run's inputs by their headers, and estimate its size.

    Uses no network, unless ``online`` asks the services whether they answer, or the config names
    inputs in a bucket: these are copied here, as a run does.
    """
    found = Findings()
    names = ("extract", "eligible", "index", "sample")
    extract, eligible, index, sample = (settings.stages[name] for name in names)
    assert isinstance(extract, ExtractConfig)
    assert isinstance(eligible, EligibleConfig)
    assert isinstance(index, IndexConfig)
    assert isinstance(sample, SampleConfig)
    _guarded(found, _check_extract, found, extract)
    if eligible.bbox is not None and found.bounds:
        _cut_to_bbox(found, eligible.bbox)
    for alias, source in sorted(index.sources.items()):
        _guarded(found, _check_source, found, alias, source)
        if online and isinstance(source, RemoteSource):
            found.say("online", f"{alias}: {answer_of(alias, source)}")
    if not index.sources:
        found.problems.append("`sources` names no source of images")
    if found.apart.keys() == index.sources.keys():
        found.problems += found.apart.values()
    else:
        for why in found.apart.values():
            found.say("warning", why)
    _check_stages(found, settings)
    _estimate_size(found, extract, index, sample, out)
    _list_licences(found, sorted(index.sources))
    if not online and any(isinstance(s, RemoteSource) for s in index.sources.values()):
        found.say("online", "no service was asked; --online asks whether they answer")
    return found


def _guarded(found: Findings, look: Callable[..., object], *arguments: object) -> None:
    """Look at one input; a problem of it must not hide the others."""
    try:
        look(*arguments)
    except SkyScriptError as error:
        found.problems.append(str(error))


def _check_extract(found: Findings, config: ExtractConfig) -> None:
    for path in osm_files(config):
        boxes = _boxes_of(path, check_file(path, config.format))
        where = "; ".join("W S E N " + " ".join(f"{side:.4f}" for side in box) for box in boxes)
        size = path.stat().st_size / 1e6
        found.say("objects", f"{path}: {size:,.1f} MB, {where or 'its header states no box'}")
        found.bounds += boxes


def _cut_to_bbox(found: Findings, bbox: Sides) -> None:
    """Keep what the run's box holds of the boxes of the OSM files, and say how much it is."""
    said = " ".join(f"{side:g}" for side in bbox)
    within = shapely.box(*np.transpose(pieces_of(bbox)))
    boxes = shapely.box(*np.transpose(found.bounds))
    parts = shapely.intersection(boxes[:, None], within[None]).ravel()
    parts = parts[~shapely.is_empty(parts)]
    if not len(parts):
        found.problems.append(f"`bbox` ({said}) holds no part of the boxes of the OSM files")
        return
    found.share = float(shapely.area(parts).sum() / max(shapely.area(boxes).sum(), 1e-12))
    found.say("bbox", f"{said} holds {found.share:.1%} of the boxes of the OSM files")
    found.bounds = [Box(*sides) for sides in shapely.bounds(parts).tolist()]


def _boxes_of(path: Path, file_format: str) -> list[Box]:
    """Give the boxes that a file's header states. Raises `InputError` if it cannot be read."""
    if file_format == "json":  # libosmium reads only a copy of it
        return []
    with tempfile.TemporaryDirectory(prefix="skyscript-check-") as folder:
        try:
            return bounds_in_header(path, Path(folder), file_format)
        except (RuntimeError, ValueError) as error:
            raise InputError(f"{path} cannot be read as an OSM file ({error})") from error


def _check_source(found: Findings, alias: str, source: Source) -> None:
    if isinstance(source, RemoteSource):
        coverage = shapely.box(*SOURCES[alias].coverage) if alias in SOURCES else None
        found.say("source", f"{alias}: {source.backend}{_share(found, coverage)}")
        if coverage is not None and _share_of(found.bounds, coverage) == 0:
            found.apart[alias] = f"{alias} has no image where the objects of the extract lie"
        return
    scenes = find_scenes(alias, source, [])
    what = f"{len(scenes):,} images, {_span([scene.gsd for scene in scenes])} m a pixel"
    if source.backend == "simulated":
        found.say("source", f"{alias}: simulated, drawn from the objects, no photographs")
        return
    area = shapely.union_all(shapely.from_wkb([scene.geometry for scene in scenes]))
    found.say("source", f"{alias}: folder, {what}{_share(found, area)}")
    if apart := how_far_apart([scene.geometry for scene in scenes], found.bounds):
        found.apart[alias] = f"{alias}: {apart}"


def _share(found: Findings, area: shapely.Geometry | None) -> str:
    share = None if area is None else _share_of(found.bounds, area)
    return "" if share is None else f"; covers {share:.0%} of the box of the objects"


def _share_of(bounds: Sequence[Box], area: shapely.Geometry) -> float | None:
    """Give the share of the objects' boxes that an area covers; None if there is no box."""
    if not bounds:
        return None
    box = shapely.union_all([shapely.box(*each) for each in bounds])
    return float(shapely.area(shapely.intersection(box, area)) / max(shapely.area(box), 1e-12))


def _span(values: Sequence[float]) -> str:
    low, high = np.min(values), np.max(values)
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"


def _check_stages(found: Findings, settings: RunConfig) -> None:
    """Check the other inputs from outside: labels, checkpoints; say which stages are left out."""
    reasons = disabled_stages.find_reasons(PIPELINE, settings.stages)
    for name, why in reasons.items():
        found.say("left out", f"{name}: {why}")
    used = disabled_stages.find_used(PIPELINE, reasons)
    _guarded(found, disabled_stages.check_needs, PIPELINE, used, settings.stages, reasons)
    for stage in used:
        if stage.name not in _READ_BY_CHECK:
            _guarded(found, stage.external, settings.stages[stage.name])


def _estimate_size(
    found: Findings, extract: ExtractConfig, index: IndexConfig, sample: SampleConfig, out: Place
) -> None:
    tiles = _most_tiles(extract, sample, found.share)
    if tiles is None:
        found.say("tiles", "not known: only a PBF file's size tells about how many objects it has")
        return
    gigabytes = tiles * IMAGE_BYTES / 1e9
    even = " if the objects lie evenly in the boxes of the OSM files" if found.share < 1 else ""
    found.say("tiles", f"at most about {tiles:,}{even}; {gigabytes:,.2f} GB of JPEGs")
    for alias, source in sorted(index.sources.items()):
        if isinstance(source, RemoteSource):
            found.say("requests", f"{alias}: {estimate(tiles, source)}")
    if isinstance(out, Path):
        _check_free_space(found, out, gigabytes)


def _check_free_space(found: Findings, out: Path, gigabytes: float) -> None:
    """Compare the free space of the run's disk with what the images need."""
    home = next(folder for folder in (out.absolute(), *out.absolute().parents) if folder.is_dir())
    free = shutil.disk_usage(home).free / 1e9
    found.say("disk", f"{free:,.1f} GB are free at {home}")
    if free < gigabytes:
        found.problems.append(
            f"{home}: has {free:,.1f} GB free, but the images need about {gigabytes:,.1f} GB"
        )


def _most_tiles(extract: ExtractConfig, sample: SampleConfig, share: float) -> int | None:
    """Give the most tiles of a share of the files' area; None if it is not known."""
    by_size = None
    try:
        files = osm_files(extract)
    except InputError:  # it is among the problems
        files = []
    if files and all(path.is_file() and _PBF.search(path.name.lower()) for path in files):
        megabytes = sum(path.stat().st_size for path in files) / 1e6
        by_size = round(OBJECTS_A_MEGABYTE * megabytes * share)
    known = [count for count in (by_size, sample.max_objects) if count is not None]
    return min(known, default=None)


def _list_licences(found: Findings, aliases: Sequence[str]) -> None:
    """Say under which licences the images stand, with the sources of each."""
    groups: dict[str, list[str]] = {}
    for alias in aliases:
        licence = "not known: ask its publisher"
        if alias in SOURCES:
            licence_class = SOURCES[alias].licence_class.replace("_", " ")
            licence = f"{licence_class} ({SOURCES[alias].licence})"
        groups.setdefault(licence, []).append(alias)
    for licence, names in groups.items():
        found.say("licence", f"{', '.join(names)}: {licence}")
    found.say("licence", "tags and captions: ODbL 1.0 (OpenStreetMap)")
