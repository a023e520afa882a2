"""Small runs to judge: tables, images of one colour each, and judges of known error rates."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.dataset as ds
from PIL import Image

from stages import tables
from tests.emulators.language_model import Asked

PREFIX = "a satellite image of "


class Made(NamedTuple):
    """A run for tests."""

    root: Path
    meta: ds.Dataset
    captions: ds.Dataset


def run_of(root: Path, counts: Mapping[str, int], sources: tuple[str, ...] = ("A", "B")) -> Made:
    """Make a run with this many images of each tag, ``key=value``; one row has no image."""
    meta: list[dict[str, Any]] = [_lost()]
    captions: list[dict[str, Any]] = [{"object_id": "n0", **FILTERED}]
    for tag, count in counts.items():
        for number in range(count):
            key, _, value = tag.partition("=")
            name = f"a{len(meta)}"
            path = f"images2/{name}_A_24.jpg"
            _picture(root / path, len(meta))
            row = {"object_id": name, "filepath": path, "status": "ok"}
            source = sources[number % len(sources)]
            described = {"source": source, "gsd": 0.5 + number % 3, "surrounding": []}
            meta.append({**row, **described, "center_tags": [(key, value)]})
            captions.append({**row, "title": f"{PREFIX}{key} of {value}"})
    return Made(
        root,
        ds.dataset(pa.Table.from_pylist(meta, schema=tables.META.schema)),
        ds.dataset(pa.Table.from_pylist(captions, schema=tables.CAPTIONS.schema)),
    )


FILTERED = {"status": "filtered", "reason": "no image"}


def _lost() -> dict[str, Any]:
    return {"object_id": "n0", "center_tags": [], "surrounding": [], **FILTERED}


def _picture(path: Path, number: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    data = io.BytesIO()
    colour = (40 * (number % 6), 40 * (number // 6 % 6), 40 * (number // 36 % 6))
    image = Image.new("RGB", (16, 16), colour)
    image.paste((number % 250, number // 250, 99), (0, 0, 8, 8))
    image.save(data, "JPEG", quality=95)
    path.write_bytes(data.getvalue())


def judge_with(wrong: Mapping[str, float], salt: str = "") -> Callable[[Asked], str]:
    """Give a model that finds the statements with a word wrong in a share of their images."""

    def answer(asked: Asked) -> str:
        assert asked.image is not None
        share = next((share for word, share in wrong.items() if word in asked.text), 0.0)
        draw = int(hashlib.sha256(salt.encode() + asked.image).hexdigest()[:8], 16) / 2**32
        return json.dumps({"verdict": "wrong" if draw < share else "right", "why": "I looked"})

    return answer
