"""Reads the weights of a TorchScript archive as data: its program is neither compiled nor run.

OpenAI published CLIP in this form. The archive is a zip: a pickle describes the tree of modules
with their tensors, whose bytes lie in files beside it.
"""

from __future__ import annotations

import collections
import io
import math
import pickle
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pipeline.errors import InputError
from skyscript.files.zips import BROKEN, BrokenZip, open_zip

_PROGRAM = "code/"
_SIGMOID, _GELU = b"torch.sigmoid(", b"torch.gelu("
"""The functions by which the program of a CLIP computes its activation: quick-GELU, or GELU."""
_MOST_PROGRAM = 2**24
_MOST_PACKED = 10
"""How many times its size an archive may unpack to."""
_DTYPES = {
    "DoubleStorage": "float64", "FloatStorage": "float32", "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16", "LongStorage": "int64", "IntStorage": "int32",
    "ShortStorage": "int16", "CharStorage": "int8", "ByteStorage": "uint8", "BoolStorage": "bool",
}  # fmt: skip


def is_torchscript(path: Path) -> bool:
    """Tell whether a zip archive contains a program of TorchScript."""
    try:
        with open_zip(path) as archive:
            return any(_below_root(name).startswith(_PROGRAM) for name in archive.namelist())
    except BrokenZip:
        return False


def has_quick_gelu(path: Path) -> bool:
    """Tell whether the program of an archive uses quick-GELU: a sigmoid in the place of GELU."""
    try:
        with open_zip(path) as archive:
            program = [
                archive.read(member)
                for member in archive.infolist()
                if _below_root(member.filename).startswith(_PROGRAM)
                and member.filename.endswith(".py")
                and member.file_size < _MOST_PROGRAM
            ]
    except BROKEN as error:
        raise BrokenZip(f"{path}: the program of this archive is damaged: {error}.") from error
    return any(_SIGMOID in text for text in program) and not any(_GELU in text for text in program)


def read_torchscript(path: Path) -> dict[str, Any]:
    """Give the tensors of a TorchScript archive by name. Raises `InputError` if it is invalid."""
    try:
        with open_zip(path) as archive:
            _refuse_bomb(archive, path)
            name = next(n for n in archive.namelist() if _below_root(n) == "data.pkl")
            reader = _Reader(archive, name.removesuffix("data.pkl"), archive.read(name))
            root = reader.load()
    except (
        StopIteration, zipfile.BadZipFile, pickle.UnpicklingError, EOFError, LookupError, OSError,
        ValueError, TypeError, AttributeError, RuntimeError, MemoryError, OverflowError, zlib.error,
    ) as error:  # fmt: skip
        raise InputError(
            f"{path}: is a TorchScript archive that is damaged, or has another form than CLIP's "
            f"({error}). Save the model's state_dict() instead."
        ) from error
    return dict(_tensors(root, "", depth=0))


def _refuse_bomb(archive: zipfile.ZipFile, path: Path) -> None:
    """Raise `UnpicklingError` for an archive that unpacks to much more than its size.

    Torch stores tensors as they are, and compresses programs only.
    """
    unpacked = sum(member.file_size for member in archive.infolist())
    if unpacked > _MOST_PROGRAM + _MOST_PACKED * path.stat().st_size:
        raise pickle.UnpicklingError(f"it unpacks to {unpacked:,} bytes, a zip bomb")


def _below_root(name: str) -> str:
    """Give a member's name below the archive's only folder."""
    return name.partition("/")[2]


class _Module:
    """A module or any other object of the program: only its attributes are kept."""

    def __init__(self, *_: object) -> None:
        self.values: dict[str, Any] = {}

    def __setstate__(self, state: object) -> None:
        if isinstance(state, dict):
            self.values = state


class _Reader(pickle.Unpickler):
    """Builds tensors, plain values and `_Module`; refuses everything else."""

    def __init__(self, archive: zipfile.ZipFile, root: str, data: bytes) -> None:
        super().__init__(io.BytesIO(data))
        self._archive, self._root = archive, root
        self._storages: dict[str, Any] = {}

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401 - a class or a function
        """Give what stands for a class of the archive."""
        import torch

        if module.startswith("__torch__"):
            return _Module
        known: dict[tuple[str, str], Callable[..., Any]] = {
            ("torch._utils", "_rebuild_tensor_v2"): self._tensor,
            ("torch._utils", "_rebuild_parameter"): _first,
            ("collections", "OrderedDict"): collections.OrderedDict,
        }
        if (module, name) in known:
            return known[module, name]
        if module == "torch.jit._pickle":  # lists of numbers, which a model has no weights in
            return _first
        if module == "torch" and name in _DTYPES:
            return getattr(torch, _DTYPES[name])
        raise pickle.UnpicklingError(f"it contains an object of {module}.{name}")

    def persistent_load(self, pid: Any) -> Any:  # noqa: ANN401 - as in pickle
        """Give a flat tensor with the values of a storage."""
        import torch

        _, dtype, key, _, count = pid
        if not isinstance(key, str) or "/" in key:
            raise pickle.UnpicklingError(f"it names the storage {key!r}")
        if key not in self._storages:
            data = bytearray(self._archive.read(f"{self._root}data/{key}"))
            if len(data) < count * dtype.itemsize:
                raise pickle.UnpicklingError(f"the storage {key!r} is cut off")
            self._storages[key] = (
                torch.frombuffer(data, dtype=dtype, count=count) if count else torch.empty(0)
            )
        return self._storages[key]

    @staticmethod
    def _tensor(storage: Any, offset: int, size: Any, stride: Any, *_: object) -> Any:  # noqa: ANN401
        import torch

        if (count := math.prod(size)) == 0:
            return torch.empty(size, dtype=storage.dtype)
        last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
        fits = count <= len(storage) and last < len(storage)
        if not fits or offset < 0 or min(stride, default=0) < 0:
            raise pickle.UnpicklingError("a tensor reaches beyond its storage")
        return torch.as_strided(storage, size, stride, offset).clone()


def _first(value: object, *_: object) -> object:
    return value


def _tensors(module: object, prefix: str, depth: int) -> Iterator[tuple[str, Any]]:
    """Yield the tensors of a module and of the modules below it, with their names."""
    import torch

    if depth > 30 or not isinstance(module, _Module):
        return
    for name, value in module.values.items():
        if isinstance(value, torch.Tensor):
            yield f"{prefix}{name}", value
        else:
            yield from _tensors(value, f"{prefix}{name}.", depth + 1)
