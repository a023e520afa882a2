"""The model that training begins from: loaded safely, with the activation of its weights."""

import json
import shutil

import numpy as np
import open_clip
import pytest
import torch

from pipeline.errors import InputError
from skyscript.clip.source import TINY_FOLDER, ClipSource
from skyscript.clip.weights import create_model
from stages.train.adapter import find_adam_constants, make_schedule
from stages.train.config import TrainConfig
from stages.train.labels import Labels
from stages.train.loading import Batch
from stages.train.model import find_source, load_initial_model
from stages.train.towers import Towers
from tests.conftest import assert_close
from tests.stages.train.conftest import CONFIG

pytestmark = pytest.mark.filterwarnings("ignore")


def config(**options):
    return TrainConfig(train_data="a.csv", device="cpu", **options)


@pytest.fixture
def architecture(tmp_path):
    for name, quick in (("tiny-vit", False), ("tiny-vit-quickgelu", True)):
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(CONFIG | {"quick_gelu": quick}))
        open_clip.add_model_config(path)
    return "tiny-vit"


def skyclip_checkpoint(path, model):
    """As the original code wrote it: under DistributedDataParallel, its rates numpy numbers."""
    state = {f"module.{name}": value for name, value in model.state_dict().items()}
    held = {"epoch": 20, "name": "x", "state_dict": state}
    torch.save({**held, "optimizer": {"param_groups": [{"lr": np.float64(3e-9)}]}}, path)
    return str(path)


def test_the_published_command_gets_quick_gelu_for_openais_weights():
    assert find_source(config(protocol="skyclip")).quick_gelu
    base = config(protocol="skyclip", model="ViT-B-32", pretrained="laion2b_e16")
    assert not find_source(base).quick_gelu
    with pytest.raises(InputError, match=r"were trained with it on"):
        find_source(config(model="ViT-L-14", pretrained="openai", quick_gelu="off"))


def test_a_model_built_with_another_activation_than_its_weights_is_an_error(
    architecture, monkeypatch, tmp_path
):
    path = skyclip_checkpoint(tmp_path / "epoch_20.pt", open_clip.create_model(architecture))
    source = ClipSource(architecture, path, True, "x")
    assert "QuickGELU" in str(create_model(source, "cpu"))
    made = open_clip.create_model

    def without(*arguments, **more):
        return made(*arguments, **{**more, "force_quick_gelu": False})

    monkeypatch.setattr(open_clip, "create_model", without)
    with pytest.raises(InputError, match="need quick-GELU, and the model was built with GELU"):
        create_model(source, "cpu")


@pytest.mark.slow
def test_training_goes_on_from_a_published_checkpoint(architecture, tmp_path):
    torch.manual_seed(1)
    old = open_clip.create_model(architecture)
    path = skyclip_checkpoint(tmp_path / "epoch_20.pt", old)
    found = load_initial_model(config(model=architecture, pretrained=path, quick_gelu="off"), "cpu")
    for name, value in old.state_dict().items():
        assert torch.equal(value, found.model.state_dict()[name])
    assert found.settings["quick_gelu"] is False


class Harm:
    def __reduce__(self):
        return print, ("code of a checkpoint ran",)


def test_a_checkpoint_that_would_run_code_is_refused(architecture, tmp_path, capsys):
    torch.save({"state_dict": {}, "harm": Harm()}, tmp_path / "a.pt")
    options = {"pretrained": str(tmp_path / "a.pt"), "quick_gelu": "off"}
    with pytest.raises(InputError, match=r"a.pt: contains an object of \S*print"):
        load_initial_model(config(model=architecture, **options), "cpu")
    assert "ran" not in capsys.readouterr().out


def test_a_wrong_checkpoint_is_named(architecture, tmp_path):
    torch.save({"state_dict": {"weight": torch.zeros(3)}}, tmp_path / "a.pt")
    options = {"pretrained": str(tmp_path / "a.pt"), "quick_gelu": "off"}
    with pytest.raises(InputError, match=r"a.pt: contains no weights of a CLIP"):
        load_initial_model(config(model=architecture, **options), "cpu")


@pytest.mark.slow
def test_from_nothing_the_weights_follow_from_the_seed(architecture):
    one, same, other = (
        load_initial_model(config(model=architecture, seed=seed), "cpu") for seed in (0, 0, 1)
    )
    states = [found.model.state_dict()["visual.conv1.weight"] for found in (one, same, other)]
    assert torch.equal(states[0], states[1])
    assert not torch.equal(states[0], states[2])


def test_a_model_of_another_kind_or_none_is_named():
    with pytest.raises(InputError, match="open_clip has no such architecture"):
        load_initial_model(config(model="ViT-Z-99"), "cpu")


def test_siglip_begins_with_its_bias_and_the_config_says_so(architecture):
    found = load_initial_model(config(model=architecture, loss="siglip"), "cpu")
    assert found.model.logit_bias.item() == -10
    assert found.settings["init_logit_bias"] == -10


