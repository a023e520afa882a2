"""Hostile bytes for the readers of outside files, and what every reader owes its user.

A reader answers with what it read, or with one line that names the file: no other exception, no
endless loop, no memory beyond the limit, and no file where none belongs.
"""

import multiprocessing.forkserver
import resource
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from pipeline.child import preload
from pipeline.errors import SkyScriptError

LONGEST = 20
"""Seconds that a reader may take for a small file, on a busy machine."""
MOST_MEMORY = 2 << 30
"""Bytes of address space that a reader may take for a small file."""
NATIVE = ("osmium", "duckdb", "rasterio", "stages.extract.reading", "skyscript.backends.folder")
"""What the child processes of readers import once."""
LIES = [
    *(b"\x00", b"\x01", b"\x7f", b"\x80", b"\xff"),
    *(b"\xff\xff\xff\x7f", b"\xff\xff\xff\xff", b"\x00\x00\x00\x80", b"\x7f\xff\xff\xff"),
    *(b"\xff" * 8, b"\xff" * 9 + b"\x01", b"\xff" * 7 + b"\x7f", b"\x00" * 8, b"0777777777777"),
    *(b"nan", b"-1", b"1e999", b"\xed\xa0\x80", b"\xc3", b"../", b"=1+1", b"\r\n"),
]
"""Bytes that are often a length, a count or a name that lies."""
TEXTS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        [
            *(
                "",
                " ",
                "\0",
                "\x1b[31mred",
                "\u202egnp.elppa\u202c",
                "\u2028",
                "a\nb",
                "\r\n",
                "\x7f",
            ),
            *("=1+1", "+1", "-1", "@SUM(A1)", "=cmd|' /C calc'!A0", '"', '""', "',", "\t"),
            *(
                "<script>alert(1)</script>",
                "<img src=x onerror=a>",
                "&amp;",
                "{{7*7}}",
                "${x}",
                "%s",
            ),
            *("yes;no", ";", "a" * 255, "é" * 255, "\U0001f3e0" * 255, "\ufeff", "\u0301" * 50),
            *("9" * 300, "1e999", "nan", "-0", "1_000", "\u0663", "../../etc/passwd", "C:\\x"),
        ]
    ),
)
"""Texts as anybody may write them into a map or a table."""


def examples(count: int, *suppressed: HealthCheck) -> settings:
    """Give settings for so many examples of a slow reader, and as many more in a long run."""
    return settings(
        max_examples=count * max(settings().max_examples // 100, 1),
        suppress_health_check=[*settings().suppress_health_check, *suppressed],
    )


@st.composite
def damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    """Give a file's bytes with one to four of them flipped, lied about, lost, moved or cut off."""
    data = bytearray(whole)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(len(data) - 1, 0)))
        length = draw(st.integers(1, 64))
        match draw(st.sampled_from(["flip", "flip", "lie", "lie", "any", "lose", "move", "cut"])):
            case "flip":
                if data:
                    data[at] ^= 1 << draw(st.integers(0, 7))
            case "lie":
                lie = draw(st.sampled_from(LIES))
                data[at : at + len(lie)] = lie
            case "any":
                new = draw(st.binary(min_size=1, max_size=8))
                data[at : at + len(new)] = new
            case "lose":
                del data[at : at + length]
            case "move":
                to = draw(st.integers(0, max(len(data) - 1, 0)))
                data[to:to] = data[at : at + length]
            case "cut":
                del data[at:]
    return bytes(data)


@contextmanager
def limited() -> Iterator[None]:
    """Fail if what runs inside takes too long or too much memory."""
    preload(*NATIVE)
    multiprocessing.forkserver.ensure_running()  # else all later child processes have the limit
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    before = signal.signal(signal.SIGALRM, _too_long)
    resource.setrlimit(resource.RLIMIT_AS, (taken + MOST_MEMORY, hard))
    signal.alarm(LONGEST)
    try:
        yield
    finally:
        signal.alarm(0)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
        signal.signal(signal.SIGALRM, before)


def _too_long(_signal: int, _frame: FrameType | None) -> None:
    raise TimeoutError(f"the reader took over {LONGEST} s")


def check_reader(read: Callable[[Path], object], path: Path, *, named: str | None = None) -> bool:
    """Read a file; tell whether it could be read. Fails unless an error is one line of ours.

    ``named`` is what the line must contain: by default the name of the file.
    """
    inside = path.parent
    around = set(inside.parent.iterdir())
    try:
        with limited():
            read(path)
    except SkyScriptError as error:
        message = str(error)
        assert (path.name if named is None else named) in message, message
        assert "\n" not in message.strip(), repr(message)
        assert message.isprintable(), repr(message)
        assert len(message) < 2000, len(message)
        is_read = False
    else:
        is_read = True
    assert set(inside.parent.iterdir()) == around, "the reader wrote outside of its folder"
    return is_read
