"""`skyscript train`: the published command line as it was, and what is said of mistakes."""

import pytest
import typer

from pipeline.cli import main
from pipeline.cli.options import Fields, command
from pipeline.config import config_of_block
from pipeline.errors import ConfigError
from stages.train.config import TrainConfig
from tests.conftest import REPOSITORY, skyscript

PUBLISHED = [
    *("--root-data-dir=/data/SkyScript", "--name=SkyCLIP", "--save-frequency", "1"),
    *("--val-frequency", "1", "--train-data=/data/train.csv", "--val-data=/data/val.csv"),
    *("--csv-img-key", "filepath", "--csv-separator=,", "--csv-caption-key", "title"),
    *("--random-rotation", "--warmup", "1000", "--batch-size=128", "--lr=3e-9", "--wd=1.0"),
    *("--epochs=20", "--workers=8", "--model=ViT-L-14", "--pretrained=openai"),
    *("--aug-cfg", "use_timm=True", "color_jitter=0.4", "scale=(0.67, 1.0)", "ratio=(0.5, 2.0)"),
]


def parsed(words):
    found = []
    app = typer.Typer()

    @command(app, Fields("stages.train.config:TrainConfig", optional=True), panel="")
    def train(given):
        found.append(config_of_block(None, TrainConfig, given, "skyscript train"))

    app(words, standalone_mode=False)
    return found[0]


def test_the_published_command_line_is_taken_word_by_word():
    config = parsed(PUBLISHED)
    assert str(config.train_data) == "/data/train.csv"
    assert (config.lr, config.wd, config.batch_size, config.epochs) == (3e-9, 1.0, 128, 20)
    assert (config.warmup, config.workers, config.random_rotation) == (1000, 8, True)
    assert config.csv_separator == ","
    aug = config.aug_cfg
    assert (aug.use_timm, aug.color_jitter) == (True, 0.4)
    assert (aug.scale, aug.ratio) == ((0.67, 1.0), (0.5, 2.0))


def test_with_the_protocol_it_trains_as_published():
    config = parsed([*PUBLISHED, "--protocol", "skyclip"])
    assert (config.optimizer, config.image_interpolation) == ("adamw", "random")


def test_the_command_line_goes_before_the_recipe():
    recipe = REPOSITORY / "data/recipes/skyclip_vit_l14_top30.yaml"
    config = config_of_block(recipe, TrainConfig, {"train_data": "/a.csv", "lr": "1e-7"}, "")
    assert (config.lr, config.wd) == (1e-7, 1.0)


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (["--name", "mine"], "mine"),
        (["--model", "hf-hub:owner/Small"], "Small"),
        ([str(REPOSITORY / "data/recipes/skyclip_vit_l14_top30.yaml")], "skyclip_vit_l14_top30"),
    ],
)
def test_a_training_without_a_name_has_that_of_its_recipe_or_its_model(
    words, name, tmp_path, monkeypatch
):
    pytest.importorskip("open_clip")
    trained = []

    def train(config, show):
        trained.append(config.name)
        return tmp_path

    monkeypatch.setattr("stages.train.loop.train", train)
    with pytest.raises(SystemExit) as ended:
        main(["train", *words, "--train-data", "a.csv"])
    assert (ended.value.code, trained) == (0, [name])


@pytest.mark.slow
def test_help_explains_every_option():
    done = skyscript("train", "--help")
    assert done.returncode == 0
    for name in TrainConfig.model_fields:
        assert f"--{name.replace('_', '-')}" in done.stdout


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--train-data", "none.csv"], "none.csv: there is no such file"),
        ([], "train_data is required"),
        (["--train-data", "a.csv", "--lr", "fast"], "lr: input should be a valid number"),
        (["--lrr", "1"], "no such option: --lrr"),
        (["--train-data", "a.csv", "--aug-cfg", "scale"], "--aug-cfg scale: write it as key=value"),
        (["--train-data", "a.csv", "--aug-cfg", "zoom=2"], "unknown key 'aug_cfg.zoom'"),
        (
            ["--train-data", "a.csv", "--optimizer", "sgd"],
            "optimizer: input should be 'kahan' or 'adamw' (given: 'sgd')",
        ),
        (
            ["--train-data", "a.csv", "--protocol", "skyclip", "--loss", "siglip"],
            "protocol skyclip has loss 'clip', not 'siglip'",
        ),
        (["nowhere.yaml"], "there is no such config file"),
    ],
)
def test_a_mistake_is_one_sentence(words, sentence, tmp_path, monkeypatch, capsys):
    pytest.importorskip("open_clip")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["train", *words])
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert "Traceback" not in said


def test_an_unknown_key_of_a_recipe_is_named_with_the_one_meant(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("learning_rate: 1\nwarm_up: 3\n")
    with pytest.raises(ConfigError, match=r"mine.yaml: .*'warm_up' \(did you mean 'warmup'\?\)"):
        config_of_block(path, TrainConfig, {}, "")