TEXTS = ["a pond", "a road of many words, " * 8, "a pond", "a tree"]
NUMBERS = torch.tensor([5, 2, 5, 9])


def batch_of(tokens):
    """A batch without images and without false statements."""
    none, length = torch.empty((len(tokens), 0), dtype=torch.int64), tokens.shape[1]
    nothing = torch.empty((len(tokens), 0, length), dtype=torch.int64)
    return Batch(torch.empty(0), tokens, Labels.of_texts(NUMBERS), none, nothing)


def test_texts_once_and_cut_give_the_features_and_gradients_of_all_texts_whole(architecture):
    found = load_initial_model(config(model=architecture), "cpu")
    model, towers = found.model, Towers(found.model, found.tokenizer)
    assert list(towers.state_dict()) == [f"model.{name}" for name in model.state_dict()]
    images, tokens = torch.randn(4, 3, 32, 32), found.tokenizer(TEXTS)
    cut, where, none = towers.shorten(batch_of(tokens))
    assert cut.shape[0] == 3
    assert cut.shape[1] < tokens.shape[1]
    weights = torch.randn(4, 64)
    gradients = []
    for features in (model(images, tokens), towers(images, cut, where, none)):
        model.zero_grad()
        (features["text_features"] * weights + features["image_features"]).sum().backward()
        values = {key: value.detach() for key, value in features.items()}
        gradients.append(
            (values, {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None})
        )
    for plain, ours in zip(*gradients, strict=True):
        assert plain.keys() == ours.keys()
        for name, value in plain.items():
            assert_close(ours[name], value, size=max(1.0, float(value.abs().max())))


def test_a_text_tower_that_is_not_causal_sees_its_whole_context(architecture):
    more = {"no_causal_mask": True, "pool_type": "last"}
    model = open_clip.CustomTextCLIP(**{**CONFIG, "text_cfg": CONFIG["text_cfg"] | more})
    tokenizer = open_clip.get_tokenizer(architecture)
    towers, tokens = Towers(model, tokenizer), tokenizer(TEXTS)
    cut, where, none = towers.shorten(batch_of(tokens))
    assert cut.shape == (3, 77)
    found = towers(torch.randn(4, 3, 32, 32), cut, where, none)["text_features"]
    assert_close(found, model.encode_text(tokens, normalize=True), size=1)


@pytest.mark.parametrize("name", ["model", "vital"])
def test_adams_constants_follow_the_architecture_and_not_the_name_of_a_folder(
    tmp_path, tiny_vit, name
):
    shutil.copytree(tiny_vit, tmp_path / name)
    said = config(model=f"local-dir:{tmp_path / name}")
    settings = load_initial_model(said, "cpu").settings
    assert (
        find_adam_constants(said, settings)
        == find_adam_constants(config(model="ViT-B-32"), {})
        == (0.9, 0.98, 1e-6)
    )
    convolving = {"vision_cfg": {"layers": [1, 1, 1, 1]}}
    assert (
        find_adam_constants(said, convolving)
        == find_adam_constants(config(model="RN50"), {})
        == (0.9, 0.999, 1e-8)
    )
    assert find_adam_constants(config(model="ViT-B-32", beta1=0.0), {}).beta1 == 0
    assert find_adam_constants(config(model="ViT-B-32", beta2=0.95, eps=1e-4), {}) == (
        0.9,
        0.95,
        1e-4,
    )


def test_the_learning_rate_falls_or_stays_after_the_warm_up():
    optimiser = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))])

    def rates(kind):
        set_rate = make_schedule(optimiser, config(lr=1.0, warmup=2, lr_scheduler=kind), 6)
        return [set_rate(step) for step in range(6)]

    assert rates("const") == [0.5, 1, 1, 1, 1, 1]
    falling = rates("cosine")
    assert falling[:3] == [0.5, 1, 1]
    assert falling[3:] == sorted(falling[3:], reverse=True)
    assert 0 < falling[-1] < 0.2


def test_the_shipped_model_is_trained_by_its_name():
    source = find_source(config(model="tiny"))
    assert source == find_source(config(model=f"local-dir:{TINY_FOLDER}"))


def test_a_checkpoint_that_is_not_there_is_no_other_model(tiny_vit):
    for model in (f"local-dir:{tiny_vit}", "tiny"):
        with pytest.raises(InputError, match=r"'epoch_2\.pt': is neither a file nor a tag"):
            find_source(config(model=model, pretrained="epoch_2.pt"))
    with pytest.raises(InputError, match="the hub has its own weights"):
        find_source(config(model="hf-hub:a/b", pretrained=str(tiny_vit / "open_clip_config.json")))


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"model_cfg": 3}'])
def test_a_folder_whose_config_is_none_is_named(tiny_vit, tmp_path, text):
    shutil.copytree(tiny_vit, tmp_path / "model")
    (tmp_path / "model" / "open_clip_config.json").write_text(text)
    with pytest.raises(InputError, match=r"open_clip_config\.json: does not describe"):
        find_source(config(model=f"local-dir:{tmp_path / 'model'}"))
