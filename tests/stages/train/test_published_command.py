"""The command of SkyScript's README, pasted with `skyscript train` in the place of its script."""

import shlex
import string
import time

import pytest
import torch

from tests.forking import wait_for_all
from tests.stages.train.conftest import (
    CSV,
    kill_together,
    losses,
    run_alone,
    start_together,
    weights,
)

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow]

# Everything after the name of the script, as it stands in the README.
PUBLISHED = r"""
    --root-data-dir=$ROOT_DATA_DIR \
    --name=$MODEL_NAME \
    --save-frequency 1 \
    --val-frequency 1 \
    --train-data=$TRAINING_CSV_PATH  \
    --val-data=$VAL_CSV_PATH  \
    --csv-img-key filepath \
    --csv-separator=',' \
    --csv-caption-key $CAPTION_KEY \
    --random-rotation \
    --warmup 1000 \
    --batch-size=$BATCH_SIZE \
    --lr=$LR \
    --wd=$WD \
    --epochs=20 \
    --workers=8 \
    --model=$MODEL \
    --pretrained=$PRETRAINED \
    --aug-cfg use_timm=True color_jitter=0.4 scale="(0.67, 1.0)" ratio="(0.5, 2.0)"
"""


@pytest.fixture
def published(town, tiny_vit, tmp_path):
    """Give the words of the command, with the variables of the shell filled in."""

    def words(name):
        variables = {
            "ROOT_DATA_DIR": town,
            "MODEL_NAME": name,
            "TRAINING_CSV_PATH": town / CSV,
            "VAL_CSV_PATH": town / CSV,
            "CAPTION_KEY": "title_multi_objects",
            "BATCH_SIZE": 16,
            "LR": "1e-3",
            "WD": "1.0",
            "MODEL": f"local-dir:{tiny_vit}",
            "PRETRAINED": tiny_vit / "open_clip_model.safetensors",
        }
        line = string.Template(PUBLISHED.replace("\\\n", " ")).substitute(variables)
        # The number of loading processes does not change the weights; this machine has few cores.
        return ["--workers=1" if word == "--workers=8" else word for word in shlex.split(line)]

    return words


def test_it_runs_in_two_processes_and_after_a_kill_ends_at_the_same_weights(
    published, tmp_path, monkeypatch
):
    """The whole training is torchrun's; the other two are of processes as it starts them."""
    monkeypatch.chdir(tmp_path)
    runs, out = tmp_path / "runs", tmp_path / "said.txt"
    whole = run_alone(*published("whole"), processes=2)
    assert whole.returncode == 0, whole.stderr
    said = " ".join((whole.stdout + whole.stderr).split())
    assert "this training differs from the published one in" in said
    assert "optimizer kahan (published: adamw)" in said
    assert "--protocol skyclip" in said
    broken = start_together(published("broken"), out, 2)
    latest = runs / "broken/checkpoints/epoch_latest.pt"
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline and not latest.exists() and broken[0].poll() is None:
        time.sleep(0.02)
    assert kill_together(broken), out.read_text()
    done = torch.load(latest, weights_only=True)["step"]
    assert 0 < done < 40
    assert wait_for_all(start_together(published("broken"), out, 2)) == 0, out.read_text()
    ours, theirs = weights(runs / "whole"), weights(runs / "broken")
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert losses(runs / "whole") == losses(runs / "broken")
