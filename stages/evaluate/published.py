"""Published figures of the benchmarks, for comparison, and their published counts, for checks."""

from __future__ import annotations

from typing import NamedTuple


class Published(NamedTuple):
    """The published figures of a model."""

    name: str
    mean_top1: float | None = None
    """Mean over the seven scene sets, in percent."""
    top1: dict[str, float] = {}  # noqa: RUF012 - never written to
    """By scene set, top-1, in percent."""
    recalls: dict[str, tuple[float, float]] = {}  # noqa: RUF012 - never written to
    """By retrieval set, the mean recalls image to text and text to image, in percent."""


MODELS = (
    Published("CLIP ViT-B-32 laion2b_e16", 49.66),
    Published("SkyCLIP_ViT_B32_top50pct", 53.02),
    Published("CLIP ViT-L-14 openai", 53.76),
    Published("CLIP_ViT_L14_LAION_RS", 57.87),
    Published("SkyCLIP-20 (ViT-L-14)", 59.81),
    Published("SkyCLIP_ViT_L14_top30pct", 59.91),
    Published("SkyCLIP_ViT_L14_top50pct", 59.93),
    Published("SkyCLIP_ViT_L14_top30pct_filtered_by_CLIP_laion_RS", 60.69),
    Published(
        "SkyCLIP_ViT_L14_top30pct_multi_objects",
        recalls={
            "SkyScript": (8.53, 7.73),
            "RSICD": (23.70, 19.97),
            "RSITMD": (30.75, 30.58),
            "ucmcaptions": (72.22, 59.33),
        },
    ),
)

FARSLIP = "FarSLIP"
"""Marks figures that the authors of FarSLIP computed on SkyScript's CSVs, for all models alike."""
_FARSLIP_SETS = (
    "aid", "eurosat", "fmow", "millionaid", "patternnet", "nwpu", "rsicb256", "SkyScript_cls",
)  # fmt: skip


def _farslip(
    name: str,
    mean_top1: float,
    *top1: float,
    recalls: dict[str, tuple[float, float]] | None = None,
) -> Published:
    """Give the figures of a model in FarSLIP's tables, with top-1 in the order of its sets."""
    sets = dict(zip(_FARSLIP_SETS, top1, strict=True))
    return Published(f"{name} [{FARSLIP}]", mean_top1, sets, recalls or {})


FARSLIP_MODELS = (
    _farslip("CLIP ViT-B-32", 40.71, 58.00, 22.00, 15.61, 51.62, 52.97, 54.82, 29.92, 32.37),
    _farslip(
        "RemoteCLIP ViT-B-32",
        48.89, 88.10, 28.52, 11.15, 45.50, 55.95, 69.10, 43.91, 27.67,
        recalls={"RSICD": (33.7, 28.1), "RSITMD": (45.7, 42.8), "ucmcaptions": (77.1, 73.5)},
    ),
    _farslip(
        "SkyCLIP ViT-B-32",
        53.03, 70.90, 33.33, 19.23, 62.72, 72.19, 66.63, 46.20, 52.92,
        recalls={"RSICD": (21.2, 19.7), "RSITMD": (29.1, 30.1), "ucmcaptions": (66.7, 58.7)},
    ),
    _farslip("GeoRSCLIP ViT-B-32", 59.09, 69.75, 41.33, 37.14, 71.60, 77.00, 69.90, 46.93, 51.92),
    _farslip(
        "FarSLIP-s2 ViT-B-32",
        61.02, 73.30, 49.30, 30.12, 72.05, 80.45, 67.77, 54.17, 53.79,
        recalls={"RSICD": (26.8, 25.0), "RSITMD": (31.9, 35.3), "ucmcaptions": (67.8, 67.0)},
    ),
    _farslip("FarSLIP-s2 ViT-B-16", 62.85, 73.95, 55.52, 35.86, 68.04, 80.82, 71.49, 54.24, 57.98),
    _farslip("LRSCLIP ViT-B-16", 58.80, 69.75, 44.52, 22.66, 67.76, 77.89, 74.28, 54.75, 55.73),
)  # fmt: skip
ALL_MODELS = (*MODELS, *FARSLIP_MODELS)

COUNTS: dict[str, dict[str, int]] = {
    "ucmcaptions": {"images": 210, "texts": 377, "pairs": 1050},
    "roof_shape_v1": {"images": 600},
    "roof_shape_v2": {"images": 600},
}
"""The counts in the published notebooks. If a set has other counts, it has other data."""


def compare_counts(name: str, counted: dict[str, int]) -> list[str]:
    """Return a note for each count that differs from the published one."""
    return [
        f"has {counted[what]:,} {what}, the published set {wanted:,}: not comparable with its "
        "figures"
        for what, wanted in COUNTS.get(name, {}).items()
        if counted[what] != wanted
    ]
