"""Small made-up runs for exports: tables, and the images and pickles that they name."""

import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
from PIL import Image

from pipeline.atomic import content_id
from stages import tables
from stages.export_data import ExportConfig, Exported, RunTables, export_data

JULY = datetime(2024, 7, 15, 11, 0, tzinfo=UTC)
SIDE = 0.002
OK = {"status": "ok", "reason": None}
LOST = {"status": "filtered", "reason": "no image"}


def jpeg(number: int) -> bytes:
    """Give a small JPEG that differs from that of any other number."""
    colour = (number % 256, number // 256 % 256, 90)
    file = io.BytesIO()
    Image.new("RGB", (24, 16), colour).save(file, "JPEG", quality=95)
    return file.getvalue()


def made_run(
    root: Path, count: int, *, source: str = "SIM", in_block: int = 64, lost: int = 1
) -> RunTables:
    """Write a run of ``count`` pairs whose neighbours lie in one block; and ``lost`` objects."""
    rows: dict[str, list[dict[str, Any]]] = {
        name: [] for name in ("captions", "images", "meta", "objects")
    }
    for number in range(count + lost):
        found = number < count
        for name, row in _rows(root, number, source, in_block, found).items():
            rows[name].append(row)
    contracts = {
        "captions": tables.CAPTIONS,
        "images": tables.IMAGES,
        "meta": tables.META,
        "objects": tables.OBJECTS,
    }
    made = {
        name: ds.dataset(pa.Table.from_pylist(rows[name], schema=contracts[name].schema))
        for name in rows
    }
    return RunTables(**made, scores=None, statements=None, truth=None)


def _rows(root: Path, number: int, source: str, in_block: int, found: bool) -> dict[str, Any]:
    west, south = 7.01 + 0.1 * (number // in_block), 47.01 + SIDE * (number % 16)
    box = {"west": west, "south": south, "east": west + SIDE, "north": south + SIDE}
    base = {"object_id": f"a{number}", **(OK if found else LOST)}
    thing = {"kind": "a", "osm_id": number, "geometry": None, "geom_rule": "area", "tags": []}
    empty = {"center_tags": [], "surrounding": []}
    if not found:
        return {
            "captions": base,
            "images": base,
            "meta": base | empty,
            "objects": base | thing | {"status": "ok"},
        }
    part = 2 + number % 6
    path, pickle = f"images{part}/a{number}_{source}_24.jpg", f"meta{part}/a{number}.pickle"
    data, about = jpeg(number), f"pickle of {number}".encode()
    for name, content in ((path, data), (pickle, about)):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    common = {"source": source, "gsd": 0.6, **box, "acquired": JULY}
    image = {
        "scene_id": f"{source}/one",
        "width": 24,
        "height": 16,
        "time_precision": "day",
        "content_hash": content_id(data),
    }
    tags = [("building", "church" if number % 2 else "house")]
    return {
        "captions": base
        | {
            "filepath": path,
            "title": f"a satellite image of thing {number}",
            "title_multi_objects": None if number % 5 == 0 else f"thing {number}, and its hedge",
        },
        "images": base | {"filepath": path} | common | image,
        "meta": base
        | empty
        | {"filepath": path, "metapath": pickle, "meta_hash": content_id(about)}
        | {"center_tags": tags}
        | common,
        "objects": base | thing | {"osm_version": number + 1, "changed": JULY},
    }


def export(root: Path, read: RunTables, out: Path, **options: Any) -> Exported:
    """Export a run; the options are those of the command."""
    return export_data(root, read, out, ExportConfig.model_validate(options))
