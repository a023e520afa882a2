"""Training and evaluation on a GPU: they agree with the CPU.

Run on a machine with a CUDA device: pytest -m gpu tests/stages/train/test_gpu.py
"""

import numpy as np
import pytest
import torch

from stages.evaluate import EvaluateConfig, evaluate
from stages.train.config import TrainConfig
from stages.train.loop import train
from tests.skyscript.benchmarks.made_benchmarks import colour_set
from tests.stages.train.conftest import losses, run_alone, weights, words

pytestmark = [pytest.mark.gpu, pytest.mark.filterwarnings("ignore")]


def learn(options, **more):
    return train(TrainConfig(**{**options, **more}), lambda _: None)


def test_training_in_fp32_loses_as_much_as_on_the_cpu(options, tmp_path):
    cpu, gpu = (
        learn(options, device=device, precision="fp32", runs=tmp_path / device)
        for device in ("cpu", "cuda")
    )
    np.testing.assert_allclose(losses(gpu), losses(cpu), rtol=1e-3)


def test_training_in_half_precision_stays_near_and_keeps_finite_weights(options, tmp_path):
    cpu = learn(options, device="cpu", precision="fp32", runs=tmp_path / "cpu")
    gpu = learn(options, device="cuda", precision="amp", runs=tmp_path / "gpu")
    np.testing.assert_allclose(losses(gpu), losses(cpu), rtol=3e-2)
    assert all(torch.isfinite(tensor).all() for tensor in weights(gpu).values())


@pytest.mark.parametrize(
    "more",
    [
        {"compile": True},
        {"loss": "siglip", "accum_freq": 2, "batch_size": 16},
        {"lock_image": True, "lock_image_unlocked_groups": 1},
    ],
    ids=["compiled", "siglip", "locked"],
)
def test_other_ways_to_train_lose_as_much_as_on_the_cpu(options, tmp_path, more):
    plain = {name: value for name, value in more.items() if name != "compile"}
    cpu = learn(options | plain, device="cpu", precision="fp32", runs=tmp_path / "cpu")
    gpu = learn(options | more, device="cuda", precision="fp32", runs=tmp_path / "gpu")
    np.testing.assert_allclose(losses(gpu), losses(cpu), rtol=1e-3)


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two GPUs")
@pytest.mark.parametrize("parallel", ["ddp", "fsdp"])
def test_two_gpus_lose_as_much_as_one(options, tmp_path, parallel):
    more = {"precision": "fp32", "device": "cuda", "runs": tmp_path}
    one = learn(options | more, name="one")
    both = options | more | {"name": "two", "batch_size": 16, "parallel": parallel}
    done = run_alone(*words(both), processes=2)
    assert done.returncode == 0, done.stderr
    np.testing.assert_allclose(losses(tmp_path / "two"), losses(one), rtol=1e-3)


def test_an_evaluation_gives_the_figures_of_the_cpu(tmp_path):
    rows = [(colour, colour) for colour in ("red", "green", "blue") for _ in range(100)]
    colour_set(tmp_path / "root", "aid", "aid_img_txt_pairs_test.csv", rows)
    cpu, gpu = (
        evaluate(
            EvaluateConfig(
                benchmarks=tmp_path / "root",
                sets=("aid",),
                model="tiny",
                device=device,
                compile=device == "cuda",
                linear_probe=0.5,
            ),
            tmp_path / device,
            lambda _: None,
        )["sets"]["aid"]
        for device in ("cpu", "cuda")
    )
    assert gpu["top1"] == cpu["top1"]
    assert gpu["linear_probe"]["top1"] == pytest.approx(cpu["linear_probe"]["top1"], abs=0.02)
