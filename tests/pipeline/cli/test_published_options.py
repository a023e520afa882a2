"""The command line of the published training script, with `skyscript train` in its place."""

import pytest

from pipeline.cli.published_options import translate_published
from pipeline.errors import ConfigError


@pytest.mark.parametrize(
    ("published", "ours"),
    [
        (["--lr=1e-9", "--name", "a"], ["--lr=1e-9", "--name", "a"]),
        (["--logs", "logs/"], ["--runs", "logs/"]),
        (["--logs=logs/"], ["--runs=logs/"]),
        (["--force-quick-gelu"], ["--quick-gelu", "on"]),
        (["--precision", "amp_bfloat16"], ["--precision", "amp_bf16"]),
        (["--precision=amp_bfloat16"], ["--precision=amp_bf16"]),
        (["--name", "amp_bfloat16"], ["--name", "amp_bfloat16"]),
        (["--resume", "latest", "--wd=1"], ["--wd=1"]),
        (["--dist-backend", "nccl", "--wd=1"], ["--wd=1"]),
        (["--dist-backend=nccl", "--debug", "--wd=1"], ["--wd=1"]),
        (["--gather-with-grad", "--local-loss"], ["--gather", "whole"]),
    ],
)
def test_an_option_is_said_in_our_words(published, ours):
    assert translate_published(published) == ours


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--horovod"], "--horovod of the published script is not supported: start several"),
        (["--trace"], "models are not compiled"),
        (["--imagenet-val=x"], "give --benchmark-root"),
        (["--resume", "a.pt"], "give the file as --pretrained"),
    ],
)
def test_what_cannot_be_followed_is_refused_with_what_to_do(words, says):
    with pytest.raises(ConfigError, match=says):
        translate_published(words)


def test_the_options_of_locked_towers_are_ours(caplog):
    published = ["--lock-image", "--lock-image-unlocked-groups", "2", "--lock-text"]
    assert translate_published(published) == published
    assert translate_published(["--lock-image-freeze-bn-stats"]) == []
    assert caplog.messages == [
        "--lock-image-freeze-bn-stats has no effect: locked layers always keep their statistics"
    ]


def test_what_has_no_effect_is_said(caplog):
    translate_published(["--use-bn-sync"])
    assert caplog.messages == [
        "--use-bn-sync has no effect: several processes always normalise by the whole batch"
    ]
