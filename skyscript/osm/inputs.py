"""Which OSM files are read, and in what format they are."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

from pipeline.errors import InputError

ENDING = re.compile(
    r"\.((?:osm\.|osc\.|osh\.)?(?:pbf|osm|osc|osh|xml|o5m|o5c|opl|json)(?:\.gz|\.bz2)?)$"
)
_WILD = re.compile(r"[*?\[]")


def input_files(paths: Iterable[Path]) -> list[Path]:
    """Give the files that the paths name, each once: files, folders (all OSM files in them), globs.

    Files are sorted by name within a folder or a glob. Raises `InputError` if a path names no file.
    """
    found: dict[Path, Path] = {}
    for path in paths:
        if path.is_dir():
            files = sorted(each for each in path.iterdir() if _is_osm(each))
            nothing = f"{path} is a folder without an OSM file (such as city.osm.pbf)"
        elif _WILD.search(str(path)) and not path.exists():
            start = Path(path.anchor)
            matches = start.glob(str(path.relative_to(start)))
            files = sorted(each for each in matches if each.is_file())
            nothing = f"{path} matches no file"
        else:
            files, nothing = [path], ""
        if not files:
            raise InputError(f"{nothing}: give an OSM extract, for example city.osm.pbf")
        found |= {each.resolve(): each for each in files if each.resolve() not in found}
    return list(found.values())


def _is_osm(path: Path) -> bool:
    return path.is_file() and ENDING.search(path.name.lower()) is not None


def unreadable(name: object, error: Exception) -> InputError:
    """Give the error for a file whose reader fails in the middle of it."""
    return InputError(
        f"{name} cannot be read as an OSM file ({error}): it is damaged, truncated or another "
        "file; download it again"
    )


def check_file(path: Path, given: str | None = None) -> str:
    """Give the format of a file by its name, or ``given``; raise `InputError` if it is unusable."""
    import osmium

    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise InputError(f"{path} {what}: give an OSM extract, for example city.osm.pbf")
    if not os.access(path, os.R_OK):
        raise InputError(f"{path} may not be read by this user: change its permissions")
    ending = ENDING.search(path.name.lower())
    file_format = given or (ending and ending[1])
    if not file_format:
        raise InputError(
            f"{path}: the ending is none of an OSM file (.osm.pbf, .pbf, .osm, .osm.gz, .osm.bz2, "
            ".o5m, .opl, .json of Overpass): if it is one, name its `format`"
        )
    if osmium.io.File(str(path), file_format).has_multiple_object_versions:
        raise InputError(
            f"{path} is a history or change file: extract one moment from it, "
            "for example with `osmium time-filter`"
        )
    return file_format
