"""Checkpoints as they exist: every format gives the vectors that open_clip's own loading gives."""

import argparse
import collections
import json
import pathlib
import zipfile

import numpy as np
import pytest

from skyscript.clip.source import ClipConfig, find_clip

open_clip = pytest.importorskip("open_clip")
torch = pytest.importorskip("torch")

from skyscript.clip.model import load_clip  # noqa: E402
from tests.conftest import assert_close  # noqa: E402

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow]

VIT = {
    "embed_dim": 32,
    "vision_cfg": {"image_size": 64, "layers": 2, "width": 64, "patch_size": 16},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 2, "layers": 2},
}
TEXTS = ["a satellite image of building", "road of crossing; natural tree", "a " * 60]


@pytest.fixture
def vit(tmp_path):
    """A small vision transformer, and its architecture by name."""
    for name, quick in (("small-vit", False), ("small-vit-quickgelu", True)):
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(VIT | {"quick_gelu": quick}))
        open_clip.add_model_config(path)
    torch.manual_seed(0)
    return open_clip.create_model("small-vit").eval()


def vectors_of(path, model="small-vit", quick_gelu="off"):
    """The vectors of three texts and an image, from a checkpoint file."""
    clip = load_clip(
        find_clip(ClipConfig(model=model, pretrained=str(path), quick_gelu=quick_gelu)), "cpu"
    )
    side = clip.preprocess["size"]
    return reference(clip.model, clip.tokenizer, side if isinstance(side, int) else side[0])


def reference(model, tokenizer, side=64):
    image = torch.linspace(-1, 1, 3 * side * side).reshape(1, 3, side, side)
    with torch.inference_mode():
        texts = model.encode_text(tokenizer(TEXTS)).float().numpy()
        return np.concatenate([texts, model.encode_image(image).float().numpy()])


def expected(vit):
    return reference(vit, open_clip.get_tokenizer("small-vit"))


def save_bare(weights, path):
    torch.save(weights, path)


def save_legacy(weights, path):
    torch.save(weights, path, _use_new_zipfile_serialization=False)


def save_safetensors(weights, path):
    from safetensors.torch import save_file

    save_file(weights, path)


def save_as_open_clip_trains(weights, path):
    """As open_clip 2.20 wrote it, which trained SkyCLIP: a numpy number as learning rate."""
    held = {"state_dict": {f"module.{name}": value for name, value in weights.items()}}
    optimiser = {"state": {}, "param_groups": [{"lr": np.float64(3e-9), "betas": (0.9, 0.98)}]}
    torch.save({**held, "epoch": 20, "name": "x", "optimizer": optimiser}, path)


def save_with_plain_objects(weights, path):
    """Options of argparse, numpy's scalars and arrays, and paths, as research code stores them."""
    held = {
        "args": argparse.Namespace(lr=1e-3, out=pathlib.PosixPath("out"), seed=np.int64(3)),
        "best": np.float32(0.5),
        "history": np.arange(4.0),
        "counts": collections.defaultdict(int, a=1),
        "done": np.bool_(True),
    }
    torch.save({"model": weights, **held}, path)


def save_compiled(weights, path):
    torch.save({"model": {f"_orig_mod.{name}": value for name, value in weights.items()}}, path)


def save_compiled_inside(weights, path):
    names = {name: name.replace("visual.", "visual._orig_mod.") for name in weights}
    held = {f"module.{names[name]}": value for name, value in weights.items()}
    torch.save({"state_dict": held}, path)


def save_lightning(weights, path):
    held = {f"clip_model.{name}": value for name, value in weights.items()}
    torch.save({"state_dict": {**held, "loss.weight": torch.zeros(1)}, "epoch": 1}, path)


def save_with_openai_extras(weights, path):
    more = {"input_resolution": torch.tensor(64), "context_length": torch.tensor(77)}
    torch.save({**weights, **more, "vocab_size": torch.tensor(49408)}, path)


SAVED = [
    (save_bare, "weights.pt"),
    (save_bare, "weights.bin"),
    (save_bare, "weights.ckpt"),
    (save_bare, "weights"),
    (save_legacy, "legacy.pth"),
    (save_safetensors, "weights.safetensors"),
    (save_safetensors, "renamed.pt"),
    (save_as_open_clip_trains, "epoch_20.pt"),
    (save_with_plain_objects, "checkpoint.pth"),
    (save_compiled, "compiled.pt"),
    (save_compiled_inside, "compiled.pt"),
    (save_lightning, "last.ckpt"),
    (save_with_openai_extras, "openai_state_dict.pt"),
]


@pytest.mark.parametrize(
    ("save", "name"), SAVED, ids=[f"{save.__name__}-{name}" for save, name in SAVED]
)
def test_a_checkpoint_gives_the_vectors_of_its_weights(vit, tmp_path, save, name):
    save({key: value.clone() for key, value in vit.state_dict().items()}, tmp_path / name)
    assert np.array_equal(vectors_of(tmp_path / name), expected(vit))


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16])
def test_weights_of_half_precision_are_computed_in_full(vit, tmp_path, kind):
    halved = {name: value.to(kind) for name, value in vit.state_dict().items()}
    torch.save(halved, tmp_path / "half.pt")
    vit.load_state_dict(halved)
    assert np.array_equal(vectors_of(tmp_path / "half.pt"), expected(vit))


