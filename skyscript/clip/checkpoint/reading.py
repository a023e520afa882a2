"""Reads a checkpoint file: what it contains, whatever its format, without running its code.

Formats: safetensors; torch's zip archive and its older pickle, with the optimiser's state and plain
objects inside; TorchScript archives, the form of OpenAI's weights. The format follows from the
content, not from the name of the file.
"""

from __future__ import annotations

import pathlib
import re
import struct
import types
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.errors import InputError
from skyscript.clip.checkpoint.torchscript import is_torchscript, read_torchscript

_HEAD = 512
_ZIP = b"PK\x03\x04"
_PICKLE = b"\x80"
_REFUSED = re.compile(r"(?:Unsupported global: GLOBAL|Unsupported class) (\S+)")
"""Torch's words for an object that it does not build."""
_ESCAPE = re.compile(r"\x1b\[[0-9;]*m")


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Give the content of a checkpoint file, on the CPU.

    Raises `InputError` that names the file, says what it is and what to do.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}.") from None
    refuse_what_is_no_checkpoint(path, head)
    if head.startswith(_ZIP):
        if not zipfile.is_zipfile(path):
            raise InputError(f"{path}: the file is cut off: its end is missing. Fetch it again.")
        found: Any = read_torchscript(path) if is_torchscript(path) else _read_pickle(path)
    elif head.startswith(_PICKLE):
        found = _read_pickle(path)
    else:
        found = _read_safetensors(path)
    if not isinstance(found, dict):
        raise InputError(
            f"{path}: is not a checkpoint: it contains a {type(found).__name__}, and a checkpoint "
            "contains tensors by name. Save the model's state_dict()."
        )
    return found


def refuse_what_is_no_checkpoint(path: Path, head: bytes) -> None:
    """Raise `InputError` for what servers and git leave in place of weights, by its first bytes."""
    text = head.lstrip().lower()
    if not head:
        raise InputError(f"{path}: is empty. Fetch it again.")
    if head.startswith(b"version https://git-lfs"):
        raise InputError(
            f"{path}: is a pointer of git-LFS, not the weights. Run `git lfs pull` in its "
            "repository, or download the file itself."
        )
    if text.startswith((b"<!doctype", b"<html", b"<?xml")):
        raise InputError(
            f"{path}: is a web page, not a checkpoint: the server asked for a login or a "
            "confirmation. Download the file in a browser."
        )
    length = struct.unpack("<Q", head[:8])[0] if len(head) > 8 else 0
    is_safetensors = head[8:9] == b"{" and length < 2**30
    if not (head.startswith((_ZIP, _PICKLE)) or is_safetensors):
        raise InputError(
            f"{path}: is not a checkpoint: it is none of safetensors, a file of torch.save or a "
            "TorchScript archive."
        )


def _read_safetensors(path: Path) -> dict[str, Any]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return dict(load_file(path))
    except (SafetensorError, ValueError, OSError) as error:
        raise InputError(
            f"{path}: is a safetensors file that is damaged or cut off ({first_line(error)}). "
            "Fetch it again."
        ) from error


def _read_pickle(path: Path) -> Any:  # noqa: ANN401 - any content
    import torch

    try:
        with allow_plain_objects():
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many classes for an invalid file
        if found := _REFUSED.search(str(error)):
            raise InputError(
                f"{path}: contains an object of {found[1]}, which only running code of the file "
                "could build, so it is not loaded. Save the model's state_dict() alone."
            ) from error
        raise InputError(
            f"{path}: is damaged or cut off, or is no checkpoint of torch ({first_line(error)}). "
            "Fetch it again."
        ) from error


def _empty_dict(*_: object) -> dict[Any, Any]:
    """Stand for a defaultdict, which torch builds but does not fill."""
    return {}


@contextmanager
def allow_plain_objects() -> Iterator[None]:
    """Let ``torch.load`` also build the plain objects that training scripts store.

    These are numpy's scalars and arrays, of numpy 1 and 2, the options of argparse, paths, and
    dictionaries of the standard library. None of them runs code of the file.
    """
    import torch

    scalar = np.float64(0).__reduce__()[0]
    array = np.zeros(1).__reduce__()[0]
    numbers = (np.float64, np.float32, np.float16, np.int64, np.int32, np.uint8, np.bool_)
    allowed: list[Any] = [
        (scalar, "numpy.core.multiarray.scalar"),
        (array, "numpy.core.multiarray._reconstruct"),
        scalar,
        array,
        np.ndarray,
        np.dtype,
        *{type(np.dtype(number)) for number in numbers},
        (types.SimpleNamespace, "argparse.Namespace"),
        pathlib.PosixPath,
        (_empty_dict, "collections.defaultdict"),
        dict,
        int,
        float,
        list,
    ]
    with torch.serialization.safe_globals(allowed):
        yield


def first_line(error: Exception) -> str:
    """Give an error's first line, without colours and without torch's advice to run code."""
    lines = _ESCAPE.sub("", str(error)).strip().splitlines()
    line = next(iter(lines), type(error).__name__)
    return re.split(r"\. (?:In PyTorch|Re-running|Please)|\(1\)", line)[0].strip().rstrip(".")
