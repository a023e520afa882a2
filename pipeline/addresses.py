"""Addresses: what tells them from paths, and those of buckets."""

from __future__ import annotations

import re
from pathlib import Path

SCHEMES = ("s3", "gs", "az")
BUCKET = re.compile(rf"({'|'.join(SCHEMES)})://([^/]+)(?:/+(.*))?", re.DOTALL)
"""Matches the whole address of a place in a bucket: its scheme, bucket and key."""
_ANY = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")


def is_address(path: str | Path) -> bool:
    """Tell whether a path is an address, such as ``s3://bucket/key``, and no file or folder."""
    return _ANY.match(str(path)) is not None
