"""Where real inputs lie, and running the command line as a user does."""

import contextlib
import io
import logging
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings

from tests.forking import REPOSITORY, command_line, fork_server

# Test processes run side by side: torch and numpy take one thread, in what tests start as well.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Content ids are remembered for the tests only, not in the user's own cache folder.
_CACHE = tempfile.TemporaryDirectory(prefix="skyscript-test-cache-")
_REAL = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
os.environ.setdefault("HF_HOME", str(Path(_REAL) / "huggingface"))
os.environ["XDG_CACHE_HOME"] = _CACHE.name
# The same examples on every machine and in every run; a busy one may take its time.
_WITHOUT = {"deadline": None, "database": None, "phases": set(Phase) - {Phase.explain}}
"""Explaining traces each line, which takes minutes where a library compiles."""
settings.register_profile(
    "same", derandomize=True, suppress_health_check=[HealthCheck.too_slow], **_WITHOUT
)
# HYPOTHESIS_PROFILE=long looks for hours where no example has been, and prints what it finds.
settings.register_profile(
    "long",
    max_examples=5000,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
    **_WITHOUT,
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))
TOWN = REPOSITORY / "data" / "toy" / "town.osm.pbf"
SHARED = REPOSITORY.parent / "shared" / "data"

pytest_plugins = ["tests.buckets"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the files with the most slow tests first, so that no processor is idle at the end."""
    slow = Counter(item.path for item in items if item.get_closest_marker("slow"))
    items.sort(key=lambda item: -slow[item.path])


def extracts(*names: str) -> list[Any]:
    """Give the OSM extracts to test with: the embedded town, and these real ones if present."""
    return [pytest.param(TOWN, id="town"), *real_files(*(f"osm/{name}.osm.pbf" for name in names))]


def real_files(*cases: str | tuple[Any, ...]) -> list[Any]:
    """Give the cases whose real file is present; a case is its name, and what belongs to it."""
    given = [case if isinstance(case, tuple) else (case,) for case in cases]
    return [
        pytest.param(SHARED / name, *more, id=name)
        for name, *more in given
        if (SHARED / name).exists()
    ]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Give the folder of real inputs, or skip where there is none."""
    if not SHARED.is_dir():
        pytest.skip(f"the real inputs are not there: {SHARED}")
    return SHARED


def skyscript(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own; give its exit code and what it said.

    The process is forked: see `tests.forking`. One that runs `COMMAND` imports everything itself.
    """
    words = [str(argument) for argument in arguments]
    needed = OF_MODELS if "torch" in sys.modules else OF_RUNS
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        process = fork_server(*needed).start(command_line, *words, out=out, err=err, cwd=cwd)
        code = process.wait()
        return subprocess.CompletedProcess(words, code, out.read_text(), err.read_text())


OF_RUNS = ["pipeline.cli", "stages", "duckdb", "shapely", "PIL.Image"]
OF_MODELS = [*OF_RUNS, "open_clip"]
"""What commands import, once for all of them; torch too where the tests of this process have it."""


def answered(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command in this process, a second quicker; give its exit code and what it said.

    This is for a command that only asks for something, or is refused: what it imports and changes
    in the process stays.
    """
    from pipeline.cli import main

    words = [str(argument) for argument in arguments]
    out, err = io.StringIO(), io.StringIO()
    code: object = None
    with contextlib.ExitStack() as stack:
        stack.enter_context(_logging_as_at_first())
        stack.enter_context(contextlib.redirect_stdout(out))
        stack.enter_context(contextlib.redirect_stderr(err))
        if cwd is not None:
            stack.enter_context(contextlib.chdir(cwd))
        try:
            main(words)
        except SystemExit as end:
            code = end.code
    assert isinstance(code, int)
    return subprocess.CompletedProcess(words, code, out.getvalue(), err.getvalue())


@contextlib.contextmanager
def _logging_as_at_first() -> Iterator[None]:
    """Take away pytest's handlers of the log, so that a command sets up its own; then set back."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers[:] = []
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)


COMMAND = [sys.executable, "-c", "from pipeline.cli import main; main()"]


def content_of(root: Path) -> dict[str, bytes]:
    """Give what a reader of a run sees: every file but receipts, manifests and markers."""
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and not any(part.startswith("_") for part in path.parts)
    }


def assert_close(
    found: Any,
    expected: Any,
    rtol: float = 1e-5,
    *,
    size: float | None = None,
) -> None:
    """Compare float32 values with room for the rounding of any processor.

    The error that is allowed is ``rtol`` times the largest expected value, for every element: in
    float32 an element near zero is as inexact as the terms that it is the sum of. ``size`` gives
    the size of these terms where all expected values are smaller.
    """
    import numpy as np

    ours, theirs = (
        np.asarray(values.detach().cpu() if hasattr(values, "detach") else values, np.float64)
        for values in (found, expected)
    )
    largest = float(np.abs(theirs).max(initial=0.0)) if size is None else size
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=rtol * largest)
