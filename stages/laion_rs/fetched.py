"""Fetches images from their addresses into WebDataset shards, with img2dataset.

img2dataset runs as a separate program and is never imported, because its requirements (OpenCV 4,
webdataset 0.2) conflict with ours. So it can be installed in a separate environment.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from pydantic import Field

from pipeline.errors import InputError, ItemsFailed
from pipeline.stage import ConfigPath, StageConfig


class FetchConfig(StageConfig):
    """The addresses, and options of img2dataset."""

    urls: ConfigPath = Field(
        description="Fetch the images whose addresses this Parquet file lists."
    )
    url_column: str = Field("URL", description="Read addresses from this column, as LAION has it.")
    text_column: str = Field("TEXT", description="Read captions from this column, as LAION has it.")
    program: str = Field("img2dataset", description="Run img2dataset by this name or path.")
    longest_side: int = Field(
        512,
        ge=32,
        description="Shrink fetched images whose longest side has more pixels than this.",
    )
    rows: int = Field(10_000, ge=1, description="Write this many images in each shard.")
    processes: int = Field(1, ge=1, description="Fetch in this many processes at once.")
    threads: int = Field(32, ge=1, description="Open this many connections in each process.")
    timeout: int = Field(10, ge=1, description="Give up on an image after this many seconds.")


def fetch_images(config: FetchConfig, shards: Path) -> Path:
    """Fetch missing images into a folder of shards. Returns the folder. It can resume after a kill.

    Raises `InputError` if the program or the file is missing, and `ItemsFailed` if it fails.
    """
    program = shutil.which(config.program)
    if program is None:
        raise InputError(
            f"{config.program}: there is no such program; pip install img2dataset, in a separate "
            "environment if you like, and give its path with --img2dataset."
        )
    if not config.urls.is_file():
        raise InputError(f"{config.urls}: there is no such file of addresses.")
    shards.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "NO_ALBUMENTATIONS_UPDATE": "1"}  # disables its update check
    done = subprocess.run(_make_command(program, config, shards), env=environment, check=False)
    if done.returncode:
        raise ItemsFailed(
            f"{config.program} has ended with {done.returncode}; its messages are above. Fetched "
            "images are kept; run the same command again."
        )
    return shards


def _make_command(program: str, config: FetchConfig, shards: Path) -> list[str]:
    options = {
        "url_list": config.urls.absolute(),
        "input_format": "parquet",
        "url_col": config.url_column,
        "caption_col": config.text_column,
        "output_format": "webdataset",
        "output_folder": shards.absolute(),
        "number_sample_per_shard": config.rows,
        "processes_count": config.processes,
        "thread_count": config.threads,
        "timeout": config.timeout,
        "image_size": config.longest_side,
        "resize_mode": "keep_ratio_largest",
        "resize_only_if_bigger": True,
        "encode_quality": 95,
        "enable_wandb": False,
        "incremental_mode": "incremental",
    }
    return [program, *(f"--{name}={value}" for name, value in options.items())]
