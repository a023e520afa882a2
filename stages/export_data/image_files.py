"""What the formats share that are a JSON beside a folder of images."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

from pipeline.out_folder import place_file
from stages.export_data.pairs import Pairs


def write_documents(
    pairs: Pairs,
    out: Path,
    pattern: str,
    document: Callable[[str], Iterable[str]],
    how: Literal["link", "copy"],
) -> list[str]:
    """Write the JSON of each split, and place its images beside it; give the paths of the JSONs.

    ``pattern`` is the path of a JSON with ``{}`` for the split, ``document`` gives its text.
    """
    folder = (out / pattern).parent
    folder.mkdir()
    names = []
    for split in pairs.counts:
        name = pattern.format(split)
        with (out / name).open("w", encoding="utf-8") as file:
            file.writelines(document(split))
        _place_images(pairs, split, folder, how)
        names.append(name)
    return names


def _place_images(pairs: Pairs, split: str, folder: Path, how: Literal["link", "copy"]) -> None:
    """Place the images of a split below a folder, with their paths in the run."""
    for row in pairs.rows(split):
        target = folder / row["filepath"]
        target.parent.mkdir(exist_ok=True)
        if row["tar"] is None:
            place_file(pairs.root / row["filepath"], target, how)
        else:
            target.write_bytes(pairs.read_image(row))


def write_array(values: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Yield the text of a JSON array value by value: it is never whole in memory."""
    before = "[\n"
    for value in values:
        yield before + json.dumps(value, ensure_ascii=False)
        before = ",\n"
    yield "\n]"
