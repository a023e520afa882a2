"""The image tower without what pooling drops, and compiled: the same vectors."""

import pytest

open_clip = pytest.importorskip("open_clip")
torch = pytest.importorskip("torch")

from skyscript.clip.tower import PAYS_FROM, compiled, image_tower, worth_compiling  # noqa: E402
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
    assert not worth_compiling(resnet, 10**12)


def test_whether_compiling_pays_follows_from_sizes_alone():
    model = small()
    size = sum(p.numel() for p in model.visual.parameters()) * 17
    assert not worth_compiling(model, int(PAYS_FROM / size) - 1)
    assert worth_compiling(model, int(PAYS_FROM / size) + 1)


def test_without_a_compiler_the_tower_stays_and_the_log_says_so(monkeypatch, caplog):
    """What a compiler makes is compared in tests/bench: it takes half a minute."""

    def broken(example):
        raise RuntimeError("No working C++ compiler found\nand much more")

    tower = image_tower(small())
    monkeypatch.setattr(torch, "compile", lambda *_, **__: broken)
    caplog.set_level("INFO")
    assert compiled(tower, IMAGES) is tower
    assert caplog.messages == [
        "the image tower is not compiled, which would be faster: No working C++ compiler found"
    ]
