"""The image tower without what pooling drops: the same vectors."""

import numpy as np
import pytest

open_clip = pytest.importorskip("open_clip")
torch = pytest.importorskip("torch")

from skyscript.clip import model as clip_model  # noqa: E402
from skyscript.clip.devices import memory_format  # noqa: E402
from skyscript.clip.model import Clip  # noqa: E402
from skyscript.clip.source import ClipConfig, find_clip  # noqa: E402
from skyscript.clip.tower import image_tower  # noqa: E402
from tests.conftest import assert_close  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")


VIT = {"width": 64, "layers": 3, "head_width": 32, "image_size": 32, "patch_size": 8}
RESNET = {"width": 8, "layers": [2, 1, 1, 1], "image_size": 32}


def small(**vision):
    """A CLIP of open_clip's own, small enough to test with: a ViT, or a ResNet with its layers."""
    torch.manual_seed(0)
    tower = vision if isinstance(vision.get("layers"), list) else VIT | vision
    text = {"width": 32, "heads": 2, "layers": 1}
    return open_clip.CLIP(embed_dim=48, vision_cfg=tower, text_cfg=text).eval()


IMAGES = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(1))


def vectors(tower):
    with torch.inference_mode():
        return tower(IMAGES).numpy()


@pytest.mark.parametrize(
    "vision",
    [
        {},
        {"ls_init_value": 0.1},
        {"final_ln_after_pool": True},
        {"no_ln_pre": True},
        {"pool_type": "avg"},  # needs all tokens: stays as it is
        {"attentional_pool": True},
    ],
)
def test_the_short_tower_gives_what_the_whole_one_does(vision):
    model = small(**vision)
    assert_close(vectors(image_tower(model)), vectors(model.encode_image))


def test_a_model_that_saves_memory_in_training_has_the_same_short_tower():
    model = small()
    wanted = vectors(image_tower(model))
    model.set_grad_checkpointing()
    assert np.array_equal(vectors(image_tower(model)), wanted)
    assert model.visual.transformer.grad_checkpointing


def test_it_shares_the_weights_and_leaves_the_model_alone():
    model = small()
    tower = image_tower(model)
    kept = {parameter.data_ptr() for parameter in model.visual.parameters()}
    assert {parameter.data_ptr() for parameter in tower.parameters()} == kept
    assert type(model.visual.transformer.resblocks[-1]).__name__ == "ResidualAttentionBlock"


def test_towers_that_are_no_plain_transformers_are_taken_as_they_are():
    config = {"image_size": 64, "layers": [1, 1, 1, 1], "width": 16}
    resnet = open_clip.CLIP(64, config, {"width": 32, "heads": 2, "layers": 1})
    assert image_tower(resnet) == resnet.encode_image


def test_pixels_and_convolutions_are_channels_last_on_a_gpu_only():
    assert memory_format("cuda:1") is torch.channels_last
    assert memory_format("cpu") is torch.contiguous_format


@pytest.mark.parametrize("vision", [{}, {"pool_type": "avg"}, RESNET])
def test_channels_last_gives_the_same_vectors_and_transposes_nothing(vision, monkeypatch):
    """The layout that a GPU has, on the CPU."""
    model = small(**vision)
    settings = vars(open_clip.transform.PreprocessCfg(size=32))
    clip = Clip(model, None, settings, "cpu", 4)
    pixels = np.random.default_rng(0).integers(0, 255, (7, 32, 32, 3), np.uint8)
    batches = [pixels[:4], pixels[4:]]
    planes = list(clip.encode_images(batches, "fp32"))
    monkeypatch.setattr(clip_model, "memory_format", lambda device: torch.channels_last)
    seen = []
    model.to(memory_format=torch.channels_last).visual.conv1.register_forward_pre_hook(
        lambda layer, given: seen.append((given[0], layer.weight))
    )
    clip = Clip(model, None, settings, "cpu", 4)
    for ours, theirs in zip(clip.encode_images(batches, "fp32"), planes, strict=True):
        assert_close(ours, theirs)
    for tensor in (tensor for both in seen for tensor in both):
        assert tensor.is_contiguous(memory_format=torch.channels_last)
        assert not tensor.is_contiguous()
    assert len(seen) == 2


def test_a_loaded_model_has_the_layout_of_its_device(monkeypatch):
    source = find_clip(ClipConfig(model="tiny"))
    load = clip_model._load.__wrapped__  # without its memory of the last model
    assert load(source, "cpu").model.visual.conv1.weight.is_contiguous()
    monkeypatch.setattr(clip_model, "memory_format", lambda device: torch.channels_last)
    weight = load(source, "cpu").model.visual.conv1.weight
    assert weight.is_contiguous(memory_format=torch.channels_last)
