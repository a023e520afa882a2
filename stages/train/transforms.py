"""Image transforms for training and validation.

The training transform is open_clip's, with a random quarter turn before the pixels become a tensor,
as published. An assertion checks that the turn is included, because a newer open_clip transform
silently lacked it. Workers return pixels as bytes, and the device normalises them: the numbers are
the same, and four times fewer bytes are copied.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from PIL import Image
from torchvision import transforms

from skyscript import chance
from stages.train.config import TrainConfig

Transform = Callable[[Image.Image], torch.Tensor]
_TURNS = (None, Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270)


class QuarterTurn:
    """Rotates an image by 0, 90, 180 or 270 degrees at random, without interpolation."""

    def __call__(self, image: Image.Image) -> Image.Image:
        """Rotate the image."""
        turn = random.choice(_TURNS)
        return image if turn is None else image.transpose(turn)


def training_transform(preprocess: Mapping[str, Any], config: TrainConfig) -> Any:  # noqa: ANN401
    """Return the augmenting transform of a model, with the quarter turn."""
    from open_clip.transform import PreprocessCfg, image_transform_v2

    settings = PreprocessCfg(**{**preprocess, "interpolation": config.image_interpolation})
    whole = image_transform_v2(settings, is_train=True, aug_cfg=config.aug_cfg.open_clip())
    steps = list(whole.transforms)
    if config.random_rotation:
        steps.insert(_to_tensor(steps), QuarterTurn())
    found = transforms.Compose(_as_bytes(steps))
    turns = sum(isinstance(step, QuarterTurn) for step in found.transforms)
    assert turns == config.random_rotation, "the rotation must be in the transform"
    return found


def plain_transform(preprocess: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a torchvision Compose
    """Return the transform for validation. It gives bytes."""
    from open_clip.transform import PreprocessCfg, image_transform_v2

    whole = image_transform_v2(PreprocessCfg(**preprocess), is_train=False)
    return transforms.Compose(_as_bytes(list(whole.transforms)))


def _to_tensor(steps: list[Any]) -> int:
    """Find the step that makes a tensor by its class: timm and open_clip use different classes."""
    return next(i for i, step in enumerate(steps) if isinstance(step, transforms.ToTensor))


def _as_bytes(steps: list[Any]) -> list[Any]:
    """Return the steps that give bytes, if only the normalisation follows the tensor."""
    at = _to_tensor(steps)
    if len(steps) == at + 2 and isinstance(steps[at + 1], transforms.Normalize):
        return [*steps[:at], transforms.PILToTensor()]
    return steps


@contextmanager
def seeded_draws(seed: int, key: str) -> Iterator[None]:
    """Seed all random generators from seed and key inside this context, and restore them after."""
    number = int(chance.uniform(seed, key, "augmentation") * 2**53)
    before = random.getstate(), np.random.get_state(), torch.get_rng_state()
    random.seed(number)
    np.random.seed(number % 2**32)
    torch.random.default_generator.manual_seed(number)
    try:
        yield
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])
        torch.set_rng_state(before[2])
