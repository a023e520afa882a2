"""A loaded CLIP: images and texts to vectors.

A vector does not depend on the other items nor on how many there are: every batch has the same
shape (the last one is filled up). A text is cut after its end token, which a causal text tower
cannot notice.
"""

from __future__ import annotations

import functools
import multiprocessing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skyscript.clip.source import ClipConfig, ClipSource, clip_installed, open_clip_library
from skyscript.clip.text import causal_tower, encode_truncated
from skyscript.clip.tower import Normalise, image_tower
from skyscript.clip.weights import create_model

if TYPE_CHECKING:
    import torch

Vectors = NDArray[np.float32]
Precision = Literal["fp32", "amp"]
"""Of the towers on a GPU: fp32, without TF32; or CUDA's autocast to fp16, which is nine times
nearer to fp32 than bf16. On a CPU the towers always run in fp32."""

_IMAGES = {"cpu": 32, "cuda": 256}
_TEXTS = {"cpu": 16, "cuda": 512}
_TOKENS = 8
"""Texts are padded to a multiple of so many tokens: few shapes, little waste."""


@dataclass
class Clip:
    """A model of open_clip's on its device."""

    model: Any
    tokenizer: Any
    preprocess: Mapping[str, Any]
    """Its preprocessing, as `open_clip.get_model_preprocess_cfg` gives it."""
    device: str
    image_batch: int = 0
    """Images that go through the model at once; 0: as many as suit the device."""

    _memory: tuple[torch.Tensor, torch.Tensor] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        """Choose the batch."""
        self.image_batch = self.image_batch or _IMAGES[self._kind]

    @property
    def _kind(self) -> str:
        return self.device.partition(":")[0]

    @property
    def on_gpu(self) -> bool:
        """Whether the model is on one."""
        return self._kind == "cuda"

    @functools.cached_property
    def width(self) -> int:
        """Numbers in a vector."""
        return int(self._texts_of(self.tokenizer(["a"]), "fp32").shape[1])

    def encode_images(
        self, batches: Iterable[NDArray[np.uint8]], precision: Precision
    ) -> Iterator[Vectors]:
        """Give the vectors of batch after batch, of at most `image_batch` images each.

        An image is height x width x 3 of the model's size. Vectors are as the image tower gives
        them: see `unit`. While a GPU works on a batch, the next one is made and sent.
        """
        working: _Working | None = None
        for number, pixels in enumerate(batches):
            begun = self._begin(pixels, number % 2, precision)
            if working is not None:
                yield working.vectors()
            working = begun
        if working is not None:
            yield working.vectors()

    def _begin(self, pixels: NDArray[np.uint8], turn: int, precision: Precision) -> _Working:
        """Send a batch off, filled up to the one shape; ``turn`` says which of two buffers."""
        import torch

        with torch.inference_mode():
            batch = self._buffers(pixels.shape[1:])[turn]
            batch[: len(pixels)] = torch.from_numpy(pixels)
            batch[len(pixels) :] = 0
            vectors = self._images_of(batch.to(self.device, non_blocking=True), precision)
        if not self.on_gpu:
            return _Working(vectors, len(pixels), None)
        held = torch.empty(vectors.shape, dtype=vectors.dtype, pin_memory=True)
        held.copy_(vectors, non_blocking=True)
        done = torch.cuda.Event()
        done.record(torch.cuda.current_stream(self.device))
        return _Working(held, len(pixels), done)

    def _buffers(self, shape: tuple[int, ...]) -> tuple[torch.Tensor, torch.Tensor]:
        """Give two batches' worth of memory, pinned for a GPU: one is read while one is filled."""
        import torch

        if self._memory is None or self._memory[0].shape[1:] != shape:
            whole = (self.image_batch, *shape)
            made = (torch.empty(whole, dtype=torch.uint8, pin_memory=self.on_gpu) for _ in range(2))
            self._memory = (next(made), next(made))
        return self._memory

    def _images_of(self, images: torch.Tensor, precision: Precision) -> torch.Tensor:
        with self._in(precision):
            planes = self._normalise(images.permute(0, 3, 1, 2)).contiguous()
            vectors: torch.Tensor = self._tower(planes).float()
            return vectors

    @functools.cached_property
    def _tower(self) -> Any:  # noqa: ANN401 - a function or a module of torch's
        return image_tower(self.model)

    @functools.cached_property
    def _normalise(self) -> Normalise:
        return Normalise(self.preprocess, self.device)

    def _in(self, precision: Precision) -> AbstractContextManager[Any]:
        import torch

        if precision == "amp" and self.on_gpu:
            half: AbstractContextManager[Any] = torch.autocast("cuda", torch.float16)
            return half
        return _without_tf32()

    def encode_texts(self, texts: Sequence[str], precision: Precision) -> Vectors:
        """Give the vectors of texts, as the text tower gives them: see `unit`."""
        if not texts:
            return np.zeros((0, self.width), np.float32)
        tokens = self.tokenizer(list(texts))
        found: Vectors | None = None
        for chosen, batch in self._text_batches(tokens):
            vectors = self._texts_of(batch, precision)[: len(chosen)]
            if found is None:
                found = np.empty((len(texts), vectors.shape[1]), np.float32)
            found[chosen] = vectors
        assert found is not None  # there is a text
        return found

    def _text_batches(self, tokens: torch.Tensor) -> Iterator[tuple[NDArray[np.int64], Any]]:
        """Cut texts of one length together, in batches of one shape."""
        import torch

        if self._causal_tower is None:
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

    @functools.cached_property
    def _causal_tower(self) -> Any | None:  # noqa: ANN401 - a module of open_clip's
        """The text tower where what follows the end token cannot matter, else None."""
        return causal_tower(self.model, self.tokenizer)

    def _texts_of(self, tokens: torch.Tensor, precision: Precision) -> Vectors:
        import torch

        tokens, tower = tokens.to(self.device), self._causal_tower
        with torch.inference_mode(), self._in(precision):
            found = (
                self.model.encode_text(tokens) if tower is None else encode_truncated(tower, tokens)
            )
            vectors: Vectors = found.float().cpu().numpy()
        return vectors

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


