"""Regions: the model must find what a box of an image shows, among what other boxes show.

The boxes are those of the statements `region` of a run, their captions "a satellite image of" and
the concept. A box is cut out as a square around it where the image has room. A more general or a
more special concept than that of the box is neither right nor wrong and is not ranked: a "house" is
a "building", and what the map only calls a building may be a house. A tie is wrong.
"""

from __future__ import annotations

import functools
import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from PIL import Image

from pipeline.errors import InputError
from skyscript.benchmarks.features import Source, file_key
from skyscript.clip.vectors.embed import Progress, read_below
from skyscript.files.image_tables import ImageTable
from skyscript.files.paths import leads_out
from skyscript.files.statements import STATEMENTS
from skyscript.files.tar_places import InTars, find_image, named_in_tars
from skyscript.images.decode import Unusable, decode
from stages.evaluate.embedding import embed_images, embed_texts
from stages.evaluate.intervals import share_interval
from stages.evaluate.model import Tower, describe_figures
from stages.evaluate.outputs import write_table
from tag_vocab import Concept, concept, is_a

NAME = "regions"
KIND = "region"
_TABLE = ImageTable(STATEMENTS.name, ("filepath", "kind", "claim", "box"), STATEMENTS.remedy)
_CLAIM = re.compile(r"region\((.+)\) = \[[0-9, ]+\]")
_LEAST_SIDE = 32
"""Pixels of the shortest side that is cut out, so that a small thing has some surroundings."""
_SIDES = 4

Mask = NDArray[np.bool_]
Vectors = NDArray[np.float32]


class Regions(NamedTuple):
    """The regions of a run's images."""

    root: Path
    """The folder of the run."""
    names: list[str]
    """The image and the box of each region, as `_read` takes them."""
    images: list[str]
    """The paths of the distinct images."""
    inside: InTars
    """The places of the images that are stored in tars, by path."""
    image_of: NDArray[np.int64]
    concepts: list[str]
    """The distinct concepts, in alphabetical order."""
    concept_of: NDArray[np.int64]
    identity: str

    @property
    def work(self) -> int:
        """The number of regions and captions."""
        return len(self.names) + len(self.concepts)

    def match(self, tower: Tower, folder: Path, progress: Progress) -> dict[str, Any]:
        """Match regions and captions. Returns the figures; the folder gets a row a region."""
        read = functools.partial(_read, self.root, self.inside)
        key = functools.partial(_key, self.root, self.inside)
        found = embed_images(self.names, tower, progress, Source(read, key))
        captions = [f"a satellite image of {name}" for name in self.concepts]
        scores = found.vectors @ embed_texts(captions, tower, progress).T
        wrong = ~_related(self.concepts)[self.concept_of[found.rows]]
        rank = _Ranking(self, found.rows, scores, wrong)
        return {
            "kind": KIND,
            **describe_figures(tower),
            "rows": {"file": STATEMENTS.name, "id": self.identity},
            "counts": {
                "images": len(self.images),
                "regions": len(found.rows),
                "texts": len(captions),
            },
            **rank.measure(wrong),
            "of_image": rank.measure(rank.wrong_in_image()),
            "files": {"regions": rank.write(folder)},
            "notes": found.notes,
        }


class _Ranking(NamedTuple):
    """The similarities of the usable regions to all captions."""

    regions: Regions
    used: NDArray[np.int64]
    scores: Vectors
    wrong: Mask
    """The captions that are wrong for each region: those of all concepts that are not related."""

    def wrong_in_image(self) -> Mask:
        """Give the captions in ``wrong`` that belong to a region of the same image."""
        of = self.regions
        there = np.zeros((len(of.images), len(of.concepts)), bool)
        there[of.image_of, of.concept_of] = True
        return self.wrong & there[of.image_of[self.used]]

    def measure(self, wrong: Mask) -> dict[str, Any]:
        """Give top-1 and its interval, over the regions that have at least one wrong caption.

        A resample of images brings their regions along.
        """
        rows = np.flatnonzero(wrong.any(1))
        if not len(rows):
            return {"regions": 0, "top1": None, "top1_interval": None, "chance": None}
        own = self.regions.concept_of[self.used[rows]]
        rivals = np.where(wrong[rows], self.scores[rows], -np.inf).max(1)
        right = self.scores[rows, own] > rivals
        _, image_of = np.unique(self.regions.image_of[self.used[rows]], return_inverse=True)
        return {
            "regions": len(rows),
            "top1": float(right.mean()),
            "top1_interval": share_interval(right, image_of),
            "chance": float((1 / (1 + wrong[rows].sum(1))).mean()),
        }

    def write(self, folder: Path) -> str:
        """Write a row for each region. Returns the path of the file, relative to `out`."""
        of, own = self.regions, (np.arange(len(self.used)), self.regions.concept_of[self.used])
        ranked = self.wrong.copy()
        ranked[own] = True
        first = np.where(ranked, self.scores, -np.inf).argmax(1)
        paths, boxes = zip(*(of.names[row].split(_BETWEEN) for row in self.used), strict=True)
        table = pa.table(
            {
                "filepath": paths,
                "box": boxes,
                "concept": [of.concepts[of.concept_of[row]] for row in self.used],
                "first": [of.concepts[number] for number in first],
                "similarity": self.scores[own].astype(np.float32),
            }
        )
        write_table(folder / "regions.parquet", table)
        return f"{folder.name}/regions.parquet"


