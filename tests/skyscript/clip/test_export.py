"""A model as a folder: whoever loads it computes what the exported model computed."""

import json
import stat
import sys

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from pipeline.cli import app
from pipeline.errors import InputError
from skyscript.clip.source import TINY_FOLDER, ClipConfig, find_clip

torch = pytest.importorskip("torch")
open_clip = pytest.importorskip("open_clip")

from skyscript.clip.export import export_model  # noqa: E402
from skyscript.clip.source import model_config  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")

SMALL = {
    "embed_dim": 16,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 64, "patch_size": 16},
    "text_cfg": {
        "context_length": 77, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1
    },
}  # fmt: skip
TEXTS = ["a satellite image of building", "a satellite photo of road."]


def small(quick):
    torch.manual_seed(1)
    model = open_clip.CLIP(**SMALL, quick_gelu=quick).eval()
    with torch.no_grad():
        for weight in model.parameters():  # large enough for the activations to differ
            weight.mul_(4)
    return model


def outputs(model, tokenizer):
    draw = torch.Generator().manual_seed(0)
    side = model.visual.image_size
    images = torch.randn(3, 3, *(side if isinstance(side, tuple) else (side, side)), generator=draw)
    with torch.no_grad():
        return model.encode_image(images), model.encode_text(tokenizer(TEXTS))


def assert_same(one, other, tokenizer):
    pairs = zip(outputs(one, tokenizer), outputs(other.eval(), tokenizer), strict=True)
    assert all(torch.equal(before, after) for before, after in pairs)


@pytest.mark.parametrize("quick", [True, False])
def test_the_folder_loads_without_flags_to_the_same_outputs(tmp_path, quick):
    model = small(quick)
    export_model(model, SMALL, tmp_path)  # the config does not say the activation: the model does
    name = f"local-dir:{tmp_path}"
    loaded, _, _ = open_clip.create_model_and_transforms(name)
    tokenizer = open_clip.get_tokenizer(name)
    for one, other in zip(
        outputs(model, tokenizer), outputs(loaded.eval(), tokenizer), strict=True
    ):
        assert torch.equal(one, other)
    assert find_clip(ClipConfig(model=name)).quick_gelu is quick
    other = small(not quick)
    assert not torch.equal(outputs(other, tokenizer)[0], outputs(model, tokenizer)[0])


def test_preprocessing_goes_along(tmp_path):
    model = small(False)
    open_clip.set_model_preprocess_cfg(
        model,
        {"mean": (0.1, 0.2, 0.3), "std": (0.4, 0.5, 0.6), "interpolation": "bilinear",
         "resize_mode": "squash"},
    )  # fmt: skip
    export_model(model, SMALL, tmp_path)
    loaded = open_clip.create_model(f"local-dir:{tmp_path}")
    found = open_clip.get_model_preprocess_cfg(loaded)
    assert tuple(found["mean"]) == (0.1, 0.2, 0.3)
    assert (found["interpolation"], found["resize_mode"]) == ("bilinear", "squash")


def test_a_wrapped_model_is_exported_under_its_own_names_and_tied_weights_too(tmp_path):
    model = small(False)
    model.visual.ln_pre.weight = model.visual.ln_post.weight
    wrapped = torch.nn.Module()
    wrapped.module = model
    export_model(wrapped, SMALL, tmp_path)
    loaded = open_clip.create_model(f"local-dir:{tmp_path}")
    assert torch.equal(loaded.visual.ln_pre.weight, loaded.visual.ln_post.weight)
    mode = (tmp_path / "open_clip_model.safetensors").stat().st_mode
    assert mode & stat.S_IROTH


def test_a_tokenizer_of_the_hub_goes_along_or_there_is_no_folder(tmp_path):
    class Tokenizer:
        def save_pretrained(self, folder):
            (folder / "tokenizer.json").write_text("{}")

    text = {**SMALL["text_cfg"], "hf_tokenizer_name": "someone/some"}
    config = {**SMALL, "text_cfg": text}
    with pytest.raises(InputError, match="tokenizer comes from the hub"):
        export_model(small(False), config, tmp_path / "none")
    assert not (tmp_path / "none").exists()
    export_model(small(False), config, tmp_path / "made", Tokenizer())
    assert (tmp_path / "made/tokenizer.json").exists()


def test_the_architecture_is_found_by_every_kind_of_name():
    assert model_config(find_clip(ClipConfig(model="ViT-L-14")))["quick_gelu"] is True
    assert model_config(find_clip(ClipConfig(model="tiny")))["embed_dim"] == 128


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """Export a checkpoint of the tiny CLIP's architecture by the command."""
    folder = tmp_path_factory.mktemp("exported")
    model = open_clip.create_model(f"local-dir:{TINY_FOLDER}")
    torch.manual_seed(2)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.01 * torch.randn_like(weight))
    path = folder / "epoch_20.pt"
    weights = {f"module.{name}": value for name, value in model.state_dict().items()}
    torch.save({"state_dict": weights, "optimizer": {"lr": np.float64(1e-9)}}, path)
    command = ["export", "--model", "tiny", "--pretrained", str(path)]
    done = CliRunner().invoke(app, [*command, "--out", str(folder / "model")])
    assert done.exit_code == 0, done.output
    return model.eval(), folder / "model"


@pytest.mark.slow
def test_the_command_makes_a_folder_of_a_checkpoint(exported):
    model, folder = exported
    assert json.loads((folder / "open_clip_config.json").read_text())["model_cfg"]["embed_dim"]
    name = f"local-dir:{folder}"
    tokenizer = open_clip.get_tokenizer(name)
    loaded = open_clip.create_model(name).eval()
    assert_same(model, loaded, tokenizer)


def test_clip_benchmark_takes_the_folder(exported):
    """Where it is installed (`pip install --no-deps clip-benchmark`; it is no dependency)."""
    models = pytest.importorskip("clip_benchmark.models.open_clip")
    model, folder = exported
    name = f"local-dir:{folder}"
    loaded, transform, tokenizer = models.load_open_clip(name, pretrained="", device="cpu")
    for one, other in zip(
        outputs(model, tokenizer), outputs(loaded.eval(), tokenizer), strict=True
    ):
        assert torch.equal(one, other)
    assert transform(Image.new("RGB", (150, 100))).shape == (3, 96, 96)
    assert "clip_benchmark" in sys.modules