class _Working(NamedTuple):
    """A batch that a device may still work on."""

    held: torch.Tensor
    images: int
    done: torch.cuda.Event | None

    def vectors(self) -> Vectors:
        """Wait, and give the vectors."""
        if self.done is not None:
            self.done.synchronize()
        found: Vectors = self.held[: self.images].numpy().copy()
        return found


def unit(vectors: Vectors) -> Vectors:
    """Give vectors of length 1."""
    import torch
    from torch.nn import functional

    found: Vectors = functional.normalize(torch.from_numpy(vectors), dim=-1).numpy()
    return found


@contextmanager
def _without_tf32() -> Iterator[None]:
    """Compute in fp32 on a GPU too, where convolutions would take TF32."""
    import torch

    kinds = (torch.backends.cudnn, torch.backends.cuda.matmul)
    before = [kind.allow_tf32 for kind in kinds]
    try:
        for kind in kinds:
            kind.allow_tf32 = False
        yield
    finally:
        for kind, allowed in zip(kinds, before, strict=True):
            kind.allow_tf32 = allowed


@contextmanager
def evaluating(model: Any) -> Iterator[Any]:  # noqa: ANN401 - a module of open_clip's
    """Give the bare model, not random, not learning and in whole fp32; restore it afterwards."""
    import torch

    bare = getattr(model, "module", model)
    training = bare.training
    bare.eval()
    try:
        with _without_tf32(), torch.inference_mode():
            yield bare
    finally:
        bare.train(training)


@functools.lru_cache(maxsize=1)
def load_clip(source: ClipSource, device: str | None) -> Clip:
    """Give the model, loaded once a process. Raises `InputError` if its weights do not load."""
    place, open_clip = device or _device(), open_clip_library()
    model = create_model(source, place).eval()
    tokenizer = open_clip.get_tokenizer(source.model)
    return Clip(model, tokenizer, open_clip.get_model_preprocess_cfg(model), place)


def _device() -> str:
    """Give the GPU of this process: workers, who are numbered as they are born, go round them."""
    import torch

    if not torch.cuda.is_available():
        return "cpu"
    number = multiprocessing.current_process().name.rpartition("-")[2]
    return f"cuda:{int(number) % torch.cuda.device_count() if number.isdigit() else 0}"


def one_process_a_gpu(config: ClipConfig) -> int | None:
    """Give how many processes shall use a model at once; none: as many as there are CPUs."""
    if config.device is not None:
        return 1 if config.device.startswith("cuda") else None
    if not clip_installed():
        return None
    import torch

    return torch.cuda.device_count() or None
