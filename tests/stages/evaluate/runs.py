"""Evaluating on the CPU, and loading a model as anyone does."""

from skyscript.clip.source import TINY_FOLDER
from stages.evaluate import EvaluateConfig, evaluate

SCENES = {
    "aid": "aid_img_txt_pairs_test.csv",
    "eurosat": "eurosat_img_txt_pairs_test.csv",
    "fmow": "fmow_img_txt_pairs_val.csv",
    "SkyScript_cls": "img_txt_pairs_val.csv",
    **dict.fromkeys(["nwpu", "patternnet", "millionaid", "rsicb256"], "img_txt_pairs_train.csv"),
}

COLOURED = [("red", "red"), ("green", "green"), ("blue", "red"), ("white", "blue")]


def run(root, out, sets, model="tiny", **more):
    return evaluate(
        EvaluateConfig(benchmarks=root, sets=tuple(sets), model=model, device="cpu", **more),
        out,
        lambda event: None,
    )


def stock(model):
    """Load as anyone does, with nothing of ours."""
    import open_clip

    name = f"local-dir:{TINY_FOLDER}" if model == "tiny" else model
    found, _, transform = open_clip.create_model_and_transforms(name)
    return found.eval(), open_clip.get_tokenizer(name), transform
