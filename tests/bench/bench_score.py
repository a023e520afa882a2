"""Scoring on the CPU against the plain loop: PIL, open_clip's transform, fp32, every caption.

A ViT-B-32 with random weights: speed does not depend on what a model has learnt, and both ways see
the same files in turn. How near the scores are is measured with the tiny CLIP, which has learnt.
Run: pytest -m bench -s tests/bench/bench_score.py. clip-retrieval takes part where it is installed.
"""

import importlib.util
import io
import sys
import tarfile
import time
import types
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")
open_clip = pytest.importorskip("open_clip")
pytest.importorskip("simplejpeg")

from open_clip.transform import PreprocessCfg, image_transform_v2  # noqa: E402

from skyscript.clip.model import Clip, load_clip  # noqa: E402
from skyscript.clip.source import ClipConfig, find_clip  # noqa: E402
from skyscript.clip.vectors.embed import image_vectors, text_vectors  # noqa: E402
from skyscript.clip.vectors.pixels import model_pixels  # noqa: E402
from skyscript.clip.vectors.store import Store  # noqa: E402
from tests.bench.record import record  # noqa: E402

pytestmark = [
    pytest.mark.bench,
    pytest.mark.filterwarnings("ignore"),
]

PAIRS = 64
ROUNDS = 3
BATCH = 32
NEAR = 4000
"""Pairs whose scores are compared."""
TITLES = 20_000
"""Captions whose repetition is SkyScript's: 96 % repeat another."""


@pytest.fixture(scope="module")
def clip():
    torch.manual_seed(0)
    found = object.__new__(Clip)
    found.model, _, _ = open_clip.create_model_and_transforms("ViT-B-32")
    found.model.eval()
    found.tokenizer = open_clip.get_tokenizer("ViT-B-32")
    found.preprocess = open_clip.get_model_preprocess_cfg(found.model)
    found.device = found._kind = "cpu"
    return found


NOISE = np.random.default_rng(0).normal(0, 10, (400, 400, 3)).astype(np.int16)


def tile(seed):
    draw = np.random.default_rng(seed)
    coarse = Image.fromarray(draw.integers(0, 255, (20, 20, 3), np.uint8)).resize((400, 400))
    data = io.BytesIO()
    image = Image.fromarray(np.clip(np.asarray(coarse) + NOISE, 0, 255).astype(np.uint8))
    image.save(data, "JPEG", quality=90)
    return data.getvalue()


@pytest.fixture(scope="module")
def tiles():
    return {f"{number}.jpg": tile(number) for number in range(PAIRS)}


def captions(count):
    """Titles, 4 % of them distinct, of SkyScript's length."""
    draw = np.random.default_rng(1)
    distinct = max(1, count // 25)
    words = ["building", "road of residential", "surface of asphalt", "natural tree", "power pole"]
    known = [
        "a satellite image of " + ", ".join(draw.choice(words, draw.integers(1, 4))) + f" {number}"
        for number in range(distinct)
    ]
    return [known[i] for i in draw.integers(0, distinct, count)]


def plain_images(clip, tiles):
    transform = image_transform_v2(PreprocessCfg(**clip.preprocess), is_train=False)
    found = []
    with torch.inference_mode():
        paths = list(tiles)
        for start in range(0, len(paths), BATCH):
            batch = [
                transform(Image.open(io.BytesIO(tiles[p]))) for p in paths[start : start + BATCH]
            ]
            found.append(clip.model.encode_image(torch.stack(batch), normalize=True).numpy())
    return np.concatenate(found)


def plain_texts(clip, texts):
    found = []
    with torch.inference_mode():
        for start in range(0, len(texts), BATCH):
            tokens = clip.tokenizer(texts[start : start + BATCH])
            found.append(clip.model.encode_text(tokens, normalize=True).numpy())
    return np.concatenate(found)


def ours(clip, tiles, texts, folder):
    images = image_vectors(
        list(tiles), tiles.__getitem__, clip, Store(folder / "images", 512, np.float16)
    )
    vectors = text_vectors(texts, clip, Store(folder / "texts", 512, np.float32))
    return (images.vectors * vectors).sum(1)


def timed(*functions):
    """Give each function's median seconds; they take turns, so that a busy minute meets all."""
    seconds = [[] for _ in functions]
    for number in range(ROUNDS):
        for function, times in zip(functions, seconds, strict=True):
            start = time.perf_counter()
            function(number)
            times.append(time.perf_counter() - start)
    return [float(np.median(times)) for times in seconds]


def clip_retrieval_pairs(clip, shard):
    """clip-retrieval's own reader and mapper on a shard; its package asks for much else to import.

    With `pip install --no-deps clip-retrieval`: what it requires (numpy < 2, open_clip < 3) cannot
    stand beside ours. So its two modules are loaded alone, and are given our model.
    """
    folder = Path(importlib.util.find_spec("clip_retrieval").submodule_search_locations[0])
    loader = types.ModuleType("all_clip")
    loader.load_clip = lambda **_: (clip.model, None, None)
    unused = types.ModuleType("sentence_transformers")
    unused.SentenceTransformer = None
    sys.modules |= {"all_clip": loader, "sentence_transformers": unused}
    reader, mapper = (_module(folder / "clip_inference" / f"{n}.py") for n in ("reader", "mapper"))
    transform = image_transform_v2(PreprocessCfg(**clip.preprocess), is_train=False)
    batches = reader.WebdatasetReader(
        lambda urls: urls, transform, clip.tokenizer, [str(shard)], BATCH, num_prepro_workers=1
    )
    encode = mapper.ClipMapper(True, True, False, False, "", False, "")
    found = [encode(batch) for batch in batches]
    return sum(len(item["image_embs"]) for item in found)


def _module(path):
    spec = importlib.util.spec_from_file_location(f"clip_retrieval_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_pairs_a_second(clip, tiles, tmp_path):
    """The compiler's time is printed apart: it is spent once a process, not once a pair."""
    singles, multis = captions(PAIRS), [f"{text}, surrounded by {text}" for text in captions(PAIRS)]
    shard = tmp_path / "0.tar"
    with tarfile.open(shard, "w") as tar:
        for (name, data), text in zip(tiles.items(), singles, strict=True):
            for member, content in ((name, data), (name.replace("jpg", "txt"), text.encode())):
                info = tarfile.TarInfo(member)
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))

    def eager(number):
        clip.__dict__.pop("_tower", None)
        ours(clip, tiles, singles, tmp_path / f"eager{number}")

    def fast(number):
        clip.__dict__["_tower"] = tower
        ours(clip, tiles, singles, tmp_path / f"fast{number}")

    def fast_both(number):
        clip.__dict__["_tower"] = tower
        ours(clip, tiles, singles, tmp_path / f"both{number}")
        text_vectors(multis, clip, Store(tmp_path / f"both{number}" / "texts", 512, np.float32))

    start = time.perf_counter()
    clip.expect(10**6)
    tower = clip.__dict__["_tower"]
    compiling = time.perf_counter() - start
    peer = importlib.util.find_spec("clip_retrieval") is not None
    plain, image, mine, best, both, *peers = timed(
        lambda _: (plain_images(clip, tiles), plain_texts(clip, singles)),
        lambda _: plain_images(clip, tiles),
        eager,
        fast,
        fast_both,
        *([lambda _: clip_retrieval_pairs(clip, shard)] if peer else []),
    )
    text = plain - image
    print(
        f"\nViT-B-32, one thread, {PAIRS} pairs. One caption each: {plain / best:.2f} x plain "
        f"({plain / mine:.2f} x not compiled); both captions: {(plain + text) / both:.2f} x plain. "
        f"Of the plain loop, images take {image / plain:.0%}. The compiler took as long as "
        f"{compiling / (image / PAIRS):,.0f} images of the plain loop."
    )
    for name, what, ratio in (
        ("score_one_caption", "one caption", plain / best),
        ("score_both_captions", "both captions", (plain + text) / both),
    ):
        what = f"`score`, ViT-B-32, one thread, {what}"
        record(name, what=what, against=PLAIN, ratio=ratio)
    if peer:
        print(f"one caption each: {peers[0] / best:.2f} x clip-retrieval's reader and mapper")
    else:
        print("clip-retrieval is not installed: not compared")


