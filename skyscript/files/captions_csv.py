"""The published caption file: three columns, of which readers take the first two by position.

Commas, quotes only where needed, UTF-8, a line feed after each row, as pandas writes.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

HEADER = ("filepath", "title", "title_multi_objects")


def write_captions(path: Path, rows: Iterable[tuple[str, str, str]]) -> int:
    """Write rows (filepath, title, title_multi_objects) as they come; give how many there were."""
    count = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        for row in rows:
            writer.writerow(row)
            count += 1
    return count
