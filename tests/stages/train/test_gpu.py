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
from tests.stages.train.conftest import losses, weights

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
                linear_probe=0.5,
            ),
            tmp_path / device,
            lambda _: None,
        )["sets"]["aid"]
        for device in ("cpu", "cuda")
    )
    assert gpu["top1"] == cpu["top1"]
    assert gpu["linear_probe"]["top1"] == pytest.approx(cpu["linear_probe"]["top1"], abs=0.02)
