"""A CLIP of open_clip's: which one, loading it safely, images and texts to vectors.

Fast and the same for any company: every batch has the same shape (its tail padded), so a vector
depends neither on the other items nor on how many there are; a text is cut after its end token,
which a causal text tower cannot notice; half precision on a GPU is fp16, nine times nearer to fp32
than bf16.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from stages.clip_source import ClipSource, open_clip_library
from stages.clip_text import causal_tower, encode_cut
from stages.clip_weights import create_model

if TYPE_CHECKING:
    import torch

Vectors = NDArray[np.float32]

_IMAGES = {"cpu": 32, "cuda": 256}
_TEXTS = {"cpu": 16, "cuda": 512}
_TOKENS = 8
"""Texts are padded to a multiple of so many tokens: few shapes, little waste."""


class Clip:
    """A loaded model."""

    def __init__(self, source: ClipSource, device: str) -> None:
        self.source = source
        self.device = device
        self.model: Any = create_model(source, device).eval()
        self.tokenizer = open_clip_library().get_tokenizer(source.model)
        self.preprocess: dict[str, Any] = open_clip_library().get_model_preprocess_cfg(self.model)
        self._kind = device.partition(":")[0]

    @property
    def width(self) -> int:
        """Numbers in a vector."""
        return int(self._texts_of(self.tokenizer(["a"])).shape[1])

    @property
    def image_batch(self) -> int:
        """Images that go through the model at once."""
        return _IMAGES[self._kind]

    def encode_images(self, pixels: NDArray[np.uint8]) -> Vectors:
        """Give the unit vectors of images, N x height x width x 3 of the model's own size."""
        import torch

        found = []
        for start in range(0, len(pixels), self.image_batch):
            chunk = pixels[start : start + self.image_batch]
            batch = np.zeros((self.image_batch, *pixels.shape[1:]), np.uint8)
            batch[: len(chunk)] = chunk
            images = torch.from_numpy(batch)
            if self._kind == "cuda":
                images = images.pin_memory().to(self.device, non_blocking=True)
            found.append(self._images_of(images)[: len(chunk)])
        return np.concatenate(found) if found else np.zeros((0, self.width), np.float32)

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Give the unit vectors of texts."""
        if not texts:
            return np.zeros((0, self.width), np.float32)
        tokens = self.tokenizer(list(texts))
        found: Vectors | None = None
        for chosen, batch in self._text_batches(tokens):
            vectors = self._texts_of(batch)[: len(chosen)]
            if found is None:
                found = np.empty((len(texts), vectors.shape[1]), np.float32)
            found[chosen] = vectors
        assert found is not None  # there is a text
        return found

    def _text_batches(self, tokens: torch.Tensor) -> Iterator[tuple[NDArray[np.int64], Any]]:
        """Cut texts of one length together, in batches of one shape."""
        import torch

        tower = self._causal_tower()
        if tower is None:
            lengths = np.full(len(tokens), tokens.shape[1])
        else:
            ends = tokens.argmax(1).numpy() + 1
            lengths = np.minimum(-(-ends // _TOKENS) * _TOKENS, tokens.shape[1])
        size = _TEXTS[self._kind]
        for length in np.unique(lengths):
            alike = np.flatnonzero(lengths == length)
            for start in range(0, len(alike), size):
                chosen = alike[start : start + size]
                filled = np.resize(chosen, size)
                yield chosen, tokens[torch.from_numpy(filled), :length]

    def _causal_tower(self) -> Any | None:  # noqa: ANN401 - a module of open_clip's
        """Give the text tower where what follows the end token cannot matter, else None."""
        return causal_tower(self.model, self.tokenizer)

    def _texts_of(self, tokens: torch.Tensor) -> Vectors:
        import torch
        from torch.nn import functional

        tokens = tokens.to(self.device)
        tower = self._causal_tower()
        with torch.inference_mode(), self._autocast():
            found = self.model.encode_text(tokens) if tower is None else encode_cut(tower, tokens)
            unit: Vectors = functional.normalize(found.float(), dim=-1).cpu().numpy()
        return unit

    def _images_of(self, images: torch.Tensor) -> Vectors:
        import torch
        from torch.nn import functional

        mean, std = (
            torch.tensor(self.preprocess[name], device=self.device).view(3, 1, 1) * 255
            for name in ("mean", "std")
        )
        with torch.inference_mode(), self._autocast():
            planes = (images.permute(0, 3, 1, 2).float() - mean) / std
            found = self.model.encode_image(planes)
            unit: Vectors = functional.normalize(found.float(), dim=-1).cpu().numpy()
        return unit

    def _autocast(self) -> AbstractContextManager[Any]:
        import torch

        if self._kind == "cuda":
            half: AbstractContextManager[Any] = torch.autocast("cuda", torch.float16)
            return half
        return nullcontext()

    def plain(self, image: Any, text: str) -> float:  # noqa: ANN401 - a PIL image
        """Score a pair as the usual loop does: open_clip's own transform, one by one, fp32."""
        import torch
        from open_clip.transform import PreprocessCfg, image_transform_v2

        transform = image_transform_v2(PreprocessCfg(**self.preprocess), is_train=False)
        with torch.inference_mode():
            pixels = transform(image)[None].to(self.device)
            vector = self.model.encode_image(pixels, normalize=True)
            tokens = self.tokenizer([text]).to(self.device)
            return float((vector * self.model.encode_text(tokens, normalize=True)).sum())


@functools.lru_cache(maxsize=1)
def load_clip(source: ClipSource, device: str | None) -> Clip:
    """Give the model, loaded once a process. Raises `InputError` where its weights do not load."""
    import torch

    return Clip(source, device or ("cuda" if torch.cuda.is_available() else "cpu"))
