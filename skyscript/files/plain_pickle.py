"""Loads a pickle only if it contains plain values: dict, list, tuple, str, int, float.

A pickle is a small program, and Python's reader runs it: it calls the functions that the file
names. Even without calls, a file of ten bytes can allocate 64 GB (by an index of the memo). So a
regular expression checks the whole program first. It matches only operations that build plain
values, with bounded arguments; a program that does not match is never run. The code of an operation
determines its length, so the expression never backtracks and its time is linear.
"""

from __future__ import annotations

import functools
import io
import pickle
import pickletools
import re
from typing import NoReturn

MAX_TUPLES = 8
"""Maximum number of tuples; a meta has two. Many tuples as dict keys could collide on purpose."""
MAX_TEXT = 4 * 255
"""Maximum bytes of a text: OSM's limit is 255 characters."""

_CODE_NAMES = frozenset({"GLOBAL", "INST", "STACK_GLOBAL"})
_KNOWN = frozenset("}]suaet(.hjqrGKMJX\x80\x85\x86\x87\x8c\x94\x95")


class NotPlainError(ValueError):
    """The bytes are not a pickle of plain values; the message gives the reason, not the file."""


def loads(data: bytes) -> object:
    """Give the value of a plain pickle of protocol 2 to 5, or raise `NotPlainError`.

    It needs up to 100 bytes of memory for each byte of data, so the caller must limit the size. The
    keys of a dict can have any plain type.
    """
    body = _body(data)
    if _HALF_CHARACTER.search(body):  # in a text, or by chance in the bytes of a float
        _check_texts(data)
    # One frame around the program: Python's reader skips the rest of a frame if an operation
    # crosses the frame's end. Inside one frame, it reads the bytes in order.
    frame = _START + len(body).to_bytes(8, "little") + body
    try:
        return _Unpickler(io.BytesIO(frame)).load()
    except UnicodeDecodeError:
        raise NotPlainError(_NO_TEXT) from None
    except (pickle.UnpicklingError, EOFError, *_WRONG_STACK) as error:
        raise NotPlainError(_BROKEN) from error


_START = b"\x80\x04\x95"
"""Protocol 4 and the operation FRAME; the length of the frame follows."""
_ONE_FRAME = 1 << 16
"""Bytes; a pickle with several frames is larger."""
_FRAME_SIZE = 9
_BROKEN = "is cut off or is no pickle"
_NO_TEXT = "holds text that is not valid UTF-8"
_WRONG_STACK = (TypeError, AttributeError, LookupError, ValueError, OverflowError)
"""The errors that the reader raises if an operation gets a value of a wrong type."""
_HALF_CHARACTER = re.compile(rb"\xed[\xa0-\xbf]")
"""UTF-8 of a lone surrogate: the reader accepts it, but it is not valid text."""


class _Unpickler(pickle.Unpickler):
    """Rejects code and references again; the expression already rejects them."""

    def find_class(self, module_name: str, global_name: str, /) -> NoReturn:
        raise pickle.UnpicklingError(f"{module_name}.{global_name}")

    def persistent_load(self, pid: object, /) -> NoReturn:  # noqa: ARG002
        raise pickle.UnpicklingError("persistent id")


@functools.cache
def _program() -> re.Pattern[bytes]:
    """Give the expression that a whole plain pickle matches; pickletools documents the codes."""
    step = b"|".join(
        [
            rb"[}\](suae\x94]",  # empty dict or list, mark, items, memoize
            rb"\x8c(?:" + _texts(1) + rb")",
            rb"X(?:" + _texts(4) + rb")",
            rb"[hq].",  # get, put: an index
            rb"j....",
            rb"r..[\0-\7]\0",  # put; the reader allocates twice the index
            rb"G.{8}|K.|M..|J....",  # numbers
        ]
    )
    steps = rb"(?:" + step + rb")*+"
    some_tuples = rb"(?:[t\x85-\x87]" + steps + rb"){0,%d}+" % MAX_TUPLES
    return re.compile(rb"\x80[\2-\5](?:\x95.{8})?+(" + steps + some_tuples + rb"\.)", re.DOTALL)


def _texts(size_bytes: int) -> bytes:
    """Give the expression of a text and its length: one branch for each length."""
    lengths = range(min(MAX_TEXT, 256**size_bytes - 1) + 1)
    return b"|".join(
        re.escape(length.to_bytes(size_bytes, "little")) + b".{%d}" % length for length in lengths
    )


def _body(data: bytes) -> bytes:
    """Give the operations of a plain pickle, without protocol and frames."""
    plain = _program().fullmatch(data)
    if not plain and len(data) > _ONE_FRAME:
        plain = _program().fullmatch(_without_frames(data))
    return plain[1] if plain else _explain(data)


def _without_frames(data: bytes) -> bytes:
    """Remove the FRAME operations of a pickle; they are only hints for streaming readers.

    Gives empty bytes if the operations cannot be listed.
    """
    try:
        operations = [(operation.name, at or 0) for operation, _, at in pickletools.genops(data)]
    except Exception:  # pickletools raises many classes; `_explain` reports the problem
        return b""
    frames = [at for name, at in operations if name == "FRAME"]
    starts, ends = [0, *(at + _FRAME_SIZE for at in frames)], [*frames, len(data)]
    return b"".join(data[start:end] for start, end in zip(starts, ends, strict=True))


def _check_texts(data: bytes) -> None:
    try:
        for _, argument, _ in pickletools.genops(data):
            if isinstance(argument, str):
                argument.encode()
    except UnicodeError:
        raise NotPlainError(_NO_TEXT) from None


def _explain(data: bytes) -> NoReturn:
    """Raise `NotPlainError` that names the problem; lists the operations, does not run them."""
    texts: list[str] = ["", ""]
    try:
        for operation, argument, _ in pickletools.genops(data):
            if operation.name in _CODE_NAMES:
                named = argument if isinstance(argument, str) else ".".join(texts[-2:])
                raise NotPlainError(f"names code ({named[:200]!a}), which is not loaded")
            if operation.code not in _KNOWN:
                raise NotPlainError(f"uses the pickle operation {operation.name}, which is not run")
            if isinstance(argument, str):
                texts = [texts[-1], argument]
    except NotPlainError:
        raise
    except Exception as error:  # pickletools raises many classes
        raise NotPlainError(_BROKEN) from error
    raise NotPlainError(
        f"is no meta file: it has a text of more than {MAX_TEXT} bytes, more than {MAX_TUPLES} "
        "tuples or a protocol that is not known"
    )
