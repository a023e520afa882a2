"""Checkpoints: whole or not there, and only of this training."""

import pytest
import torch

from pipeline.errors import ConfigError, InputError
from stages.train import checkpoint


@pytest.fixture
def state():
    model = torch.nn.Linear(3, 2)
    optimiser = torch.optim.AdamW(model.parameters(), lr=0.1)
    model(torch.ones(1, 3)).sum().backward()
    optimiser.step()
    return checkpoint.State(model, optimiser, None)


def save(folder, state, step=7, **identity):
    content = checkpoint.collect(state)
    checkpoint.save(folder, content, name="run", step=step, epoch=1, identity=identity)


def test_it_comes_back_as_it_was(tmp_path, state):
    assert checkpoint.resume(tmp_path, state, {}, extend=False) == 0
    save(tmp_path, state, lr=0.1)
    before = {name: value.clone() for name, value in state.model.state_dict().items()}
    torch.nn.init.zeros_(state.model.weight)
    assert checkpoint.resume(tmp_path, state, {"lr": 0.1}, extend=False) == 7
    assert torch.equal(state.model.weight, before["weight"])


def test_it_is_of_this_training_or_the_difference_is_named(tmp_path, state):
    save(tmp_path, state, lr=0.1, pairs="a")
    with pytest.raises(
        ConfigError, match="a training with other pairs; give this training another"
    ):
        checkpoint.resume(tmp_path, state, {"lr": 0.1, "pairs": "b"}, extend=False)


def test_more_epochs_are_another_training_unless_it_is_extended(tmp_path, state):
    save(tmp_path, state, lr=0.1, epochs=3)
    more = {"lr": 0.1, "epochs": 5}
    with pytest.raises(ConfigError, match=r"a training of 3 epochs. Give --extend to let it go on"):
        checkpoint.resume(tmp_path, state, more, extend=False)
    assert checkpoint.resume(tmp_path, state, more, extend=True) == 7
    for other in ({"lr": 0.1, "epochs": 2}, {"lr": 0.2, "epochs": 5}):
        with pytest.raises(ConfigError, match="another --name"):
            checkpoint.resume(tmp_path, state, other, extend=True)


@pytest.mark.parametrize("held", [b"broken", {"state_dict": {}}])
def test_what_is_none_of_ours_is_named(tmp_path, state, held):
    path = tmp_path / checkpoint.LATEST
    path.write_bytes(held) if isinstance(held, bytes) else torch.save(held, path)
    with pytest.raises(InputError, match=r"epoch_latest.pt: is no"):
        checkpoint.resume(tmp_path, state, {}, extend=False)


def test_a_kept_checkpoint_does_not_change_with_the_latest(tmp_path, state):
    save(tmp_path, state, step=7)
    checkpoint.keep_epoch(tmp_path, 1)
    save(tmp_path, state, step=8)
    steps = [
        torch.load(tmp_path / name, weights_only=True)["step"]
        for name in ("epoch_1.pt", "epoch_latest.pt")
    ]
    assert steps == [7, 8]


def test_what_a_kill_left_half_written_is_swept(tmp_path, state):
    save(tmp_path, state)
    (tmp_path / ".tmp-123-epoch_latest.pt").write_bytes(b"half")
    checkpoint.remove_unfinished(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["epoch_latest.pt"]
