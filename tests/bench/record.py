"""The result of a benchmark as a JSON file in ``docs/bench``, from which README's table is made."""

import json
import os
import platform
from importlib.metadata import PackageNotFoundError, version

from tests.conftest import REPOSITORY

FOLDER = REPOSITORY / "docs" / "bench"
LIBRARIES = ("numpy", "pyarrow", "rasterio", "osmium", "torch", "open_clip_torch", "pillow")


def record(name: str, *, what: str, against: str, ratio: float) -> None:
    """Write what was measured, against which peer, how many times faster, and on what machine."""
    found = {
        "what": what,
        "against": against,
        "ratio": float(f"{ratio:.3g}"),
        "machine": _machine(),
    }
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{name}.json"
    path.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")


def _machine() -> dict[str, object]:
    found = {}
    for library in LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            continue
    return {
        "cores": os.cpu_count(),
        "processor": platform.machine(),
        "python": platform.python_version(),
        "libraries": found,
    }
