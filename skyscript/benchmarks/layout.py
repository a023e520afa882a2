"""The published layout of benchmarks: the paths under a root, the templates and the prefixes."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from pipeline.errors import InputError

Kind = Literal["scene", "fine_grained", "retrieval"]

PHOTO_AND_IMAGE = ("a satellite photo of {c}.", "a satellite image of {c}")
"""The published templates; the second has no full stop."""


class Benchmark(NamedTuple):
    """A set of images with labels or captions."""

    name: str
    kind: Kind
    csv: str
    """The path of the rows, relative to the root."""
    column: str = "label"
    """The column of labels, or of captions."""
    classnames: str = ""
    """The path of the class names, relative to the root; empty for a set of captions."""
    templates: tuple[str, ...] = PHOTO_AND_IMAGE
    """The texts for a class ``{c}``."""
    prefix: str = ""
    """The text before a caption."""
    images: str = ""
    """The folder of the images, relative to the root."""


def _scene(name: str, csv: str) -> Benchmark:
    return Benchmark(name, "scene", f"{name}/{csv}", classnames=f"{name}/classnames.txt")


def _fine(name: str, version: str, of: str) -> Benchmark:
    return Benchmark(
        f"{name}_{version}",
        "fine_grained",
        f"{name}/img_txt_pairs_test.csv",
        column=f"label_{version}",
        classnames=f"{name}/classnames_{version}.txt",
        templates=(f"a satellite photo of {of}, {{c}}.", f"a satellite image of {of}, {{c}}"),
    )


def _captioned(name: str) -> Benchmark:
    return Benchmark(
        name,
        "retrieval",
        f"{name}/{name}_img_txt_pairs_test.csv",
        column="title",
        templates=(),
        prefix="a satellite image. ",
    )


SCENES = (
    _scene("aid", "aid_img_txt_pairs_test.csv"),
    _scene("eurosat", "eurosat_img_txt_pairs_test.csv"),
    _scene("fmow", "fmow_img_txt_pairs_val.csv"),
    _scene("millionaid", "img_txt_pairs_train.csv"),
    _scene("patternnet", "img_txt_pairs_train.csv"),
    _scene("nwpu", "img_txt_pairs_train.csv"),
    _scene("rsicb256", "img_txt_pairs_train.csv"),
    _scene("SkyScript_cls", "img_txt_pairs_val.csv"),
)
FINE_GRAINED = tuple(
    _fine(name, version, of)
    for name, of in (("roof_shape", "building"), ("smoothness", "road"), ("surface", "road"))
    for version in ("v1", "v2")
)
SKYSCRIPT = "SkyScript"
"""The retrieval test of the dataset itself; its folder contains the CSV and the images."""
RETRIEVAL = (
    _captioned("RSICD"),
    _captioned("RSITMD"),
    _captioned("ucmcaptions"),
    Benchmark(
        SKYSCRIPT,
        "retrieval",
        f"{SKYSCRIPT}/SkyScript_test_30K_filtered_by_CLIP_openai.csv",
        column="title_multi_objects",
        templates=(),
        images=SKYSCRIPT,
    ),
)
SEVEN = tuple(scene.name for scene in SCENES if scene.name != "SkyScript_cls")
"""The sets in the average of the README."""
KNOWN = {known.name: known for known in (*SCENES, *FINE_GRAINED, *RETRIEVAL)}
_GROUPS: dict[str, tuple[Benchmark, ...]] = {
    "scene": SCENES,
    "fine_grained": FINE_GRAINED,
    "retrieval": RETRIEVAL,
    "rsicb": (KNOWN["rsicb256"],),  # the name in the published table of data sets
    **{
        name: tuple(KNOWN[f"{name}_{version}"] for version in ("v1", "v2"))
        for name in ("roof_shape", "smoothness", "surface")
    },
}


def choose_benchmarks(root: Path, names: Sequence[str] | None) -> list[Benchmark]:
    """Give the benchmarks with these names, present or not; by default, all published ones.

    A name is that of a set, of a group (``scene``, ``fine_grained``, ``retrieval``), or of a user's
    folder under the root with the layout of a scene set. Raises `InputError` for other names.
    """
    if not root.is_dir():
        raise InputError(f"{root}: there is no such folder of benchmarks.")
    found: dict[str, Benchmark] = {}
    for name in KNOWN if names is None else names:
        for benchmark in _find_by_name(root, name):
            found.setdefault(benchmark.name, benchmark)
    return list(found.values())


def _find_by_name(root: Path, name: str) -> Sequence[Benchmark]:
    lower = {key.lower(): (value,) for key, value in KNOWN.items()} | _GROUPS
    if name.lower() in lower:
        return lower[name.lower()]
    if name and "/" not in name and name not in {".", ".."} and (root / name).is_dir():
        rows = sorted((root / name).glob("*img_txt_pairs_*.csv"))
        if len(rows) == 1:
            return (_scene(name, rows[0].name),)
        raise InputError(
            f"{root / name}: a set of your own contains one file *img_txt_pairs_*.csv and "
            f"classnames.txt; this folder contains {len(rows)} such files."
        )
    near = difflib.get_close_matches(name.lower(), lower, 1)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    raise InputError(
        f"there is no benchmark {name!r}{hint}; there are {', '.join(KNOWN)}, and the groups "
        "scene, fine_grained, retrieval."
    )


def exists(benchmark: Benchmark, root: Path) -> bool:
    """Tell whether the rows of a benchmark exist under a root."""
    return (root / benchmark.csv).is_file()
