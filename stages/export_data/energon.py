"""What megatron-energon reads beside the tars, so that no ``energon prepare`` is needed.

The folder ``.nv-meta`` is documented as its "dataset format on disk"; the index of a tar is that of
its version 7: offsets in bytes as little-endian 64-bit numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import yaml

from pipeline.atomic import write_json

FOLDER = ".nv-meta"
_SAMPLE = {
    "sample_type": {"__module__": "megatron.energon", "__class__": "CaptioningSample"},
    "field_map": {"image": "jpg", "caption": "txt"},
}


def write_index(tar: Path, offsets: Sequence[int]) -> None:
    """Write where each sample of a tar begins, and where the last one ends: ``NAME.tar.idx``."""
    tar.with_suffix(".tar.idx").write_bytes(np.array(offsets, "<u8").tobytes())


def write_meta(folder: Path, sizes: Mapping[str, Mapping[str, int]]) -> None:
    """Write ``.nv-meta``: what a sample is, the tars of each split, and the samples of each tar.

    ``sizes`` gives for each split the number of samples of each of its tars.
    """
    place = folder / FOLDER
    place.mkdir()
    splits = {"split_parts": {split: list(own) for split, own in sizes.items()}, "exclude": []}
    for name, content in (("dataset.yaml", _SAMPLE), ("split.yaml", splits)):
        (place / name).write_text(yaml.safe_dump(content, sort_keys=False), "utf-8")
    counts = {tar: count for own in sizes.values() for tar, count in own.items()}
    write_json(place / ".info.json", {"shard_counts": counts})
