"""Counts what a batch starts on a GPU: `python -m tests.bench.launches [--model ViT-L-14]`.

Without a GPU: the operators of torch that compute something (a view does not) are counted as the
image tower sees a batch without data. Most are one kernel each.
"""

from __future__ import annotations

import argparse
from collections import Counter
from typing import Any

import open_clip
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from skyscript.clip.tower import image_tower


class _Counting(TorchDispatchMode):  # type: ignore[misc] # torch is not typed here
    def __init__(self) -> None:
        super().__init__()
        self.found: Counter[str] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if not func.is_view:
            self.found[func.overloadpacket.__name__] += 1
        return func(*args, **(kwargs or {}))


def count_operators(model: str, images: int) -> Counter[str]:
    """Count the operators of a model's image tower on a batch, in half precision."""
    with torch.device("meta"):
        config = open_clip.get_model_config(model)
        clip = open_clip.CLIP(**config).eval().half()
        side = config["vision_cfg"].get("image_size", 224)
        pixels = torch.empty(images, 3, side, side, dtype=torch.float16)
    tower = image_tower(clip)
    with torch.inference_mode(), _Counting() as counting:
        tower(pixels)
    return counting.found


def main() -> None:
    """Print the counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="ViT-L-14")
    given = parser.parse_args()
    found = count_operators(given.model, 256)
    print(f"{given.model}: {sum(found.values())} operators for a batch of 256 images")
    print(", ".join(f"{name} {count}" for name, count in found.most_common()))


if __name__ == "__main__":
    main()
