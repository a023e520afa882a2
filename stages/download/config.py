"""Options of a download."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from pipeline.stage import StageConfig
from stages.download.catalogue import BASE_URL

MIB = 1 << 20
GIB = 1 << 30


class UnpackLimits(StageConfig):
    """How large an archive may become. A larger one is refused, and nothing is unpacked."""

    max_files: int = Field(4_000_000, ge=1, description="Files in an archive.")
    max_bytes: int = Field(200 * GIB, ge=1, description="Unpacked bytes of all files together.")
    max_ratio: float = Field(
        100.0,
        ge=1,
        description="Unpacked bytes per packed byte, of the whole archive and of each file larger "
        "than 1 MiB.",
    )


class DownloadConfig(StageConfig):
    """Where the files come from, how they are fetched and checked, and what happens to zips."""

    base_url: Annotated[str, StringConstraints(pattern=r"^https?://[^\s]+$")] = Field(
        BASE_URL, description="Address of the folder that holds the files, for example a mirror's."
    )
    connections: int = Field(
        6, ge=1, le=10, description="Files to fetch, check or unpack at once, one connection each."
    )
    attempts: int = Field(
        8, ge=1, description="Attempts per request. The waits between them become longer."
    )
    longest_wait: float = Field(30.0, ge=0, description="Longest wait between attempts, seconds.")
    sync_every: int = Field(
        16 * MIB,
        ge=1 << 16,
        description="Bytes between two syncs to the disk. A download that was killed repeats at "
        "most twice as many bytes per file.",
    )
    check: Literal["content", "sizes"] = Field(
        "content",
        description="How to verify files that already exist: by checksum or by size only.",
    )
    zips: Literal["remove", "keep"] = Field(
        "remove", description="Whether to remove or keep a zip after it is unpacked."
    )
    limits: UnpackLimits = Field(
        default=UnpackLimits(),  # type: ignore[call-arg]
        description="How large an archive may become.",
    )
