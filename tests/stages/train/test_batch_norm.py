"""Batch normalisation of several processes is that of one with the whole batch."""

import pytest

torch = pytest.importorskip("torch")

from torch import distributed, nn  # noqa: E402

from stages.train.batch_norm import synchronise_batch_norm  # noqa: E402
from tests.conftest import assert_close  # noqa: E402
from tests.stages.train.conftest import of_processes  # noqa: E402


def tower():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(1))


def images():
    generator = torch.Generator().manual_seed(1)
    return (
        torch.randn(8, 3, 6, 6, generator=generator) * torch.arange(1.0, 9.0)[:, None, None, None]
    )


def learn(model, batch):
    """One step on a batch; give the output, the gradient and the running statistics."""
    found = model(batch)
    (found**3).mean().backward()
    return found


def of_one_process(rank, world, file, results):
    distributed.init_process_group("gloo", f"file://{file}", rank=rank, world_size=world)
    model = tower()
    synchronise_batch_norm(model)
    size = 8 // world
    found = learn(model, images()[rank * size : (rank + 1) * size])
    gradients = [value.grad.clone() for value in model.parameters()]
    for gradient in gradients:  # as DDP averages them
        distributed.all_reduce(gradient)
        gradient /= world
    results[rank] = (
        found.detach().numpy(),
        [gradient.numpy() for gradient in gradients],
        {name: value.numpy() for name, value in model.state_dict().items()},
    )
    distributed.destroy_process_group()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_two_processes_normalise_as_one_does(tmp_path):
    import numpy as np

    whole = tower()
    output = learn(whole, images()).detach().numpy()
    results = of_processes(of_one_process, 2, tmp_path)
    parts = [results[0], results[1]]
    assert_close(np.concatenate([part[0] for part in parts]), output)
    for ours, theirs in zip(parts[0][1], whole.parameters(), strict=True):
        assert_close(ours, theirs.grad, size=1)
    for part in parts:
        assert part[2].keys() == whole.state_dict().keys()
        for name, value in whole.state_dict().items():
            assert_close(part[2][name], value)
