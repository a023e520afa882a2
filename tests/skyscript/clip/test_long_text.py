"""A longer context of the text tower, stretched as LongCLIP does."""

import pytest

torch = pytest.importorskip("torch")
open_clip = pytest.importorskip("open_clip")

from pipeline.errors import InputError  # noqa: E402
from skyscript.clip.export import export_model  # noqa: E402
from skyscript.clip.long_text import lengthen_context, stretch_positions  # noqa: E402
from skyscript.clip.model import load_clip  # noqa: E402
from skyscript.clip.source import ClipConfig, find_clip  # noqa: E402
from tests.conftest import assert_close  # noqa: E402

TOWER = {"layers": 2, "width": 64}
CONFIG = {
    "embed_dim": 64,
    "quick_gelu": False,
    "vision_cfg": {**TOWER, "image_size": 32, "head_width": 32, "patch_size": 8},
    "text_cfg": {**TOWER, "heads": 2, "context_length": 77, "vocab_size": 49408},
}
WORDS = "a satellite image of a pond"


def model(kind=open_clip.CLIP):
    torch.manual_seed(0)
    return kind(**CONFIG).eval()


def long_clip(table):
    """The loop of LongCLIP's own loader: from 77 positions to 248."""
    kept, length = 20, len(table)
    found = torch.zeros(4 * length - 3 * kept, table.shape[1])
    found[:kept] = table[:kept]
    for i in range(length - 1 - kept):
        for part in range(4):
            found[kept + 4 * i + part] = (
                table[i + kept] * (4 - part) / 4 + table[i + 1 + kept] * part / 4
            )
    for part in range(4):
        found[4 * length - 3 * kept - 4 + part] = table[-1] + part * (table[-1] - table[-2]) / 4
    return found


def test_248_positions_are_those_of_long_clip():
    table = torch.randn(77, 8, generator=torch.Generator().manual_seed(1))
    assert_close(stretch_positions(table, 248), long_clip(table), size=4)


def test_any_length_keeps_the_first_twenty_and_stretches_a_line_to_a_line():
    table = torch.arange(77.0)[:, None]
    found = stretch_positions(table, 100)[:, 0]
    assert torch.equal(found[:21], table[:21, 0])
    assert_close(found[20:].diff(), torch.full((79,), 57 / 80), size=1, rtol=1e-4)


@pytest.mark.parametrize("kind", [open_clip.CLIP, open_clip.CustomTextCLIP])
def test_a_lengthened_model_encodes_short_texts_as_before(kind):
    short, long = model(kind), model(kind)
    lengthen_context(long, 248, "it")
    with torch.inference_mode():
        before = short.encode_text(open_clip.tokenize([WORDS], 77))
        after = long.encode_text(open_clip.tokenize([WORDS], 248))
    assert_close(after, before, size=float(before.abs().max()))
    tail = open_clip.tokenize([WORDS + " and a road" * 40], 248)
    assert int((tail != 0).sum()) > 100
    assert long.encode_text(tail).isfinite().all()


def test_the_export_says_its_context_and_is_read_back(tmp_path):
    long = model()
    lengthen_context(long, 248, "it")
    export_model(long, CONFIG, tmp_path)
    found = load_clip(find_clip(ClipConfig(model=f"local-dir:{tmp_path}", pretrained=None)), "cpu")
    assert found.tokenizer.context_length == 248
    tokens = found.tokenizer([WORDS + " and a road" * 40])
    with torch.inference_mode():
        assert torch.equal(found.model.encode_text(tokens), long.encode_text(tokens))
        theirs = open_clip.create_model(f"local-dir:{tmp_path}").eval()
        assert torch.equal(theirs.encode_text(tokens), long.encode_text(tokens))


def test_a_context_of_the_same_length_is_left_as_it_is():
    same = model()
    table = same.positional_embedding
    lengthen_context(same, 77, "it")
    assert same.positional_embedding is table


@pytest.mark.parametrize(
    ("length", "change", "sentence"),
    [
        (50, lambda of: None, "the context of it has 77 tokens; it can only become longer"),
        (90, lambda of: delattr(of, "positional_embedding"), "no table of positions"),
    ],
)
def test_what_cannot_be_lengthened_is_refused(length, change, sentence):
    of = model()
    change(of)
    with pytest.raises(InputError, match=sentence):
        lengthen_context(of, length, "it")
