"""A loaded CLIP: computes vectors of images and texts.

A vector does not depend on the other items or on their number: every batch has the same shape (the
last one is padded). A text is truncated after its end token, which does not change the result of a
causal text tower.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skyscript.clip.compiling import compile_towers, require_compiler
from skyscript.clip.devices import choose_device, memory_format, require_device
from skyscript.clip.source import ClipSource, open_clip_library
from skyscript.clip.text import causal_tower, encode_truncated
from skyscript.clip.tower import Normalise, image_tower
from skyscript.clip.weights import create_model, create_tokenizer, own_context_length

if TYPE_CHECKING:
    import torch

Vectors = NDArray[np.float32]
Precision = Literal["fp32", "amp"]
"""The precision of the towers on a GPU: fp32 without TF32, or CUDA's autocast to fp16, whose error
is a ninth of that of bf16. On a CPU the towers always run in fp32."""

_IMAGES = {"cpu": 32, "cuda": 256}
_TEXTS = {"cpu": 16, "cuda": 512}
_TOKENS_AT_ONCE = {"cpu": 16 * 248, "cuda": 8192}
"""Most tokens in a batch of texts. So the padding of a batch of few long texts costs no more than
that of short ones. A batch's shape depends on its length only: so vectors do not depend on company.
"""
_TOKENS = 8
"""Texts are padded to a multiple of this number of tokens: few shapes, little waste."""


@dataclass
class Clip:
    """An open_clip model on its device."""

    model: Any
    tokenizer: Any
    preprocess: Mapping[str, Any]
    """The result of `open_clip.get_model_preprocess_cfg`."""
    device: str
    image_batch: int = 0
    """Images in a batch; 0: the default of the device."""

    _memory: tuple[torch.Tensor, torch.Tensor] | None = field(default=None, init=False)
    _is_compiled: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        """Choose the batch size."""
        self.image_batch = self.image_batch or _IMAGES[self._kind]

    @property
    def _kind(self) -> str:
        return self.device.partition(":")[0]

    @property
    def on_gpu(self) -> bool:
        """Whether the model is on a GPU."""
        return self._kind == "cuda"

    @functools.cached_property
    def width(self) -> int:
        """The number of dimensions of a vector."""
        return int(self._encode_tokens(self.tokenizer(["a"]), "fp32").shape[1])

    def compile(self) -> None:
        """Compile the blocks of the towers. Raises `ConfigError` if this machine has no compiler.

        Images have one shape. Texts of all lengths share a program.
        """
        if self._is_compiled:
            return
        require_compiler(self.device)
        bound = getattr(self._tower, "__self__", None)  # of a tower that needs all its tokens
        compile_towers(self._tower if bound is None else self.model.visual, self.model)
        self._is_compiled = True

    def encode_images(
        self, batches: Iterable[NDArray[np.uint8]], precision: Precision
    ) -> Iterator[Vectors]:
        """Give the vectors of each batch, which has at most `image_batch` images.

        An image is height x width x 3 of the model's size. The vectors are not normalised: see
        `unit`. While a GPU computes a batch, the next batch is prepared and sent.
        """
        pending: _PendingBatch | None = None
        for number, pixels in enumerate(batches):
            started = self._start(pixels, number % 2, precision)
            if pending is not None:
                yield pending.vectors()
            pending = started
        if pending is not None:
            yield pending.vectors()

    def _start(self, pixels: NDArray[np.uint8], turn: int, precision: Precision) -> _PendingBatch:
        """Pad a batch to the fixed shape and start it; ``turn`` selects one of two buffers."""
        import torch

        with torch.inference_mode():
            batch = self._buffers(pixels.shape[1:])[turn]
            batch[: len(pixels)] = torch.from_numpy(pixels)
            batch[len(pixels) :] = 0
            vectors = self._encode_pixels(batch.to(self.device, non_blocking=True), precision)
        if not self.on_gpu:
            return _PendingBatch(vectors, len(pixels), None)
        on_host = torch.empty(vectors.shape, dtype=vectors.dtype, pin_memory=True)
        on_host.copy_(vectors, non_blocking=True)
        done = torch.cuda.Event()
        done.record(torch.cuda.current_stream(self.device))
        return _PendingBatch(on_host, len(pixels), done)

    def _buffers(self, shape: tuple[int, ...]) -> tuple[torch.Tensor, torch.Tensor]:
        """Give two input buffers, pinned for a GPU: one is read while the other is filled."""
        import torch

        if self._memory is None or self._memory[0].shape[1:] != shape:
            size = (self.image_batch, *shape)
            first, second = (
                torch.empty(size, dtype=torch.uint8, pin_memory=self.on_gpu) for _ in range(2)
            )
            self._memory = (first, second)
        return self._memory

    def _encode_pixels(self, images: torch.Tensor, precision: Precision) -> torch.Tensor:
        with self._precision_context(precision):
            planes = self._normalise(images.permute(0, 3, 1, 2))
            layout = memory_format(self.device)
            vectors: torch.Tensor = self._tower(planes.contiguous(memory_format=layout)).float()
            return vectors

    @functools.cached_property
    def _tower(self) -> Any:  # noqa: ANN401 - a function or a module of torch's
        return image_tower(self.model)

    @functools.cached_property
    def _normalise(self) -> Normalise:
        return Normalise(self.preprocess, self.device)

    def _precision_context(self, precision: Precision) -> AbstractContextManager[Any]:
        import torch

        if precision == "amp" and self.on_gpu:
            half: AbstractContextManager[Any] = torch.autocast("cuda", torch.float16)
            return half
        return _without_tf32()

    def encode_texts(self, texts: Sequence[str], precision: Precision) -> Vectors:
        """Give the vectors of texts. They are not normalised: see `unit`."""
        if not texts:
            return np.zeros((0, self.width), np.float32)
        tokens = self.tokenizer(list(texts))
        found: Vectors | None = None
        for rows, batch in self._text_batches(tokens):
            vectors = self._encode_tokens(batch, precision)[: len(rows)]
            if found is None:
                found = np.empty((len(texts), vectors.shape[1]), np.float32)
            found[rows] = vectors
        assert found is not None  # there is a text
        return found

    def _text_batches(self, tokens: torch.Tensor) -> Iterator[tuple[NDArray[np.int64], Any]]:
        """Give batches of texts of equal length, padded to a fixed shape, with their positions."""
        import torch

        if self._causal_tower is None:
            lengths = np.full(len(tokens), tokens.shape[1])
        else:
            ends = tokens.argmax(1).numpy() + 1
            lengths = np.minimum(-(-ends // _TOKENS) * _TOKENS, tokens.shape[1])
        for length in np.unique(lengths):
            size = max(1, min(_TEXTS[self._kind], _TOKENS_AT_ONCE[self._kind] // int(length)))
            same_length = np.flatnonzero(lengths == length)
            for start in range(0, len(same_length), size):
                rows = same_length[start : start + size]
                padded = np.resize(rows, size)
                yield rows, tokens[torch.from_numpy(padded), :length]

    @functools.cached_property
    def _causal_tower(self) -> Any | None:  # noqa: ANN401 - a module of open_clip's
        """The text tower if tokens after the end token have no effect, else None."""
        return causal_tower(self.model, self.tokenizer)

    def _encode_tokens(self, tokens: torch.Tensor, precision: Precision) -> Vectors:
        import torch

        tokens, tower = tokens.to(self.device), self._causal_tower
        with torch.inference_mode(), self._precision_context(precision):
            found = (
                self.model.encode_text(tokens) if tower is None else encode_truncated(tower, tokens)
            )
            vectors: Vectors = found.float().cpu().numpy()
        return vectors

    def score_reference(self, image: Any, text: str) -> float:  # noqa: ANN401 - a PIL image
        """Score one pair as open_clip itself does: its own transform, no batch, fp32."""
        import torch
        from open_clip.transform import PreprocessCfg, image_transform_v2

        transform = image_transform_v2(PreprocessCfg(**self.preprocess), is_train=False)
        with torch.inference_mode():
            pixels = transform(image)[None].to(self.device)
            vector = self.model.encode_image(pixels, normalize=True)
            tokens = self.tokenizer([text]).to(self.device)
            return float((vector * self.model.encode_text(tokens, normalize=True)).sum())


class _PendingBatch(NamedTuple):
    """A batch that the device may still compute."""

    result: torch.Tensor
    images: int
    done: torch.cuda.Event | None

    def vectors(self) -> Vectors:
        """Wait for the device and give the vectors."""
        if self.done is not None:
            self.done.synchronize()
        found: Vectors = self.result[: self.images].numpy().copy()
        return found


def unit(vectors: Vectors) -> Vectors:
    """Give the vectors scaled to length 1."""
    import torch
    from torch.nn import functional

    found: Vectors = functional.normalize(torch.from_numpy(vectors), dim=-1).numpy()
    return found


@contextmanager
def _without_tf32() -> Iterator[None]:
    """Turn TF32 off, which convolutions on a GPU use by default."""
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
    """Give the bare model in evaluation mode, without gradients and TF32; restore it afterwards."""
    import torch

    bare = getattr(model, "module", model)
    training = bare.training
    bare.eval()
    try:
        with _without_tf32(), torch.inference_mode():
            yield bare
    finally:
        bare.train(training)


def load_clip(source: ClipSource, device: str | None) -> Clip:
    """Load a model and keep it for later calls in this process.

    Raises `InputError` if this machine does not have the device or the weights do not load.
    """
    if device is not None:
        require_device(device)
    return _load(source, device or choose_device())


@functools.lru_cache(maxsize=1)
def _load(source: ClipSource, device: str) -> Clip:
    open_clip = open_clip_library()
    model = create_model(source, device).eval().to(memory_format=memory_format(device))
    tokenizer = create_tokenizer(source, own_context_length(model, source))
    return Clip(model, tokenizer, open_clip.get_model_preprocess_cfg(model), device)
