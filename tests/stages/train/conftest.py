"""A model of two layers, tiles of the toy town, and training on them in a process of its own."""

import contextlib
import json
import os
import pickle
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
open_clip = pytest.importorskip("open_clip")

from pipeline.cli.run import TOY  # noqa: E402
from pipeline.config import load_config  # noqa: E402
from pipeline.runner import run  # noqa: E402
from skyscript.clip.export import export_model  # noqa: E402
from stages import PIPELINE  # noqa: E402
from stages.train.config import TrainConfig  # noqa: E402
from tests.conftest import COMMAND, REPOSITORY  # noqa: E402
from tests.forking import Forked, ForkServer, command_line, fork_server, wait_for_all  # noqa: E402

TOWER = {"layers": 2, "width": 64}
CONFIG = {
    "embed_dim": 64,
    "quick_gelu": False,
    "vision_cfg": {**TOWER, "image_size": 32, "head_width": 32, "patch_size": 8},
    "text_cfg": {**TOWER, "width": 32, "heads": 2, "context_length": 77, "vocab_size": 49408},
}
CSV = "SkyScript_train_unfiltered.csv"
ALONE = {**os.environ, "PYTHONPATH": str(REPOSITORY)}


def trainer() -> ForkServer:
    """Give the server of processes that have imported what a training needs."""
    loaded = ["pipeline.cli", "stages.train.loop", "open_clip_train.distributed"]
    return fork_server("pytest", "hypothesis", *loaded)


def of_processes(work: Callable, world: int, folder: Path, *given) -> dict:
    """Give what ``world`` processes, each of which calls ``work``, put into one dictionary.

    ``work(rank, world, meeting, *given, results)`` gets a file at which the processes meet.
    """
    places = [(rank, world, str(folder / "meeting"), *given) for rank in range(world)]
    found = [folder / f"results-{rank}.pickle" for rank in range(world)]
    started = [
        trainer().start(_keep_results, work, place, file, out=folder / "said.txt")
        for place, file in zip(places, found, strict=True)
    ]
    assert wait_for_all(started) == 0, (folder / "said.txt").read_text()
    return {
        name: value for file in found for name, value in pickle.loads(file.read_bytes()).items()
    }


def _keep_results(work: Callable, place: tuple, file: Path) -> None:
    results: dict = {}
    work(*place, results)
    file.write_bytes(pickle.dumps(results))


@pytest.fixture(scope="session")
def town(tmp_path_factory) -> Path:
    """64 tiles of the toy town with their captions."""
    root = tmp_path_factory.mktemp("town")
    small = ["sample.max_objects=64", "runner.executor=serial", "seed=3"]
    run(PIPELINE, load_config(TOY, PIPELINE, small), root, lambda _: None)
    return root


@pytest.fixture(scope="session")
def tiny_vit(tmp_path_factory) -> Path:
    """A folder of a model that has learnt nothing yet."""
    folder = tmp_path_factory.mktemp("model")
    torch.manual_seed(0)
    export_model(open_clip.CLIP(**CONFIG), CONFIG, folder)
    settings = json.loads((folder / "open_clip_config.json").read_text())
    assert settings["model_cfg"] == CONFIG
    return folder


@pytest.fixture
def options(town, tiny_vit, tmp_path) -> dict:
    """Options of a training of a few steps."""
    return {
        "model": f"local-dir:{tiny_vit}",
        "train_data": town / CSV,
        "root_data_dir": town,
        "runs": tmp_path / "runs",
        "name": "run",
        "batch_size": 32,
        "epochs": 3,
        "warmup": 2,
        "lr": 1e-3,
        "workers": 0,
        "device": "cpu",
        "log_every_n_steps": 1,
        "save_frequency": 0,
    }


@pytest.fixture
def config(options) -> TrainConfig:
    return TrainConfig(**options)


def words(options: dict) -> list[str]:
    """The options as a user types them."""
    return [
        word
        for key, value in options.items()
        for word in (f"--{key.replace('_', '-')}", *_words_of_value(value))
    ]


def _words_of_value(value: object) -> list[str]:
    if isinstance(value, dict):
        return [f"{name}={of}" for name, of in value.items()]
    return [] if value is True else [str(value)]  # a flag


def command(*arguments: str, processes: int = 1) -> list[str]:
    train = [*COMMAND, "train", *arguments]
    if processes == 1:
        return train
    started = ["-m", "torch.distributed.run", "--nproc_per_node", str(processes)]
    return [sys.executable, *started, "--standalone", "--no-python", *train]


def run_alone(*arguments: str, processes: int = 1) -> subprocess.CompletedProcess[str]:
    """Train in new processes; torchrun starts several."""
    return subprocess.run(
        command(*arguments, processes=processes),
        capture_output=True,
        text=True,
        env=ALONE,
        check=False,
    )


def start_together(words: list[str], out: Path, processes: int) -> list[Forked]:
    """Start processes that train together: forked ones, with the variables that torchrun sets."""
    if processes == 1:
        return [trainer().start(command_line, "train", *words, out=out)]
    with socket.socket() as server:
        server.bind(("localhost", 0))
        meeting = {"MASTER_ADDR": "localhost", "MASTER_PORT": str(server.getsockname()[1])}
    world = {"WORLD_SIZE": str(processes), "LOCAL_WORLD_SIZE": str(processes)}
    ranks = ({"RANK": str(rank), "LOCAL_RANK": str(rank)} for rank in range(processes))
    return [
        trainer().start(command_line, "train", *words, out=out, environment=meeting | world | rank)
        for rank in ranks
    ]


def said_by(options: dict) -> Path:
    """The file of what the processes of a training say."""
    return Path(options["runs"]).parent / f"{options['name']}.txt"


def train_together(options: dict, processes: int = 2) -> Path:
    """Train in several processes; give the folder of the training."""
    out = said_by(options)
    code = wait_for_all(start_together(words(options), out, processes))
    assert code == 0, out.read_text()
    return Path(options["runs"]) / options["name"]


def kill_at_step(options: dict, step: int, processes: int = 1) -> int:
    """Train in processes that are killed once so many steps are taken. Gives the saved step."""
    folder = Path(options["runs"]) / options["name"]
    started = start_together(words(options), said_by(options), processes)
    latest = folder / "checkpoints/epoch_latest.pt"
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline and all(process.poll() is None for process in started):
        begun = (folder / "progress.jsonl").exists() and latest.exists()
        if begun and len(losses(folder)) >= step:
            break
        time.sleep(0.02)
    assert kill_together(started), "it ended before it was killed"
    return torch.load(latest, weights_only=True)["step"]


def kill_together(processes: list[Forked]) -> bool:
    """Kill processes and their loaders of images; tell whether all were at work until then."""
    loaders = [Path(f"/proc/{each.pid}/task/{each.pid}/children") for each in processes]
    pids = [int(pid) for path in loaders if path.exists() for pid in path.read_text().split()]
    for process in processes:
        process.kill()
    for pid in pids:  # one that outlives its parent holds the lock of the folder
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return {process.wait() for process in processes} == {-signal.SIGKILL}


def losses(folder: Path) -> list[float]:
    return [json.loads(line)["loss"] for line in (folder / "progress.jsonl").open()]


def weights(folder: Path, name: str = "epoch_latest.pt") -> dict:
    return torch.load(folder / "checkpoints" / name, weights_only=True)["state_dict"]
