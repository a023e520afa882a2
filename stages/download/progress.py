"""What a download says while it works."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple


class Progress(NamedTuple):
    """How far an artefact is."""

    name: str
    phase: Literal["fetch", "check", "unpack"]
    done: int
    """Bytes in this phase."""
    total: int | None


Tell = Callable[[Progress], None]
"""Called from several threads."""
