"""The published names of images and their meta files, such as ``images3/a12_CH_19.jpg``.

The folder's number is the part; the file name contains the object, the image source and the year.
"""

from __future__ import annotations

import re
from typing import NamedTuple

PARTS = range(2, 8)
"""Numbers of the folders ``images2`` to ``images7``. Published SkyScript has no part 1. TorchGeo's
reader needs all six folders, even if they are empty."""
FOLDERS = tuple(f"{kind}{part}" for part in PARTS for kind in ("images", "meta"))
"""All folders of a dataset."""
OSM_TYPES = {"n": "node", "w": "way", "a": "way", "r": "relation"}
"""What an object of each kind is in OpenStreetMap: an area (a) is a closed way."""
META_SUFFIX = ".pickle"
IMAGE_SUFFIX = ".jpg"
IMAGE_FILES = f"images[2-7]/[nwar]*_[0-9][0-9]{IMAGE_SUFFIX}"
"""A glob, relative to the dataset's folder, that matches every image and no user file."""
META_FILES = f"meta[2-7]/[nwar]*_[0-9][0-9]{META_SUFFIX}"
META_FOLDER = re.compile(r"meta[0-9]{1,9}")
META_ZIP = re.compile(r"meta[0-9]*\.zip")
IMAGE_FOLDER = re.compile(r"images[0-9]*")
NAME = r"([nwar][0-9]+)_([A-Za-z0-9]+)_([0-9]{2})\.[A-Za-z]+"
"""Matches the last part of a path: object, source, year. It means the same in Python and in DuckDB
(RE2), and allows any suffix, because users convert images to other formats."""
PATTERN = rf"(?s:.*/)?{NAME}"
"""Matches a whole path: object, source, year. It means the same in Python and in DuckDB (RE2). It
allows any parent folder, and any suffix, because users convert images to other formats."""
_PATH = re.compile(PATTERN)
_SPLIT = re.compile(r"(?:^|_)(train|val|test)(?:_|\.)")


class ImageName(NamedTuple):
    """The parts of an image's name."""

    object_id: str
    """The OSM object: ``n12``, ``w12``, ``a12`` or ``r12``."""
    source: str
    """The alias of the image source: ``CH``."""
    year: int
    """The last two digits of the year of acquisition."""

    def __str__(self) -> str:
        """Give the name without folder and suffix: ``a12_CH_19``."""
        return f"{self.object_id}_{self.source}_{self.year:02}"

    def in_part(self, part: int) -> str:
        """Give the image's path in a dataset: ``images3/a12_CH_19.jpg``."""
        return f"images{part}/{self}{IMAGE_SUFFIX}"


def parse(path: str) -> ImageName | None:
    """Parse the path of an image or a meta file; None if it does not have a published name."""
    found = _PATH.fullmatch(path)
    return ImageName(found[1], found[2], int(found[3])) if found else None


def image_path(meta: str) -> str:
    """Give the path of the image of a meta file: ``meta3/x.pickle`` -> ``images3/x.jpg``."""
    return f"images{meta.removeprefix('meta').removesuffix(META_SUFFIX)}{IMAGE_SUFFIX}"


def meta_path(image: str) -> str:
    """Give the path of the meta file of an image: ``images3/x.jpg`` -> ``meta3/x.pickle``."""
    return f"meta{image.removeprefix('images').removesuffix(IMAGE_SUFFIX)}{META_SUFFIX}"


def split_of(name: str) -> str:
    """Give the split of a captions file by its name: ``test``, ``val``, or else ``train``."""
    found = _SPLIT.search(name)
    return found[1] if found else "train"