def read_regions(root: Path) -> Regions:
    """Read the regions of a run. Raises `InputError` if it has none, or if an image is missing."""
    if not root.is_dir():
        raise InputError(f"{root}: is not the folder of a run with the table {STATEMENTS.name}.")
    parts = _TABLE.parts(root)
    paths, claims, boxes = list[str](), list[str](), list[Sequence[float]]()
    for batch in _TABLE.batches(parts):
        rows = batch.filter(pc.equal(batch["kind"], KIND))
        paths += rows["filepath"].to_pylist()
        claims += rows["claim"].to_pylist()
        boxes += rows["box"].to_pylist()
    if not paths:
        raise InputError(f"{root}: has no statement on a region; add it to statements.kinds.")
    named = [_concept_in(claim) for claim in claims]
    images, concepts = sorted(set(paths)), sorted(set(named))
    inside = named_in_tars(root, images)
    _check_images(root, images, inside)
    return Regions(
        root,
        [_BETWEEN.join([path, _box_name(box)]) for path, box in zip(paths, boxes, strict=True)],
        images,
        inside,
        np.searchsorted(images, paths),
        concepts,
        np.searchsorted(concepts, named),
        _TABLE.identity(parts),
    )


_BETWEEN = "\t"
"""Between the path of an image and a box: no path of SkyScript has one."""


def _concept_in(claim: str) -> str:
    found = _CLAIM.fullmatch(claim)
    if found is None:
        raise InputError(f"the table {STATEMENTS.name} has the claim {claim[:80]!r} of a region.")
    return found[1]


def _check_images(root: Path, images: Sequence[str], inside: InTars) -> None:
    for image in images:
        if leads_out(image) or _BETWEEN in image:
            raise InputError(f"{root}: its table {STATEMENTS.name} names the image {image!r}.")
        if not find_image(root, image, inside).is_file():
            raise InputError(f"{root}: lacks the image {image!r} of its statements.")


def _box_name(box: Sequence[float]) -> str:
    if len(box) != _SIDES or not np.isfinite(box).all():
        raise InputError(f"the table {STATEMENTS.name} has the box {box!r}.")
    return " ".join(map(repr, map(float, box)))


def _read(root: Path, inside: InTars, name: str) -> bytes:
    """Give a region as a PNG. Raises `ValueError` if its image cannot be decoded."""
    path, _, box = name.partition(_BETWEEN)
    pixels = decode(read_below(root, inside)(path))
    if isinstance(pixels, Unusable):
        raise ValueError(pixels.reason)
    left, top, right, bottom = map(float, box.split())
    height, width = pixels.shape[:2]
    side = max(right - left, bottom - top, _LEAST_SIDE)
    columns = _span((left + right) / 2, side, width)
    rows = _span((top + bottom) / 2, side, height)
    stream = io.BytesIO()
    Image.fromarray(pixels[rows, columns]).save(stream, "PNG", compress_level=1)
    return stream.getvalue()


def _span(centre: float, side: float, size: int) -> slice:
    """Give the pixels around a centre, moved inwards at the edge of an image of this size."""
    length = min(round(side), size)
    start = min(max(round(centre - length / 2), 0), size - length)
    return slice(start, start + length)


def _key(root: Path, inside: InTars, name: str) -> bytes:
    path, _, box = name.partition(_BETWEEN)
    part = f"square around {box}, {_LEAST_SIDE}"
    return file_key(find_image(root, path, inside), part)


def _related(names: Sequence[str]) -> Mask:
    """Tell which concepts are the same, or one more general than the other."""
    concepts = [_concept_of(name) for name in names]
    return np.array(
        [
            [
                one is not None and other is not None and (is_a(one, other) or is_a(other, one))
                for other in concepts
            ]
            for one in concepts
        ]
    ) | np.eye(len(names), dtype=bool)


def _concept_of(name: str) -> Concept | None:
    """Give the concept of a name; None if the vocabulary writes it by a rule."""
    try:
        return concept(name)
    except ValueError:
        return None
