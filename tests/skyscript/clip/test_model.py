"""Models of open_clip's: loaded safely, with the right activation, the same for any company."""

import json
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
import yaml

from pipeline.errors import InputError
from pipeline.yaml_file import Loader
from skyscript.clip.source import TINY_FOLDER, ClipConfig, ClipSource, find_clip

open_clip = pytest.importorskip("open_clip")
torch = pytest.importorskip("torch")

from skyscript.clip.model import Clip, load_clip, unit  # noqa: E402
from skyscript.clip.text import find_cut  # noqa: E402
from skyscript.clip.weights import create_tokenizer  # noqa: E402
from tests.conftest import assert_close  # noqa: E402

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow]

TEXTS = [
    "a satellite image of building",
    "a satellite image of road of crossing with crossing of zebra, surrounded by road of "
    "residential; "
    "road of tertiary; road of track; amenity of parking with surface of asphalt; natural tree",
    "",
    "a " * 100,  # longer than the context
    *(f"a satellite image of tag {number} " + "and more " * (number % 9) for number in range(40)),
]


def texts_of(clip, texts):
    return clip.encode_texts(texts, "fp32")


def images_of(clip, pixels):
    """Give the vectors of images, in batches of the model's."""
    size = clip.image_batch
    batches = (pixels[start : start + size] for start in range(0, len(pixels), size))
    return np.concatenate(list(clip.encode_images(batches, "fp32")))


def test_a_text_cut_after_its_end_token_has_the_vector_of_the_whole_context(tiny):
    with torch.inference_mode():
        whole = tiny.model.encode_text(tiny.tokenizer(TEXTS), normalize=True).numpy()
    assert tiny._causal_tower is not None
    assert_close(unit(texts_of(tiny, TEXTS)), whole, size=1)


@pytest.mark.parametrize("name", ["ViT-B-32", "coca_ViT-B-32"])
def test_other_text_towers_agree_with_open_clip_too(name):
    config = open_clip.get_model_config(name)
    small = {"width": 64, "heads": 2, "layers": 2}
    config["vision_cfg"] |= {"width": 64, "layers": 1, "image_size": 32, "patch_size": 16}
    config["text_cfg"] |= small
    config["embed_dim"] = 64
    if "multimodal_cfg" in config:
        config["multimodal_cfg"] |= small
    custom = config.pop("custom_text", False)
    model = (open_clip.CoCa if custom else open_clip.CLIP)(**config).eval()
    clip = Clip(model, open_clip.get_tokenizer(name), {}, "cpu")
    with torch.inference_mode():
        whole = model.encode_text(clip.tokenizer(TEXTS), normalize=True).numpy()
    assert_close(unit(texts_of(clip, TEXTS)), whole, size=1)


def test_a_vector_is_the_same_bits_in_any_company(tiny):
    draw = np.random.default_rng(0)
    pixels = draw.integers(0, 255, (70, 96, 96, 3), np.uint8)
    order = draw.permutation(70)
    together, shuffled = images_of(tiny, pixels), images_of(tiny, pixels[order])
    assert np.array_equal(together[order], shuffled)
    assert np.array_equal(images_of(tiny, pixels[3:4]), together[3:4])
    texts = texts_of(tiny, TEXTS)
    assert np.array_equal(texts_of(tiny, TEXTS[::-1])[::-1], texts)
    assert np.array_equal(texts_of(tiny, TEXTS[1:2]), texts[1:2])


def test_no_images_and_no_texts_give_no_vectors(tiny):
    assert list(tiny.encode_images([], "fp32")) == []
    assert texts_of(tiny, []).shape == (0, 128)


def test_the_activation_of_openai_weights_is_quick_gelu_and_of_laions_is_not():
    assert find_clip(ClipConfig(model="ViT-L-14", pretrained="openai")).quick_gelu
    assert find_clip(ClipConfig(model="ViT-B-32-quickgelu", pretrained="openai")).quick_gelu
    assert not find_clip(ClipConfig(model="ViT-B-32", pretrained="laion2b_e16")).quick_gelu
    source = find_clip(ClipConfig(model="ViT-L-14", pretrained="openai"))
    assert source.identity()["quick_gelu"] == "on"


