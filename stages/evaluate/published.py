"""Published figures of the benchmarks, for comparison, and their published counts, for checks."""

from __future__ import annotations

from typing import NamedTuple


class Published(NamedTuple):
    """The published figures of a model."""

    name: str
    mean_top1: float | None = None
    """Mean over the seven scene sets, in percent."""
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
