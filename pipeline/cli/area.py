"""The config of a run that is given an area instead of a config: the open sources of its box."""

from __future__ import annotations

from pathlib import Path

import yaml

from pipeline.atomic import write_bytes
from pipeline.cli.working import degrees, print_path
from pipeline.errors import ConfigError
from pipeline.storage import Place


def config_of_area(bbox: str, osm: Path | None, out: Place | None) -> Path:
    """Write the config of a run over a box into its folder, and give its path.

    It names the OSM file, the box, and every source of images that covers a part of the box, is
    open, and needs no account. Raises `ConfigError` if an option is missing, the box is none, or no
    source serves.
    """
    from pipeline.run import OWN_CONFIG
    from skyscript.backends.source_list import open_sources
    from skyscript.geo.bbox import checked, pieces_of

    if osm is None or out is None:
        raise ConfigError("--bbox needs --osm and --out: the OSM file and the folder of the run")
    west, south, east, north = degrees("--bbox", bbox, 4)
    try:
        sides = checked((west, south, east, north))
    except ValueError as error:
        raise ConfigError(f"--bbox {bbox}: {error}") from None
    sources = open_sources(pieces_of(sides))
    if not sources:
        raise ConfigError(f"--bbox {bbox}: no open source covers it; see skyscript sources")
    blocks = {
        "extract": {"path": str(osm.absolute())},
        "bbox": list(sides),
        "sources": sources,
    }
    head = (
        f"# Written by `skyscript run --bbox {bbox}`: the open sources that need no account.\n"
        f"# Change it, and run `skyscript run {OWN_CONFIG} --out .` here.\n"
    )
    if not isinstance(out, Path):
        raise ConfigError(f"--bbox writes its config beside the run: {out} must be a folder")
    path = out / OWN_CONFIG
    text = (head + yaml.safe_dump(blocks, sort_keys=False)).encode()
    if path.exists() and path.read_bytes() != text:
        raise ConfigError(
            f"{path}: exists and differs from what --bbox {bbox} gives; run `skyscript run {path} "
            f"--out {out}` to go on with it, or choose another --out"
        )
    write_bytes(path, text)
    print_path("config", path)
    return path
