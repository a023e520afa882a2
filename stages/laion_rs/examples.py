"""The examples: two folders of images that a person has sorted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa
from pydantic import Field

from pipeline.atomic import content_id, file_id
from pipeline.errors import InputError
from pipeline.schema import STATUS_FILTERED, STATUS_OK
from pipeline.stage import ConfigPath, DatasetStage
from skyscript.clip.vectors.embed import read_below
from stages.laion_rs import tables
from stages.laion_rs.vectors import VectorsConfig, external, vectors_of

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif"})
REMOTE_SENSING, OTHER = "remote_sensing", "other"
TWICE = "the same image is there already"
_AT_ONCE = 2048


class ExamplesConfig(VectorsConfig):
    """The folders."""

    remote_sensing: ConfigPath = Field(description="Read remote-sensing images from this folder.")
    other: ConfigPath = Field(description="Read images of all other kinds from this folder.")


def folders(config: ExamplesConfig) -> dict[str, Path]:
    """Give both folders by what they hold. Raises `InputError` where one is not there."""
    found = {REMOTE_SENSING: config.remote_sensing, OTHER: config.other}
    for folder in found.values():
        if not folder.is_dir():
            raise InputError(f"{folder}: there is no such folder of examples.")
    return found


def content(config: ExamplesConfig) -> Mapping[str, str]:
    """Name the model, and each folder by its files."""
    digests = {
        name: content_id(
            "".join(f"{path}\n{file_id(folder / path, 4)}\n" for path in _files(folder)).encode()
        )
        for name, folder in folders(config).items()
    }
    return {**external(config), **digests}


def examples(*, config: ExamplesConfig, root: Path) -> Iterator[pa.Table]:
    """Give each example's vector, or say what is wrong with it.

    An image that is there twice counts once. Raises `InputError` where one image is in both
    folders, or a folder holds none that can be used.
    """
    seen: dict[str, str] = {}
    for name, folder in folders(config).items():
        paths = _files(folder)
        usable = 0
        for start in range(0, len(paths), _AT_ONCE):
            part = _examples(paths[start : start + _AT_ONCE], name, folder, config, root, seen)
            usable += part["status"].to_pylist().count(STATUS_OK)
            yield part
        if not usable:
            raise InputError(f"{folder}: holds no image that can be used as an example.")


def _examples(
    paths: list[str],
    name: str,
    folder: Path,
    config: ExamplesConfig,
    root: Path,
    seen: dict[str, str],
) -> pa.Table:
    images = vectors_of(paths, read_below(folder), config, root, "examples")
    rows = []
    for index, path in enumerate(paths):
        wrong, key = images.wrong[index], images.content_hash[index]
        row = {"filepath": f"{name}/{path}", "remote_sensing": name == REMOTE_SENSING}
        if wrong is not None or key is None:
            status, reason = wrong or (STATUS_FILTERED, TWICE)
            rows.append(row | {"status": status, "reason": reason})
        elif key in seen:
            if seen[key].partition("/")[0] != name:
                raise InputError(
                    f"{folder / path}: is the same image as {seen[key]}: it cannot be an example "
                    "of both kinds."
                )
            rows.append(row | {"status": STATUS_FILTERED, "reason": TWICE})
        else:
            seen[key] = str(row["filepath"])
            vector = images.vectors[index].tolist()
            rows.append(row | {"vector": vector, "content_hash": key, "status": STATUS_OK})
    return pa.Table.from_pylist(rows, schema=tables.EXAMPLES.schema)


def _files(folder: Path) -> list[str]:
    return sorted(
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.suffix.lower() in SUFFIXES and path.is_file()
    )


EXAMPLES = DatasetStage(
    "examples", examples, ExamplesConfig, reads=(), writes=tables.EXAMPLES, external=content
)
