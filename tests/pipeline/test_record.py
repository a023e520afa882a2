"""What a run folder keeps: the config that can be run again, the commands, a log."""

import logging
from pathlib import Path

import pytest

from pipeline.cli.run import TOY
from pipeline.config import load_config, parse_config
from pipeline.record import COMMANDS, CONFIG, LOG, as_yaml
from pipeline.runner import run
from stages import PIPELINE
from tests.pipeline.recipe import RECIPE


def made(root: Path, *words: str, **square: object) -> None:
    given = {"square": square, "seed": 3, "runner": {"executor": "serial"}}
    config = parse_config(given, RECIPE, base=root, where="test")
    run(RECIPE, config, root, lambda event: None, command=words)


def test_the_config_of_the_folder_means_the_same_as_the_one_of_the_command(tmp_path: Path) -> None:
    made(tmp_path / "run", power=3)
    kept = load_config(tmp_path / "run" / CONFIG, RECIPE)
    assert kept.stages["square"].model_dump()["power"] == 3
    assert kept.stages["count"].model_dump()["seed"] == 3
    assert "\nseed: 3\n" in "\n" + (tmp_path / "run" / CONFIG).read_text()


def test_the_config_of_the_demo_can_be_run_from_another_folder(tmp_path: Path) -> None:
    config = load_config(TOY, PIPELINE)
    (tmp_path / "kept.yaml").write_text(as_yaml(PIPELINE, config))
    kept = load_config(tmp_path / "kept.yaml", PIPELINE)
    assert kept.runner == config.runner
    for name, block in config.stages.items():
        assert kept.stages[name] == block
        # A whole number where a fraction may stand would have another digest once it was read.
        assert repr(kept.stages[name].identity()) == repr(block.identity())


def test_each_command_is_a_line_with_its_time_and_folder(tmp_path: Path) -> None:
    made(tmp_path / "run", "skyscript", "run", "my town.yaml")
    made(tmp_path / "run", "skyscript", "run", "my town.yaml", "--retry")
    first, second = (tmp_path / "run" / COMMANDS).read_text().splitlines()
    assert first.endswith(f"  {Path.cwd()}  skyscript run 'my town.yaml'")
    assert second.endswith("skyscript run 'my town.yaml' --retry")


def test_the_log_holds_what_was_said_and_ends_with_the_run(tmp_path: Path) -> None:
    logger = logging.getLogger("skyscript.test_record")

    def say(event: object) -> None:
        logger.warning("seen %s", type(event).__name__)

    config = parse_config({"runner": {"executor": "serial"}}, RECIPE, base=tmp_path, where="test")
    run(RECIPE, config, tmp_path / "run", say)
    logger.warning("after the run")
    lines = (tmp_path / "run" / LOG).read_text().splitlines()
    assert any(line.endswith("Z WARNING seen StageFinished") for line in lines)
    assert not any("after the run" in line for line in lines)


def test_a_full_disk_does_not_break_the_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def say(event: object) -> None:
        for handler in logging.getLogger().handlers:
            is_ours = isinstance(handler, logging.FileHandler)
            if is_ours and handler.baseFilename.endswith(LOG) and handler.stream is not full:
                handler.stream.close()
                handler.stream = full
        logging.getLogger("skyscript.test_record").warning("nobody keeps this")

    config = parse_config({"runner": {"executor": "serial"}}, RECIPE, base=tmp_path, where="test")
    full = Path("/dev/full").open("w", encoding="utf-8")  # noqa: SIM115 - the handler closes it
    run(RECIPE, config, tmp_path / "run", say)
    assert "Traceback" not in capsys.readouterr().err
