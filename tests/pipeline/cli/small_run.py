"""A run on a map of four objects, with simulated tiles: what its commands read."""

from pathlib import Path

import yaml

from tests.conftest import skyscript

WHEN = "t2024-06-01T12:00:00Z"
OPL = "\n".join(
    [
        f"n1 v3 dV {WHEN} Tamenity=fountain,name=%5b%red%5d%%1b%%5b%31m%202e% x9.5210 y47.1410",
        f"n2 v1 dV {WHEN} Tname=nothing,natural=tree x9.5260 y47.1450",
        f"n10 v1 dV {WHEN} x9.5230 y47.1430",
        f"n11 v1 dV {WHEN} x9.5232 y47.1430",
        f"n12 v1 dV {WHEN} x9.5232 y47.1432",
        f"n13 v1 dV {WHEN} x9.5230 y47.1432",
        f"w5 v1 dV {WHEN} Tbuilding=church Nn10,n11,n12,n13,n10",
        f"w6 v1 dV {WHEN} Tbuilding=barn Nn10,n99,n98,n10",
    ]
)
"""A fountain whose name holds rich markup, a colour code and a sign that turns text around; a tree;
a church; a barn whose nodes are missing."""


def write_config(folder: Path, **blocks: object) -> Path:
    """Write the map, and a config for it with two objects drawn and some blocks changed."""
    (folder / "map.opl").write_text(OPL + "\n")
    config = {
        "extract": {"path": "map.opl"},
        "sources": {"SIM": {"backend": "simulated", "gsd": [0.2, 0.6], "year": 2024}},
        "sample": {"max_objects": 2},
        "runner": {"executor": "serial", "workers": 1},
        **blocks,
    }
    path = folder / "small.yaml"
    path.write_text(yaml.safe_dump(config))
    return path


def build(folder: Path, *options: object, **blocks: object) -> Path:
    """Build the run; give its folder."""
    done = skyscript("run", write_config(folder, **blocks), "--out", folder / "run", *options)
    assert done.returncode == 0, done.stderr
    return folder / "run"
