"""Files that are no usable checkpoint: each is refused by a sentence that says what it is."""

import json
import pickle
import zipfile

import pytest

from pipeline.errors import InputError
from skyscript.clip.source import ClipConfig, find_clip

open_clip = pytest.importorskip("open_clip")
torch = pytest.importorskip("torch")

from skyscript.clip.model import load_clip  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")


class Harm:
    def __reduce__(self):
        return print, ("code of a checkpoint ran",)


def git_lfs(path, weights):
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")


def web_page(path, weights):
    path.write_text("\n<!DOCTYPE html><html><title>Sign in</title></html>")


def empty(path, weights):
    path.write_bytes(b"")


def text(path, weights):
    path.write_text("not a checkpoint")


def cut_off(path, weights):
    torch.save(weights, path)
    path.write_bytes(path.read_bytes()[:-1000])


def cut_off_safetensors(path, weights):
    from safetensors.torch import save_file

    save_file(weights, path)
    path.write_bytes(path.read_bytes()[:-1000])


def bad_header(path, weights):
    path.write_bytes((20).to_bytes(8, "little") + b'{"a": [1, 2, 3}     ')


def zip_of_texts(path, weights):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "nothing")


def harmful(path, weights):
    torch.save({"state_dict": weights, "harm": Harm()}, path)


def harmful_archive(path, weights):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/code/x.py", "")
        archive.writestr("a/constants.pkl", pickle.dumps(()))
        archive.writestr("a/data.pkl", pickle.dumps(Harm()))


def reaching_out(path, weights):
    """A TorchScript archive whose tensor reaches beyond its storage."""
    traced = torch.jit.trace(torch.nn.Linear(8, 8), torch.zeros(1, 8), check_trace=False)
    traced.save(str(path))
    with zipfile.ZipFile(path) as archive:
        members = {info.filename: archive.read(info) for info in archive.infolist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            is_tensor = "/data/" in name and len(data) == 256
            archive.writestr(name, data[:16] if is_tensor else data)


def a_list(path, weights):
    torch.save([1, 2, 3], path)


def a_tensor(path, weights):
    torch.save(torch.zeros(3), path)


def other_weights(path, weights):
    torch.save({"state_dict": {"weight": torch.zeros(3)}}, path)


def not_finite(path, weights):
    torch.save({**weights, "visual.conv1.weight": weights["visual.conv1.weight"] * torch.nan}, path)


def two_models(path, weights):
    both = {
        f"{side}.{name}": value
        for side in ("student", "teacher")
        for name, value in weights.items()
    }
    torch.save(both, path)


def around_itself(path, weights):
    content = {}
    content["model"] = content
    torch.save(content, path)


FILES = [
    (git_lfs, r"is a pointer of git-LFS, not the weights. Run `git lfs pull`"),
    (web_page, r"is a web page, not a checkpoint"),
    (empty, r"is empty. Fetch it again"),
    (text, r"is none of safetensors, a file of torch.save or a TorchScript archive"),
    (cut_off, r"the file is cut off: its end is missing. Fetch it again"),
    (cut_off_safetensors, r"is a safetensors file that is damaged or cut off"),
    (bad_header, r"is a safetensors file that is damaged or cut off"),
    (zip_of_texts, r"is damaged or cut off, or is no checkpoint of torch"),
    (harmful, r"contains an object of \S*print, which only running code of the file could build"),
    (harmful_archive, r"has another form than CLIP's \(it contains an object of \S*print\)"),
    (reaching_out, r"the storage '\d' is cut off"),
    (a_list, r"is not a checkpoint: it contains a list"),
    (a_tensor, r"is not a checkpoint: it contains a Tensor"),
    (other_weights, r"contains no weights of a CLIP: none is called logit_scale"),
    (not_finite, r"1 of \d+ weights have values that are NaN or infinite \(visual.conv1.weight\)"),
    (two_models, r"contains 2 models \('student.', 'teacher.'\)"),
    (around_itself, r"contains no weights of a CLIP"),
]


@pytest.mark.parametrize(("make", "says"), FILES, ids=[make.__name__ for make, _ in FILES])
def test_a_file_that_is_no_checkpoint_is_said(architecture, tiny, tmp_path, capsys, make, says):
    path = tmp_path / "weights.pt"
    make(path, {name: value.clone() for name, value in tiny.model.state_dict().items()})
    with pytest.raises(InputError, match=says) as caught:
        load_clip(
            find_clip(ClipConfig(model=architecture, pretrained=str(path), quick_gelu="off")), "cpu"
        )
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    assert "\x1b" not in message
    assert "weights_only" not in message
    assert "code of a checkpoint ran" not in capsys.readouterr().out


@pytest.mark.slow
def test_another_architecture_is_said_with_the_keys_that_differ_and_its_likely_name(
    tmp_path, architecture
):
    config = open_clip.get_model_config("ViT-S-32")
    torch.save(open_clip.CLIP(**config).state_dict(), tmp_path / "vit.pt")
    wanted = ClipConfig(model=architecture, pretrained=str(tmp_path / "vit.pt"), quick_gelu="off")
    with pytest.raises(InputError) as caught:
        load_clip(find_clip(wanted), "cpu")
    message = str(caught.value)
    assert "its weights are of another architecture than tiny-arch" in message
    assert "122 keys missing in the file (visual.bn1.weight, " in message
    assert "271 keys unknown to the model (visual.class_embedding, " in message
    assert "positional_embedding is 77 x 384 in the file and 77 x 48 in the model" in message
    assert "The weights fit ViT-S-32" in message


@pytest.mark.slow
def test_an_image_table_of_no_square_is_said(tmp_path, tiny):
    config = {**open_clip.get_model_config("ViT-S-32")}
    weights = open_clip.CLIP(**config).state_dict()
    table = weights["visual.positional_embedding"]
    torch.save({**weights, "visual.positional_embedding": table[:-3]}, tmp_path / "odd.pt")
    source = find_clip(
        ClipConfig(model="ViT-S-32", pretrained=str(tmp_path / "odd.pt"), quick_gelu="off")
    )
    with pytest.raises(InputError, match=r"its image table has 47 rows, which is no square"):
        load_clip(source, "cpu")


def test_a_folder_of_transformers_is_said(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "clip"}))
    with pytest.raises(InputError, match=r"is a model folder of Hugging Face's transformers"):
        find_clip(ClipConfig(model=f"local-dir:{tmp_path}"))
