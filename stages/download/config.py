"""Options of a download."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from pipeline.stage import StageConfig
from stages.download.catalogue import BASE_URL

MIB = 1 << 20
GIB = 1 << 30


class UnpackLimits(StageConfig):
    """Limits of an archive. An archive beyond them is refused, and nothing is unpacked."""

    max_files: int = Field(4_000_000, ge=1, description="Refuse an archive of more files.")
    max_bytes: int = Field(
        200 * GIB, ge=1, description="Refuse an archive whose files have more bytes together."
    )
    max_ratio: float = Field(
        100.0,
        ge=1,
        description="Refuse an archive that becomes more than this many times larger, as a whole "
        "or in a file larger than 1 MiB.",
    )


class DownloadConfig(StageConfig):
    """The address of the files, and how to fetch, check and unpack them."""

    base_url: Annotated[str, StringConstraints(pattern=r"^https?://[^\s]+$")] = Field(
        BASE_URL, description="Fetch the files from this address, for example that of a mirror."
    )
    connections: int = Field(
        6, ge=1, le=10, description="Fetch, check or unpack this many files at once."
    )
    attempts: int = Field(
        8, ge=1, description="Try a request this many times, with longer and longer waits."
    )
    longest_wait: float = Field(
        30.0, ge=0, description="Wait at most this many seconds between two attempts."
    )
    sync_every: int = Field(
        16 * MIB,
        ge=1 << 16,
        description="Sync a file to the disk after this many bytes. A download that was killed "
        "fetches at most twice as many bytes of each file again.",
    )
    check: Literal["content", "sizes"] = Field(
        "content",
        description="Verify files that already exist by their checksums, or by their sizes only.",
    )
    zips: Literal["remove", "keep"] = Field(
        "remove", description="Remove or keep a zip after it is unpacked."
    )
    limits: UnpackLimits = Field(
        default=UnpackLimits(),  # type: ignore[call-arg]
        description="Refuse archives beyond these limits.",
    )
