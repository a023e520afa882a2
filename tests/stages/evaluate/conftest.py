"""Benchmarks laid out as published, and a model that has learnt nothing."""

import csv
import json

import pytest

from tests.conftest import real_files
from tests.stages.evaluate.runs import SCENES


@pytest.fixture(scope="module", params=[None, *real_files("bench")], ids=str)
def real(request, tmp_path_factory):
    """Images laid out as published (scenes, roofs and captions): made ones, and real ones."""
    from tests.skyscript.benchmarks.made_benchmarks import lay_out_pictures, write_rows

    bench, root = request.param, tmp_path_factory.mktemp("benchmarks")
    if bench is None:
        lay_out_pictures(root)
        return root
    with (bench / "aid/labels.csv").open() as file:
        aid = [(row["image"], row["class"]) for row in csv.DictReader(file)][::20]
    for name in ("aid", "rsscn7", "rsicd_test"):
        (root / name).mkdir()
    for name in sorted({label for _, label in aid}):
        (root / "aid" / name).symlink_to(bench / "aid" / name)
    write_rows(root / "aid" / SCENES["aid"], ["filepath", "label"],
               [[f"aid/{path}", label] for path, label in aid])  # fmt: skip
    (root / "aid/classnames.txt").write_text("\n".join(sorted({label for _, label in aid})))
    roofs = []
    (root / "roof_shape").mkdir()
    for folder in sorted((bench / "rsscn7").iterdir()):
        (root / "roof_shape" / folder.name).symlink_to(folder)
        roofs += [[f"roof_shape/{folder.name}/{image.name}", folder.name[1:], "AB"[number % 2]]
                  for number, image in enumerate(sorted(folder.iterdir())[:6])]  # fmt: skip
    write_rows(root / "roof_shape/img_txt_pairs_test.csv",
               ["filepath", "label_v1", "label_v2"], roofs)  # fmt: skip
    (root / "roof_shape/classnames_v1.txt").write_text("\n".join(sorted({r[1] for r in roofs})))
    (root / "roof_shape/classnames_v2.txt").write_text("A\nB\n")
    lines = (bench / "rsicd_test/captions.jsonl").read_text().splitlines()[::14]
    (root / "rsicd_test/images").symlink_to(bench / "rsicd_test/images")
    held = [json.loads(line) for line in lines]
    captions = [[f"rsicd_test/images/{one['image']}", caption]
                for one in held for caption in one["captions"]]  # fmt: skip
    write_rows(root / "RSICD/RSICD_img_txt_pairs_test.csv", ["filepath", "title"], captions)
    return root


@pytest.fixture(scope="module")
def random_model(tmp_path_factory):
    """A small ViT of quick-GELU that has learnt nothing."""
    import open_clip
    import torch

    from skyscript.clip.export import export_model

    config = {
        "embed_dim": 32,
        "quick_gelu": True,
        "vision_cfg": {"image_size": 48, "layers": 2, "width": 64, "patch_size": 16},
        "text_cfg": {
            "context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2
        },
    }  # fmt: skip
    torch.manual_seed(3)
    model = open_clip.CLIP(**config)
    folder = tmp_path_factory.mktemp("random")
    export_model(model, config, folder)
    return f"local-dir:{folder}"
