"""torchrun on several machines: two of them on this one, that find each other by rendezvous."""

import os
import socket
import subprocess
import sys

import pytest
import torch

from tests.conftest import COMMAND
from tests.stages.train.conftest import ALONE, losses, train_together, weights, words

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow]


def free_port() -> int:
    with socket.socket() as server:
        server.bind(("localhost", 0))
        return server.getsockname()[1]


def start_machine(number: int, port: int, options: dict) -> subprocess.Popen[str]:
    meeting = ["--nnodes=2", "--nproc-per-node=1", "--rdzv-backend=c10d", "--rdzv-id=skyscript"]
    meeting += [f"--rdzv-endpoint=localhost:{port}", f"--node-rank={number}"]
    started = [sys.executable, "-m", "torch.distributed.run", *meeting, "--no-python"]
    return subprocess.Popen(
        [*started, *COMMAND, "train", *words(options)],
        env={**ALONE, "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.parametrize("parallel", ["ddp", "fsdp"])
def test_two_machines_of_one_process_train_as_one_machine_of_two(options, parallel):
    more = {"batch_size": 16, "epochs": 1, "parallel": parallel}
    one = train_together(options | more | {"name": "together"})
    port = free_port()
    machines = [
        start_machine(number, port, options | more | {"name": "apart"}) for number in (0, 1)
    ]
    said = [machine.communicate(timeout=900)[0] for machine in machines]
    assert [machine.returncode for machine in machines] == [0, 0], said
    two = options["runs"] / "apart"
    assert losses(one) == losses(two)
    ours, theirs = weights(one), weights(two)
    assert all(torch.equal(ours[name], value) for name, value in theirs.items())
