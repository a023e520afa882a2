"""Zero-shot evaluation against the published loop: DataLoader, PIL, open_clip's own transform.

Real photographs (RSSCN7, 400 x 400), the same model, workers, batch and CPU threads, in turn. The
tiny CLIP shows what reading images costs, a ViT-B-32 (random weights: they do not change its speed)
what is left of that beside a model of common size.
Run: pytest -m bench -s tests/bench/bench_evaluate.py
"""

import time

import numpy as np
import pytest
from PIL import Image

from skyscript.benchmarks import find_present, zero_shot
from skyscript.clip.model import Clip
from skyscript.clip.source import TINY_FOLDER
from tests.bench.record import record
from tests.skyscript.benchmarks.made_benchmarks import write_rows

torch = pytest.importorskip("torch")
open_clip = pytest.importorskip("open_clip")
pytest.importorskip("simplejpeg")

pytestmark = [
    pytest.mark.bench,
    pytest.mark.filterwarnings("ignore"),
]

BATCH, WORKERS, ROUNDS = 32, 2, 3
IMAGES = 96
"""Whole batches, as in a large set: ours fills the last one up."""
SAID = ("a satellite photo of {}.", "a satellite image of {}")


@pytest.fixture(scope="module")
def photographs(shared_data, tmp_path_factory):
    root = tmp_path_factory.mktemp("root")
    rows = []
    for folder in sorted((shared_data / "bench/rsscn7").iterdir()):
        rows += [[f"nwpu/{folder.name}/{image.name}", folder.name[1:]]
                 for image in sorted(folder.iterdir())]  # fmt: skip
    (root / "nwpu").mkdir()
    for folder in (shared_data / "bench/rsscn7").iterdir():
        (root / "nwpu" / folder.name).symlink_to(folder)
    write_rows(root / "nwpu/img_txt_pairs_train.csv", ["filepath", "label"], rows[:IMAGES])
    (root / "nwpu/classnames.txt").write_text("\n".join(sorted({label for _, label in rows})))
    return root


class Photographs(torch.utils.data.Dataset):
    def __init__(self, files, transform):
        self.files, self.transform = files, transform

    def __len__(self):
        return len(self.files)

    def __getitem__(self, index):
        return self.transform(Image.open(self.files[index]))


def plain_loop(model, tokenizer, transform, files, classes):
    with torch.inference_mode():
        columns = []
        for name in classes:
            vectors = model.encode_text(tokenizer([said.format(name) for said in SAID]))
            mean = torch.nn.functional.normalize(vectors, dim=-1).mean(0)
            columns.append(mean / mean.norm())
        weights = torch.stack(columns, 1)
        found = []
        for images in torch.utils.data.DataLoader(
            Photographs(files, transform), BATCH, num_workers=WORKERS
        ):
            vectors = torch.nn.functional.normalize(model.encode_image(images), dim=-1)
            found.append((100.0 * vectors @ weights).topk(1).indices[:, 0])
    return torch.cat(found).numpy()


@pytest.mark.parametrize("name", ["tiny", "ViT-B-32"])
def test_images_a_second(photographs, name):
    of = f"local-dir:{TINY_FOLDER}" if name == "tiny" else name
    torch.manual_seed(0)
    model, _, transform = open_clip.create_model_and_transforms(of)
    tokenizer = open_clip.get_tokenizer(of)
    model.eval()
    preprocess = open_clip.get_model_preprocess_cfg(model)
    clip = Clip(model, tokenizer, preprocess, "cpu", BATCH)
    (benchmark,) = find_present(photographs, ["nwpu"])
    times = {"plain": [], "ours": []}
    for _ in range(ROUNDS):
        start = time.perf_counter()
        ours = zero_shot(clip, benchmark, photographs, threads=WORKERS)
        times["ours"].append(time.perf_counter() - start)
        start = time.perf_counter()
        plain = plain_loop(model, tokenizer, transform, ours.images.files, ours.images.classes)
        times["plain"].append(time.perf_counter() - start)
    assert np.array_equal(plain, ours.predicted)
    ratio = np.median(np.array(times["plain"]) / np.array(times["ours"]))
    rates = {way: ours.count / np.median(seconds) for way, seconds in times.items()}
    print(
        f"\n{name}: published loop {rates['plain']:.1f} images/s, ours {rates['ours']:.1f}: "
        f"{ratio:.2f} x, {ours.count} predictions identical"
    )
    record(
        "evaluate_tiny" if name == "tiny" else "evaluate_vit_b32",
        what=f"`evaluate`, {'the tiny CLIP' if name == 'tiny' else name}",
        against="DataLoader, Pillow, open_clip's transform; the same predictions",
        ratio=ratio,
    )
