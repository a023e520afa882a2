"""Options of fetching and unpacking."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from pipeline.stage import StageConfig
from stages.download.catalogue import BASE_URL

MIB = 1 << 20
GIB = 1 << 30


class UnpackLimits(StageConfig):
    """What an archive may unfold to; beyond it, it is taken for a bomb and nothing is unpacked."""

    max_files: int = Field(4_000_000, ge=1, description="Files in an archive.")
    max_bytes: int = Field(200 * GIB, ge=1, description="Bytes of all its files together.")
    max_ratio: float = Field(
        100.0,
        ge=1,
        description="Unpacked bytes for each packed one: of the whole, and of each file of more "
        "than a mebibyte.",
    )


class DownloadConfig(StageConfig):
    """From where, how many at once, and what becomes of it."""

    base_url: Annotated[str, StringConstraints(pattern=r"^https?://[^\s]+$")] = Field(
        BASE_URL, description="Address that the artefacts' paths start at; a mirror's, say."
    )
    connections: int = Field(8, ge=1, le=64, description="Pieces that are fetched at once.")
    files: int = Field(
        3, ge=1, le=16, description="Files that are fetched, checked or unpacked at once."
    )
    piece: int = Field(
        8 * MIB, ge=1 << 16, description="Bytes of a piece: what a killed run may lose of each."
    )
    attempts: int = Field(
        8, ge=1, description="Tries of a request that brings nothing, ever longer apart."
    )
    longest_wait: float = Field(30.0, ge=0, description="Seconds between two tries at most.")
    check: Literal["content", "sizes"] = Field(
        "content",
        description="How what is there already is checked: by its checksums, or by its sizes.",
    )
    zips: Literal["remove", "keep"] = Field(
        "remove", description="What becomes of a zip that has been unpacked."
    )
    limits: UnpackLimits = Field(default=UnpackLimits(), description="Of archives.")  # type: ignore[call-arg]
