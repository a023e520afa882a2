"""The image tower without what pooling drops: the same vectors."""

import numpy as np
import pytest

open_clip = pytest.importorskip("open_clip")
torch = pytest.importorskip("torch")

from skyscript.clip.tower import image_tower  # noqa: E402
from tests.conftest import assert_close  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")


def small(**vision):
    """A vision transformer of open_clip's own, small enough to test with."""
    torch.manual_seed(0)
    tower = {"width": 64, "layers": 3, "head_width": 32, "image_size": 32, "patch_size": 8} | vision
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