def test_a_file_must_say_its_activation(architecture, tmp_path, tiny):
    path = tmp_path / "epoch_20.pt"
    torch.save(tiny.model.state_dict(), path)
    with pytest.raises(InputError, match=r"from OpenAI's weights .* give tiny-arch-quickgelu as"):
        find_clip(ClipConfig(model=architecture, pretrained=str(path)))
    named = find_clip(ClipConfig(model=f"{architecture}-quickgelu", pretrained=str(path)))
    said = find_clip(ClipConfig(model=architecture, pretrained=str(path), quick_gelu="on"))
    assert named.quick_gelu
    assert said.quick_gelu
    clip = load_clip(said, "cpu")
    assert "QuickGELU" in str(clip.model)
    with pytest.raises(InputError, match=r"quick_gelu: off: .* trained with it on"):
        find_clip(ClipConfig(model="ViT-L-14", pretrained="openai", quick_gelu="off"))


def test_the_name_of_a_model_follows_what_it_holds_not_where_it_lies(tmp_path):
    here = find_clip(ClipConfig(model="tiny"))
    shutil.copytree(TINY_FOLDER, tmp_path / "copy")
    there = find_clip(ClipConfig(model=f"local-dir:{tmp_path / 'copy'}"))
    assert here.digest() == there.digest()
    weights = tmp_path / "copy" / "open_clip_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    changed = find_clip(ClipConfig(model=f"local-dir:{tmp_path / 'copy'}"))
    assert changed.digest() != here.digest()


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"model": "ViT-Z-99"}, "has no such architecture"),
        ({"pretrained": "nowhere.pt"}, "neither a file nor a tag of ViT-L-14"),
        ({"pretrained": None}, "must be a tag or a checkpoint file"),
        ({"model": "local-dir:nowhere"}, "is not the folder of a model"),
    ],
)
def test_a_model_that_is_not_there_is_named(config, says):
    with pytest.raises(InputError, match=says):
        find_clip(ClipConfig(**config))


@pytest.mark.parametrize(
    ("text", "word"), [("off", "off"), ("on", "on"), ("'off'", "off"), ("auto", "auto")]
)
def test_the_activation_can_be_said_as_yaml_reads_it(text, word):
    given = yaml.load(f"quick_gelu: {text}", Loader)  # of configs: off is a word
    assert ClipConfig.model_validate(given).quick_gelu == word


def test_a_tokenizer_that_cannot_be_fetched_is_one_sentence(architecture, tmp_path, monkeypatch):
    config = json.loads((TINY_FOLDER / "open_clip_config.json").read_text())["model_cfg"]
    text = config["text_cfg"] | {"hf_tokenizer_name": "nobody/no-such-tokenizer"}
    (tmp_path / "tiny-hf.json").write_text(json.dumps(config | {"text_cfg": text}))
    open_clip.add_model_config(tmp_path / "tiny-hf.json")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    source = ClipSource("tiny-hf", None, quick_gelu=False, weights="random")
    with pytest.raises(InputError, match="tiny-hf: its tokenizer is not on this machine") as caught:
        create_tokenizer(source)
    assert "\n" not in str(caught.value)


NEIGHBOURS = "; ".join(f"road of kind{number} with surface of asphalt" for number in range(12))
LONG = f"a satellite image of road, surrounded by {NEIGHBOURS}"


def test_texts_over_the_context_are_found_and_keep_their_end_token(tiny):
    last_that_fits, first_that_does_not = "a " * 75, "a " * 76
    texts = ["a satellite image of road", last_that_fits, first_that_does_not, LONG]
    assert find_cut(texts, tiny.tokenizer) == {first_that_does_not, LONG}
    tokens = tiny.tokenizer(texts)
    end = tiny.tokenizer.eot_token_id
    assert tokens[1:, -1].tolist() == [end] * 3
    assert (tokens == end).sum(1).tolist() == [1] * 4


def test_texts_over_the_context_are_counted_by_a_tokenizer_of_hugging_face():
    class Words:
        context_length = 4

        def tokenizer(self, text, *, truncation, verbose):
            assert not truncation
            assert not verbose
            return SimpleNamespace(input_ids=[1, *text.split(), 2])

    assert find_cut(["one two", "one two three"], Words()) == {"one two three"}


def test_texts_on_a_gpu_have_one_shape_for_each_length_and_few_tokens_of_padding():
    clip = load_clip(find_clip(ClipConfig(model="tiny")), "cpu")
    on_gpu = Clip(clip.model, clip.tokenizer, clip.preprocess, "cuda")
    tokens = clip.tokenizer(TEXTS * 30)
    batches = list(on_gpu._text_batches(tokens))
    shapes = {(batch.shape[1], batch.shape[0]) for _, batch in batches}
    assert len(shapes) == len({length for length, _ in shapes})
    assert max(length * size for length, size in shapes) <= 8192
    rows = np.concatenate([rows for rows, _ in batches])
    assert sorted(rows.tolist()) == list(range(len(tokens)))
