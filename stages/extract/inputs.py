"""What a config of `extract` reads: files, keys, and whether the block decoder can read them."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from pathlib import Path

import tag_vocab
from pipeline.atomic import content_id
from pipeline.errors import InputError
from pipeline.identity import identify
from pipeline.inputs import local_input
from skyscript.osm.inputs import check_file, input_files
from skyscript.vocabulary import own_labels
from stages.extract.config import ExtractConfig

FROM_SIZE = 8_000_000
"""The smallest file in bytes that is read by blocks. On smaller ones libosmium takes less time than
numba needs to compile the decoder once, which takes about 17 seconds."""
LIBRARIES = ("numba", "isal")
"""What the decoder needs: the extra ``fast``."""

_ALONE = "so extract reads {} object by object, in one process"


def wanted_keys(config: ExtractConfig) -> frozenset[str]:
    """Give the keys with at least one visible value, by the vocabulary or the user's labels."""
    own = own_labels(config.own_labels).items()
    return tag_vocab.groundable_keys() | {key for (key, _), label in own if label.entry.groundable}


def osm_files(config: ExtractConfig) -> list[Path]:
    """Give the files that the config names, each once; objects of a bucket as copies of them."""
    return input_files([local_input(place) for place in config.paths])


def checked_inputs(config: ExtractConfig) -> list[tuple[Path, str]]:
    """Give the files with their formats, in the order of their contents, whatever their names."""
    files = osm_files(config)
    formats = {path: check_file(path, config.format) for path in files}
    return sorted(formats.items(), key=lambda item: identify(item[0]))


def external(config: ExtractConfig) -> Mapping[str, str]:
    """Give the identity of the files and of the keys."""
    ids = [identify(path) for path, _ in checked_inputs(config)]
    keys = "\n".join(sorted(wanted_keys(config)))
    return {
        "OSM file": ids[0] if len(ids) == 1 else content_id(" ".join(ids).encode()),
        "keys of the vocabulary": content_id(keys.encode()),
    }


def why_not_by_blocks(config: ExtractConfig) -> str | None:
    """Give the reason, in a sentence, why the block decoder cannot read the input in shards.

    None if no reason is known yet. The file is not read; a reason within it is found later.
    """
    try:
        files = osm_files(config)
        formats = [check_file(path, config.format) for path in files]
    except (InputError, OSError):
        return f"no OSM file can be read, {_ALONE.format('what there is')}"  # extract says why
    if len(files) > 1:
        return f"there are several OSM files, {_ALONE.format('them')}"
    if "pbf" not in formats[0]:
        return f"{files[0].name} is no PBF file, {_ALONE.format('it')}"
    if config.node_index != "auto":
        return f"node_index is {config.node_index}, {_ALONE.format('the file')}"
    if files[0].stat().st_size < FROM_SIZE:
        return f"{files[0].name} is smaller than {FROM_SIZE // 10**6} MB, {_ALONE.format('it')}"
    if not all(map(importlib.util.find_spec, LIBRARIES)):
        return f"the extra `fast` is not installed, {_ALONE.format('the file')}"
    return None
