"""Options of training, and the recipes."""

import pytest
from pydantic import ValidationError

from pipeline.config import config_of_block
from stages.train.config import SKYCLIP_FIXED, TrainConfig
from tests.conftest import REPOSITORY

RECIPES = sorted((REPOSITORY / "data/recipes").glob("*.yaml"))
PUBLISHED = {"epochs": 20, "warmup": 1000, "wd": 1.0, "batch_size": 128, "random_rotation": True}


def config(**options):
    return TrainConfig(train_data="a.csv", **options)


def test_the_protocol_has_the_published_values_and_behaviour():
    published = config(protocol="skyclip")
    assert (published.model, published.pretrained, published.lr) == ("ViT-L-14", "openai", 3e-9)
    for name, value in {**PUBLISHED, **SKYCLIP_FIXED}.items():
        assert getattr(published, name) == value
    assert published.aug_cfg.open_clip() == {
        "use_timm": True,
        "color_jitter": 0.4,
        "scale": (0.67, 1.0),
        "ratio": (0.5, 2.0),
    }
    assert config(protocol="skyclip", model="ViT-B-32").lr == 1e-9
    assert config(protocol="skyclip", wd=0.5).wd == 0.5  # an option of the published command


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"optimizer": "kahan"}, "protocol skyclip has optimizer 'adamw', not 'kahan'"),
        ({"same_text": "positive"}, "has same_text 'negative'"),
        ({"image_interpolation": "bicubic"}, "has image_interpolation 'random'"),
        ({"model": "RN50"}, "names no lr for RN50"),
    ],
)
def test_the_protocol_is_not_bent(options, says):
    with pytest.raises(ValidationError, match=says):
        config(protocol="skyclip", **options)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"lock_image_unlocked_groups": 1}, "lock_image_unlocked_groups needs lock_image"),
        ({"lock_text_unlocked_layers": 1}, "lock_text_unlocked_layers needs lock_text"),
        ({"lock_image": True, "lock_text": True}, "leave nothing to train"),
    ],
)
def test_locks_that_say_nothing_are_refused(options, says):
    with pytest.raises(ValidationError, match=says):
        config(**options)


def test_every_option_says_what_it_is():
    assert all(field.description for field in TrainConfig.model_fields.values())


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_holds_the_published_hyper_parameters(path):
    recipe = config_of_block(path, TrainConfig, {"train_data": "a.csv"}, "")
    assert recipe.protocol == "skyclip"
    for name, value in PUBLISHED.items():
        assert getattr(recipe, name) == value
    large = "vit_l14" in path.stem
    weights = ("ViT-L-14", "openai", 3e-9) if large else ("ViT-B-32", "laion2b_e16", 1e-9)
    assert (recipe.model, recipe.pretrained, recipe.lr) == weights
    multi = "multi_objects" in path.stem
    assert recipe.csv_caption_key == ("title_multi_objects" if multi else "title")


def test_there_is_a_recipe_for_each_published_model():
    assert {path.stem for path in RECIPES} >= {
        "skyclip_vit_l14_top30",
        "skyclip_vit_l14_top50",
        "skyclip_vit_b32_top50",
        "skyclip_vit_l14_top30_multi_objects",
        "skyclip_vit_l14_top30_filtered_by_laion_rs",
        "clip_vit_l14_laion_rs",
    }
