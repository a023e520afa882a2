"""Reads a pickle only after proof that it holds plain values: dict, list, tuple, str, int, float.

A pickle is a small program, and Python's reader runs it: it calls what the file names, and even
where that is refused a file of ten bytes can make it ask for 64 GB (an index of its memo). So a
regular expression first goes through the whole program. It knows only the operations that build
plain values, each with its arguments bounded; what it does not match is never run. Every operation
begins with its code, which says how long it is, so there is one way to read a program and the
expression never goes back: its time is linear.
"""

from __future__ import annotations

import functools
import io
import pickle
import pickletools
import re
from typing import NoReturn

MAX_TUPLES = 8
"""Box and time are two. Many tuples, unlike texts and numbers, could collide as keys of a dict."""
MAX_TEXT = 4 * 255
"""Bytes of a text: OSM's limit is 255 characters."""

_CODE_NAMES = frozenset({"GLOBAL", "INST", "STACK_GLOBAL"})
_KNOWN = frozenset("}]suaet(.hjqrGKMJX\x80\x85\x86\x87\x8c\x94\x95")


class NotPlainError(ValueError):
    """The bytes are no pickle of plain values; the message says why, without the file's name."""


def loads(data: bytes) -> object:
    """Give the value of a plain pickle of protocol 2 to 5, or raise `NotPlainError`.

    It takes up to 100 bytes of memory for a byte read, so the caller bounds the size. A dict may
    have keys that are no text.
    """
    body = _body(data)
    if _HALF_CHARACTER.search(body):  # in a text, or by chance in the bytes of a float
        _check_texts(data)
    # One frame around all of it: Python's reader takes a frame into memory and reads it in order,
    # but skips what is left of a frame that another operation reaches out of.
    frame = _START + len(body).to_bytes(8, "little") + body
    try:
        return _Unpickler(io.BytesIO(frame)).load()
    except UnicodeDecodeError:
        raise NotPlainError(_NO_TEXT) from None
    except (pickle.UnpicklingError, EOFError, *_WRONG_STACK) as error:
        raise NotPlainError(_BROKEN) from error


_START = b"\x80\x04\x95"
"""Protocol 4 and the operation of a frame, whose length follows."""
_ONE_FRAME = 1 << 16
"""Bytes; a pickler begins another frame only beyond it."""
_FRAME_SIZE = 9
_BROKEN = "is cut off or is no pickle"
_NO_TEXT = "holds text that is not valid UTF-8"
_WRONG_STACK = (TypeError, AttributeError, LookupError, ValueError, OverflowError)
"""What the reader raises where an operation meets a value that it cannot work on."""
_HALF_CHARACTER = re.compile(rb"\xed[\xa0-\xbf]")
"""UTF-8 of a lone surrogate, which the reader lets pass and which no file can hold as text."""


class _Unpickler(pickle.Unpickler):
    """Refuses code and references a second time; the expression has let none through."""

    def find_class(self, module_name: str, global_name: str, /) -> NoReturn:
        raise pickle.UnpicklingError(f"{module_name}.{global_name}")

    def persistent_load(self, pid: object, /) -> NoReturn:  # noqa: ARG002
        raise pickle.UnpicklingError("persistent id")


@functools.cache
def _program() -> re.Pattern[bytes]:
    """Give the expression that a whole plain pickle matches; the codes are those of pickletools."""
    step = b"|".join(
        [
            rb"[}\](suae\x94]",  # empty dict or list, mark, items, memoize
            rb"\x8c(?:" + _texts(1) + rb")",
            rb"X(?:" + _texts(4) + rb")",
            rb"[hq].",  # get, put: with the index
            rb"j....",
            rb"r..[\0-\7]\0",  # put; the reader makes room for twice the index
            rb"G.{8}|K.|M..|J....",  # numbers
        ]
    )
    steps = rb"(?:" + step + rb")*+"
    some_tuples = rb"(?:[t\x85-\x87]" + steps + rb"){0,%d}+" % MAX_TUPLES
    return re.compile(rb"\x80[\2-\5](?:\x95.{8})?+(" + steps + some_tuples + rb"\.)", re.DOTALL)


def _texts(size_bytes: int) -> bytes:
    """Give the expression of a text after its length: one branch a length."""
    lengths = range(min(MAX_TEXT, 256**size_bytes - 1) + 1)
    return b"|".join(
        re.escape(length.to_bytes(size_bytes, "little")) + b".{%d}" % length for length in lengths
    )


def _body(data: bytes) -> bytes:
    """Give the operations without protocol and frames, all of them known to be plain."""
    plain = _program().fullmatch(data)
    if not plain and len(data) > _ONE_FRAME:
        plain = _program().fullmatch(_without_frames(data))
    return plain[1] if plain else _explain(data)


def _without_frames(data: bytes) -> bytes:
    """Cut out the frames' lengths, hints for readers from a stream, of a pickle that has several.

    Gives nothing where the operations cannot be listed.
    """
    try:
        operations = [(operation.name, at or 0) for operation, _, at in pickletools.genops(data)]
    except Exception:  # whatever broken bytes raise in pickletools; `_explain` says it
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
    """Say what in a program is not plain; its operations are listed, not run."""
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
    except Exception as error:  # whatever broken bytes raise in pickletools
        raise NotPlainError(_BROKEN) from error
    raise NotPlainError(
        f"is no meta file: it has a text of more than {MAX_TEXT} bytes, more than {MAX_TUPLES} "
        "tuples or a protocol that is not known"
    )
