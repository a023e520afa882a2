"""A CLIP of open_clip's: which one, loading it safely, images and texts to vectors.

Fast and the same for any company: every batch has the same shape (its tail padded), so a vector
depends neither on the other items nor on how many there are; a text is cut after its end token,
which a causal text tower cannot notice; half precision on a GPU is fp16, nine times nearer to fp32
than bf16.
"""

from __future__ import annotations

import functools
import multiprocessing
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skyscript.clip.source import ClipConfig, ClipSource, clip_installed, open_clip_library
from skyscript.clip.text import causal_tower, encode_cut
from skyscript.clip.tower import compiled, image_tower, worth_compiling
from skyscript.clip.weights import create_model

if TYPE_CHECKING:
    import torch

Vectors = NDArray[np.float32]

_IMAGES = {"cpu": 32, "cuda": 256}
_TEXTS = {"cpu": 16, "cuda": 512}
_TOKENS = 8
"""Texts are padded to a multiple of so many tokens: few shapes, little waste."""


class Clip:
    """A loaded model."""

    _memory: tuple[torch.Tensor, torch.Tensor] | None = None

    def __init__(self, source: ClipSource, device: str) -> None:
        self.source = source
        self.device = device
        self.model: Any = create_model(source, device).eval()
        self.tokenizer = open_clip_library().get_tokenizer(source.model)
        self.preprocess: dict[str, Any] = open_clip_library().get_model_preprocess_cfg(self.model)
        self._kind = device.partition(":")[0]
        self._tower: Any = self._plain

    @property
    def on_gpu(self) -> bool:
        """Whether the model is on one."""
        return self._kind == "cuda"

    @functools.cached_property
    def width(self) -> int:
        """Numbers in a vector."""
        return int(self._texts_of(self.tokenizer(["a"])).shape[1])

    @property
    def image_batch(self) -> int:
        """Images that go through the model at once."""
        return _IMAGES[self._kind]

    def encode_images(self, pixels: NDArray[np.uint8]) -> Vectors:
        """Give the unit vectors of images, N x height x width x 3 of the model's own size."""
        starts = range(0, len(pixels), self.image_batch)
        found = list(self.encode_stream(pixels[s : s + self.image_batch] for s in starts))
        return np.concatenate(found) if found else np.zeros((0, self.width), np.float32)

    def encode_stream(self, batches: Iterable[NDArray[np.uint8]]) -> Iterator[Vectors]:
        """Give the unit vectors of batch after batch, of at most `image_batch` images each.

        A GPU is never waited for at once: its next batch is made and sent while it works on one.
        """
        working: _Working | None = None
        for number, pixels in enumerate(batches):
            begun = self._begin(pixels, number % 2)
            if working is not None:
                yield working.vectors()
            working = begun
        if working is not None:
            yield working.vectors()

    def _begin(self, pixels: NDArray[np.uint8], turn: int) -> _Working:
        """Send a batch off, filled up to the one shape; ``turn`` says which of two buffers."""
        import torch

        batch = self._buffers(pixels.shape[1:])[turn]
        batch[: len(pixels)] = torch.from_numpy(pixels)
        batch[len(pixels) :] = 0
        vectors = self._images_of(batch.to(self.device, non_blocking=True))
        if self._kind != "cuda":
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
            whole, pinned = (self.image_batch, *shape), self._kind == "cuda"
            made = (torch.empty(whole, dtype=torch.uint8, pin_memory=pinned) for _ in range(2))
            self._memory = (next(made), next(made))
        return self._memory

    def expect(self, images: int) -> None:
        """Take the compiled image tower where so many images are to come that it pays, on the CPU.

        It follows from their number alone: what a process did before is not seen in a vector.
        """
        pays = self._kind == "cpu" and worth_compiling(self.model, images)
        self._tower = self._compiled if pays else self._plain

    @functools.cached_property
    def _plain(self) -> Any:  # noqa: ANN401 - a function or a module of torch's
        return image_tower(self.model)

    @functools.cached_property
    def _compiled(self) -> Any:  # noqa: ANN401 - likewise
        import torch

        size = self.preprocess["size"]
        side = (size, size) if isinstance(size, int) else tuple(size)
        return compiled(self._plain, torch.zeros(self.image_batch, 3, *side))

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

    def _images_of(self, images: torch.Tensor) -> torch.Tensor:
        import torch
        from torch.nn import functional

        mean, std = self._normalisation
        with torch.inference_mode(), self._autocast():
            planes = (images.permute(0, 3, 1, 2).float() - mean) / std
            found = self._tower(planes.contiguous())
            return functional.normalize(found.float(), dim=-1)

    @functools.cached_property
    def _normalisation(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and standard deviation of the pixels, on the device once: to send is to wait."""
        import torch

        values = (torch.tensor(self.preprocess[name]).view(3, 1, 1) for name in ("mean", "std"))
        mean, std = ((value * 255).to(self.device) for value in values)
        return mean, std

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


@functools.lru_cache(maxsize=1)
def load_clip(source: ClipSource, device: str | None) -> Clip:
    """Give the model, loaded once a process. Raises `InputError` where its weights do not load."""
    return Clip(source, device or _device())


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
