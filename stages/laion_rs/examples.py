"""The examples: two folders of images that a person sorted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa
from pydantic import Field

from pipeline.atomic import content_id
from pipeline.errors import InputError
from pipeline.identity import identify_all
from pipeline.schema import STATUS_FILTERED, STATUS_OK
from pipeline.stage import ConfigPath, DatasetStage
from pipeline.storage import Place
from skyscript.clip.vectors.embed import read_below
from skyscript.clip.worker import WorkerClipConfig, clip_identity
from skyscript.images.files import list_images
from stages.laion_rs import tables
from stages.laion_rs.vectors import embed_images

REMOTE_SENSING, OTHER = "remote_sensing", "other"
TWICE = "the same image is there already"
_AT_ONCE = 2048


class ExamplesConfig(WorkerClipConfig):
    """The folders of examples."""

    remote_sensing: ConfigPath = Field(description="Read remote-sensing images from this folder.")
    other: ConfigPath = Field(description="Read images of all other kinds from this folder.")


def find_folders(config: ExamplesConfig) -> dict[str, Path]:
    """Return both folders by the kind of their images. Raises `InputError` if one is missing."""
    found = {REMOTE_SENSING: config.remote_sensing, OTHER: config.other}
    for folder in found.values():
        if not folder.is_dir():
            raise InputError(f"{folder}: there is no such folder of examples.")
    return found


def identify_content(config: ExamplesConfig) -> Mapping[str, str]:
    """Return digests of the model, and of the files in each folder."""
    digests = {}
    for name, folder in find_folders(config).items():
        paths = list_images(folder)
        ids = identify_all(folder / path for path in paths)
        lines = (f"{path}\n{image}\n" for path, image in zip(paths, ids, strict=True))
        digests[name] = content_id("".join(lines).encode())
    return {**clip_identity(config), **digests}


def embed_examples(*, config: ExamplesConfig, root: Place) -> Iterator[pa.Table]:
    """Compute each example's CLIP vector, or the reason why it cannot be used.

    A repeated image counts once. Raises `InputError` if an image is in both folders, or if a folder
    has no usable image.
    """
    seen: dict[str, str] = {}
    for name, folder in find_folders(config).items():
        paths = list_images(folder)
        usable = 0
        for start in range(0, len(paths), _AT_ONCE):
            part = _embed_part(paths[start : start + _AT_ONCE], name, folder, config, root, seen)
            usable += part["status"].to_pylist().count(STATUS_OK)
            yield part
        if not usable:
            raise InputError(f"{folder}: holds no image that can be used as an example.")


def _embed_part(
    paths: list[str],
    name: str,
    folder: Path,
    config: ExamplesConfig,
    root: Place,
    seen: dict[str, str],
) -> pa.Table:
    images = embed_images(paths, read_below(folder), config, root, "examples")
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


EXAMPLES = DatasetStage(
    "examples",
    embed_examples,
    ExamplesConfig,
    reads=(),
    writes=tables.EXAMPLES,
    external=identify_content,
    version=2,
)
