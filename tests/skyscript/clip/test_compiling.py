"""Compiled towers: the same vectors, few programs for all shapes, and a sentence where it fails."""

import os
import subprocess
import sys

import numpy as np
import pytest

open_clip = pytest.importorskip("open_clip")
torch = pytest.importorskip("torch")

from skyscript.clip.blocks import find_blocks  # noqa: E402
from skyscript.clip.compiling import require_compiler  # noqa: E402
from skyscript.clip.model import Clip  # noqa: E402
from skyscript.clip.worker import WorkerClipConfig, worker_clip  # noqa: E402
from tests.conftest import REPOSITORY, assert_close  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")

TEXT = {"width": 32, "heads": 2, "layers": 3}
RESNET = {"image_size": 32, "layers": [2, 1, 1, 1], "width": 8}
VIT = {"width": 64, "layers": 3, "head_width": 32, "image_size": 32, "patch_size": 8}


def small(vision):
    torch.manual_seed(0)
    return open_clip.CLIP(embed_dim=64, vision_cfg=vision, text_cfg=TEXT).eval()


@pytest.mark.parametrize(("vision", "count"), [(VIT, 3), (RESNET, 5)])
def test_blocks_are_the_layers_that_a_tower_repeats(vision, count):
    model = small(vision)
    assert len(find_blocks(model.visual)) == count
    assert find_blocks(model.transformer) == list(model.transformer.resblocks)
    assert len(find_blocks(model)) == count + 3


@pytest.mark.slow
def test_compiled_towers_give_the_vectors_with_few_programs_for_all_shapes():
    from torch._dynamo.utils import counters

    model = small(VIT)
    settings = vars(open_clip.transform.PreprocessCfg(size=32))
    plain, compiled = (
        Clip(model, open_clip.get_tokenizer("ViT-B-32"), settings, "cpu", 4) for _ in range(2)
    )
    images = np.random.default_rng(0).integers(0, 255, (10, 32, 32, 3), np.uint8)
    batches = [images[:4], images[4:8], images[8:]]
    texts = [" ".join(["pond"] * count) for count in (1, 9, 18, 30, 45, 76, 90)]
    expected = [*plain.encode_images(batches, "fp32"), plain.encode_texts(texts, "fp32")]
    names = list(model.state_dict())
    compiled.compile()
    counters.clear()
    compiled.compile()  # as for each shard: it does nothing more
    found = [*compiled.encode_images(batches, "fp32"), compiled.encode_texts(texts, "fp32")]
    for ours, theirs in zip(found, expected, strict=True):
        assert_close(ours, theirs)
    # The blocks of images, the last one of them for one token, and the blocks of all texts.
    assert counters["stats"]["unique_graphs"] == 3
    assert list(model.state_dict()) == names


def test_a_worker_compiles_its_model_if_its_config_says_so(monkeypatch):
    asked = []
    monkeypatch.setattr(Clip, "compile", lambda clip: asked.append(clip.device))
    worker_clip(WorkerClipConfig(model="tiny", device="cpu"))
    assert asked == []
    worker_clip(WorkerClipConfig(model="tiny", device="cpu", compile=True))
    assert asked == ["cpu"]


WITHOUT = """
from pipeline.errors import ConfigError
from skyscript.clip.compiling import require_compiler
try:
    require_compiler("cpu")
except ConfigError as error:
    print(error)
"""


@pytest.mark.slow
def test_a_machine_without_a_compiler_is_told_what_is_missing(tmp_path):
    require_compiler("cpu")  # this one has it
    nowhere = {"CXX": str(tmp_path / "none"), "TORCHINDUCTOR_CACHE_DIR": str(tmp_path / "cache")}
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT],
        env={**os.environ, **nowhere, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("compile: torch.compile does not work on this machine (")
    assert "It needs a C++ compiler and Python's headers." in done.stdout
    assert done.stdout.count("\n") == 1