def test_pixels_a_second(clip, tiles):
    transform = image_transform_v2(PreprocessCfg(**clip.preprocess), is_train=False)
    plain, fast = timed(
        lambda _: [transform(Image.open(io.BytesIO(data))) for data in tiles.values()],
        lambda _: [model_pixels(data, clip.preprocess) for data in tiles.values()],
    )
    print(
        f"\ndecode and resize: plain {PAIRS / plain:,.0f}/s, ours {PAIRS / fast:,.0f}/s: "
        f"{plain / fast:.2f} x plain"
    )


PLAIN = "PIL, open_clip's transform, fp32, batch 32"


def test_texts_a_second(tmp_path):
    """With the tiny CLIP, for 20,000 captions; the ratio is what repetition and length give."""
    tiny = load_clip(find_clip(ClipConfig(model="tiny")), "cpu")
    texts = captions(TITLES)
    plain, fast = timed(
        lambda _: plain_texts(tiny, texts[: TITLES // 10]),
        lambda n: text_vectors(texts, tiny, Store(tmp_path / f"{n}", tiny.width, np.float32)),
    )
    plain *= 10
    print(
        f"\ntexts, {len(set(texts)) / len(texts):.1%} distinct: plain {TITLES / plain:,.0f}/s, "
        f"ours {TITLES / fast:,.0f}/s: {plain / fast:.1f} x plain"
    )
    what = f"`score`, its texts alone, {1 - len(set(texts)) / len(texts):.0%} of them repeated"
    record("score_texts", what=what, against=PLAIN, ratio=plain / fast)


def test_how_near_the_scores_are(tmp_path):
    from scipy.stats import spearmanr

    tiny = load_clip(find_clip(ClipConfig(model="tiny")), "cpu")
    many = {f"{number}.jpg": tile(number) for number in range(NEAR)}
    texts = captions(len(many))
    plain = (plain_images(tiny, many) * plain_texts(tiny, texts)).sum(1)
    images = image_vectors(
        list(many), many.__getitem__, tiny, Store(tmp_path / "i", tiny.width, np.float16)
    )
    found = text_vectors(texts, tiny, Store(tmp_path / "t", tiny.width, np.float32))
    fast = (images.vectors * found).sum(1)
    best = [set(np.argsort(-scores, kind="stable")[: NEAR * 30 // 100]) for scores in (plain, fast)]
    correlation = spearmanr(plain, fast).statistic
    print(
        f"\nfast against plain, tiny CLIP, {NEAR:,} pairs: largest difference "
        f"{np.abs(plain - fast).max():.1e}, rank correlation {correlation:.6f}, top-30 % overlap "
        f"{len(best[0] & best[1]) / (NEAR * 30 // 100):.2%}"
    )
    assert correlation >= 0.9999
    assert len(best[0] & best[1]) >= 0.999 * (NEAR * 30 // 100)
