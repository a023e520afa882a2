"""Damaged checkpoints: finite tensors by name, or one line that names the file."""

import io
import warnings
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch")
safetensors = pytest.importorskip("safetensors.torch")

from skyscript.clip.checkpoint.reading import read_checkpoint  # noqa: E402
from skyscript.clip.checkpoint.state_dict import clip_weights  # noqa: E402
from tests.hostile import check_reader, damaged  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")
WEIGHTS = {
    "logit_scale": torch.tensor(1.5),
    "visual.proj": torch.arange(6.0).reshape(2, 3),
    "text_projection": torch.ones(2, 2, dtype=torch.float16),
}


def saved(content: object, **options: bool) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer, **options)
    return buffer.getvalue()


def traced() -> bytes:
    class Tower(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.logit_scale = torch.nn.Parameter(torch.tensor(1.5))
            self.visual = torch.nn.Linear(2, 3)

        def forward(self, values):
            return torch.sigmoid(self.visual(values)) * self.logit_scale

    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch gives it up; OpenAI's weights stay in this form
        torch.jit.save(torch.jit.trace(Tower(), torch.zeros(1, 2)), buffer)
    return buffer.getvalue()


FILES = [
    safetensors.save(WEIGHTS),
    saved(WEIGHTS),
    saved({"state_dict": {f"module.{name}": value for name, value in WEIGHTS.items()}, "epoch": 3}),
    saved(WEIGHTS, _use_new_zipfile_serialization=False),
    traced(),
]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("any") / "inside"
    folder.mkdir()
    return folder / "epoch_1.pt"


def read(path: Path) -> None:
    for name, value in clip_weights(path, read_checkpoint(path)).items():
        assert isinstance(name, str)
        assert not value.is_floating_point() or bool(torch.isfinite(value).all())


@pytest.mark.parametrize("number", range(len(FILES)))
def test_the_whole_files_are_read(path: Path, number: int) -> None:
    path.write_bytes(FILES[number])
    assert check_reader(read, path)


@given(data=st.sampled_from(FILES).flatmap(damaged))
def test_a_damaged_checkpoint(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    check_reader(read, path)
