"""AdamW at the rounding floor."""

import pytest
import torch

from stages.train.adapter import Adam
from stages.train.config import TrainConfig
from stages.train.optimiser import KahanAdamW, make_optimiser, parameter_groups
from tests.conftest import assert_close

CONSTANTS = {"betas": (0.9, 0.98), "eps": 1e-6}


def trained(kind, values, rate, steps, decay=0.0, dtype=torch.float32, gradients=None):
    value = torch.nn.Parameter(values.to(dtype).clone())
    optimiser = kind([{"params": [value], "weight_decay": decay}], lr=rate, **CONSTANTS)
    for step in range(steps):
        gradient = torch.ones_like(values) if gradients is None else gradients[step]
        value.grad = gradient.to(dtype)
        optimiser.step()
    return value.detach().double() - values.double()


def test_at_ordinary_rates_it_is_pytorchs_adamw():
    draw = torch.Generator().manual_seed(0)
    values = torch.randn(100, generator=draw)
    gradients = torch.randn(50, 100, generator=draw)
    ours, theirs = (
        trained(kind, values, 1e-3, 50, 0.2, torch.float64, gradients)
        for kind in (KahanAdamW, torch.optim.AdamW)
    )
    assert_close(ours, theirs, 1e-9)  # in float64


@pytest.mark.parametrize("rate", [1e-9, 3e-9])
def test_at_the_published_rates_weights_move_as_far_as_they_should(rate):
    values = torch.tensor([0.02, 0.04, 0.1, 0.5, 1.0])
    exact = trained(torch.optim.AdamW, values, rate, 1000, 1.0, torch.float64)
    plain = trained(torch.optim.AdamW, values, rate, 1000, 1.0)
    ours = trained(KahanAdamW, values, rate, 1000, 1.0)
    spacing = torch.tensor([torch.finfo(torch.float32).eps]) * values  # what fp32 can show
    assert torch.all((ours - exact).abs() <= spacing)
    assert torch.all(plain[2:] == 0)  # what compensation is for: these did not move at all
    assert torch.all(exact[2:] != 0)


def test_its_state_goes_on_as_if_never_stopped():
    draw = torch.Generator().manual_seed(0)
    values, gradients = torch.randn(9, generator=draw), torch.randn(20, 9, generator=draw)
    whole = trained(KahanAdamW, values, 1e-8, 20, 1.0, gradients=gradients)
    value = torch.nn.Parameter(values.clone())
    held = None
    for some in gradients.split(10):
        optimiser = KahanAdamW([{"params": [value], "weight_decay": 1.0}], lr=1e-8, **CONSTANTS)
        if held is not None:
            optimiser.load_state_dict(held)
        for gradient in some:
            value.grad = gradient
            optimiser.step()
        held = optimiser.state_dict()
    assert torch.equal(value.detach().double() - values.double(), whole)


def test_gains_biases_and_the_logit_scale_do_not_decay():
    import open_clip

    small = {"layers": 1, "width": 64, "heads": 2, "vocab_size": 49408, "context_length": 8}
    vision = {"layers": 1, "width": 64, "image_size": 32, "patch_size": 16, "head_width": 32}
    model = open_clip.CLIP(embed_dim=8, vision_cfg=vision, text_cfg=small)
    names = {id(value): name for name, value in model.named_parameters()}
    plain, decaying = (
        {names[id(value)] for value in group["params"]}
        for group in parameter_groups(model.named_parameters(), 0.5)
    )
    assert {"logit_scale", "visual.ln_pre.weight", "ln_final.bias"} <= plain
    assert {"text_projection", "visual.conv1.weight", "token_embedding.weight"} <= decaying
    assert plain | decaying == set(names.values())


def test_the_published_protocol_has_the_plain_optimiser():
    model = torch.nn.Linear(2, 2)
    constants = Adam(0.9, 0.98, 1e-6)
    published = TrainConfig(train_data="a.csv", protocol="skyclip")
    assert type(make_optimiser(model, published, constants)) is torch.optim.AdamW
    ours = make_optimiser(model, TrainConfig(train_data="a.csv"), constants)
    assert type(ours) is KahanAdamW
