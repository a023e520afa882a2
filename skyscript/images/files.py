"""The image files in a folder, recognised by their suffix."""

from __future__ import annotations

from pathlib import Path

SUFFIXES = frozenset((".jpg", ".jpeg", ".png", ".webp", ".gif", ".tif", ".tiff", ".bmp"))
"""The suffixes of the formats that `skyscript.images.decode` reads, in lower case."""


def list_images(folder: Path) -> list[str]:
    """Give the paths of the image files below a folder, relative to it, in alphabetical order."""
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.suffix.lower() in SUFFIXES and path.is_file()
    )