@pytest.mark.parametrize("numpy_of", ["numpy.core", "numpy._core"])
def test_numbers_pickled_by_either_numpy_load_safely(vit, tmp_path, numpy_of):
    """The two name the module of `np.float64` differently."""
    path, written = tmp_path / "epoch_20.pt", tmp_path / "written.pt"
    save_as_open_clip_trains(vit.state_dict(), written)
    names = {name.encode() for name in ("numpy._core.multiarray", "numpy.core.multiarray")}
    with zipfile.ZipFile(written) as old, zipfile.ZipFile(path, "w") as new:
        for member in old.infolist():
            data = old.read(member)
            if member.filename.endswith("/data.pkl"):
                (name,) = [name for name in names if name in data]
                data = data.replace(name, f"{numpy_of}.multiarray".encode())
            new.writestr(member.filename, data)
    assert np.array_equal(vectors_of(path), expected(vit))


class Traced(torch.nn.Module):
    """What OpenAI traced: the two towers of a CLIP."""

    def __init__(self, model):
        super().__init__()
        for name, child in model.named_children():
            setattr(self, name, child)
        for name, value in model.named_parameters(recurse=False):
            setattr(self, name, value)
        self.register_buffer("input_resolution", torch.tensor(64))

    def forward(self, image):
        return self.visual(image)


@pytest.mark.parametrize("quick", [False, True])
def test_an_archive_of_torchscript_is_read_as_data_and_tells_its_activation(vit, tmp_path, quick):
    name = "small-vit-quickgelu" if quick else "small-vit"
    torch.manual_seed(0)
    model = open_clip.create_model(name).eval().half().float()  # as published: fp16 values
    archive = torch.jit.trace(Traced(model), torch.zeros(1, 3, 64, 64), check_trace=False)
    archive.save(str(tmp_path / "ViT.pt"))
    expected = reference(model, open_clip.get_tokenizer("small-vit"))
    found = vectors_of(tmp_path / "ViT.pt", quick_gelu="auto")
    assert_close(found, expected, size=float(np.abs(expected).max()))


def test_weights_of_transformers_clip_model_give_its_vectors(tmp_path, vit):
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(1)
    tower = {"hidden_size": 64, "num_hidden_layers": 2, "intermediate_size": 256}
    config = transformers.CLIPConfig(
        text_config={
            **tower, "num_attention_heads": 2, "vocab_size": 49408, "hidden_act": "gelu",
            "max_position_embeddings": 77, "eos_token_id": 49407,
        },
        vision_config={
            **tower, "num_attention_heads": 1, "image_size": 64, "patch_size": 16,
            "hidden_act": "gelu",
        },
        projection_dim=32,
    )  # fmt: skip
    theirs = transformers.CLIPModel(config).eval()
    theirs.save_pretrained(tmp_path / "hf")
    found = vectors_of(tmp_path / "hf" / "model.safetensors")
    tokens = open_clip.get_tokenizer("small-vit")(TEXTS)
    image = torch.linspace(-1, 1, 3 * 64 * 64).reshape(1, 3, 64, 64)
    with torch.inference_mode():
        made = theirs(input_ids=tokens, pixel_values=image)
    from skyscript.clip.model import unit

    expected = np.concatenate([made.text_embeds.numpy(), made.image_embeds.numpy()])
    assert_close(unit(found), expected, size=1)


def test_the_context_length_and_the_image_size_of_the_checkpoint_win(vit, tmp_path):
    """A table that is resampled to the architecture's size gives other vectors."""
    long = json.loads(json.dumps(VIT))
    long["text_cfg"]["context_length"] = 248
    long["vision_cfg"]["image_size"] = 96
    torch.manual_seed(2)
    model = open_clip.CLIP(**long).eval()
    torch.save(model.state_dict(), tmp_path / "long.pt")
    tokenizer = open_clip.get_tokenizer("small-vit", context_length=248)
    assert np.array_equal(vectors_of(tmp_path / "long.pt"), reference(model, tokenizer, 96))
    clip = load_clip(
        find_clip(
            ClipConfig(model="small-vit", pretrained=str(tmp_path / "long.pt"), quick_gelu="off")
        ),
        "cpu",
    )
    assert clip.tokenizer.context_length == 248
    assert clip.preprocess["size"] in (96, (96, 96))
    assert_close(clip.encode_texts(TEXTS, "fp32"), reference(model, tokenizer, 96)[:3], size=1)


def test_the_two_position_tables_of_longclip_are_added_as_it_adds_them(tmp_path, vit):
    """It takes 20 positions of the first table, and the others of the second."""
    long = json.loads(json.dumps(VIT))
    long["text_cfg"]["context_length"] = 248
    torch.manual_seed(3)
    model = open_clip.CLIP(**long).eval()
    weights = dict(model.state_dict())
    table = weights["positional_embedding"]
    first, second = torch.randn_like(table), torch.randn_like(table)
    first[:20], second[20:] = table[:20], table[20:]
    held = {**weights, "positional_embedding": first, "positional_embedding_res": second}
    torch.save(held, tmp_path / "longclip.pt")
    tokenizer = open_clip.get_tokenizer("small-vit", context_length=248)
    assert np.array_equal(vectors_of(tmp_path / "longclip.pt"), reference(model, tokenizer))
