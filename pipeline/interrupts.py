"""Stops a command on Ctrl-C or SIGTERM.

The first signal stops it in order: parts that workers make are finished, everything else is
dropped. The second signal ends it at once; worker processes end with it.
"""

from __future__ import annotations

import functools
import os
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_STOPPING = (
    b"\nstopping: waits for the parts or files that are being made; interrupt again to end at "
    b"once\n"
)


class Interrupted(KeyboardInterrupt):
    """The user or the system stops the command."""

    def __init__(self, signum: int) -> None:
        super().__init__(signum)
        self.exit_code = 128 + signum
        """The exit code of a shell for this signal."""


@contextmanager
def raise_interrupted() -> Iterator[None]:
    """Raise `Interrupted` in the block at the first signal; the second one ends the process."""
    received: list[int] = []
    stop = functools.partial(_stop, received)
    before = {signum: signal.signal(signum, stop) for signum in _SIGNALS}
    try:
        yield
    except Interrupted:  # the second signal keeps its meaning until the process has ended
        raise
    except KeyboardInterrupt:  # Ray raises its own
        if received:
            raise Interrupted(received[0]) from None
        raise
    except BaseException:
        _restore(before)
        raise
    _restore(before)


@contextmanager
def hold_back() -> Iterator[None]:
    """Let the block end before a signal has its effect, so that the block is done or not begun.

    A second signal still ends the process at once. Outside the main thread, where no signal
    arrives, it does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {signum: signal.getsignal(signum) for signum in _SIGNALS}
    came: list[int] = []

    def remember(signum: int, _: FrameType | None) -> None:
        came.append(signum)
        for each in _SIGNALS:
            signal.signal(each, signal.SIG_DFL)

    for signum in _SIGNALS:
        signal.signal(signum, remember)
    try:
        yield
    finally:
        if not came:
            _restore(before)
    if came:
        _stop([], came[0], None)


def _restore(handlers: Mapping[signal.Signals, Any]) -> None:
    for signum, handler in handlers.items():
        signal.signal(signum, handler)


def _stop(received: list[int], signum: int, _: FrameType | None) -> NoReturn:
    received.append(signum)
    for each in _SIGNALS:  # the system then ends the process, whatever it waits for
        signal.signal(each, signal.SIG_DFL)
    os.write(2, _STOPPING)  # unbuffered: the signal may interrupt another print
    raise Interrupted(signum)
