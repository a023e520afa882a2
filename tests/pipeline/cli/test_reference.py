"""Texts from the config classes: `skyscript init`, and the page of options."""

import pkgutil
import re
from pathlib import Path

import pytest
import yaml

from pipeline.cli.reference import COMMANDS, PAGE, commented_config, options_page
from pipeline.config import load_config
from stages import PIPELINE, RECIPES
from tests.conftest import REPOSITORY, answered

pytestmark = pytest.mark.slow


GIVEN = {"extract": {"path": "town.osm.pbf"}, "sources": {"SIM": {"backend": "simulated"}}}


def test_the_page_of_options_is_up_to_date() -> None:
    assert PAGE.read_text("utf-8") == options_page(), "run python -m pipeline.cli.reference"


def test_the_page_names_every_key_of_every_stage_and_fits_the_line() -> None:
    page = options_page()
    for command, recipe in RECIPES.items():
        for stage in recipe:
            part = page.partition(f"\n## {command}\n")[2]
            section = part.partition(f"### {stage.block}\n")[2].partition("\n##")[0]
            assert all(f"- `{key}` (" in section for key in stage.config.model_fields)
    assert all(f"## {command}\n" in page for command in COMMANDS)
    assert max(map(len, page.splitlines())) <= 120


def test_the_page_names_every_block_that_a_command_offers() -> None:
    sources = (path.read_text("utf-8") for path in (REPOSITORY / "pipeline/cli").glob("*.py"))
    models = {name for text in sources for name in re.findall(r'Fields\(\s*"([\w.]+:\w+)"', text)}
    assert len(models) > 10
    for name in models:
        keys = pkgutil.resolve_name(name).model_fields
        missing = [key for key in keys if f"- `{key}` (" not in PAGE.read_text("utf-8")]
        assert not missing, name


def test_the_config_of_init_is_valid_and_means_the_defaults(tmp_path: Path) -> None:
    done = answered("init", tmp_path / "town.yaml")
    assert done.returncode == 0, done.stderr
    (tmp_path / "short.yaml").write_text(yaml.safe_dump(GIVEN))
    whole = load_config(tmp_path / "town.yaml", PIPELINE)
    assert whole == load_config(tmp_path / "short.yaml", PIPELINE)


def test_every_comment_with_a_key_means_the_same_without_its_sign(tmp_path: Path) -> None:
    text = commented_config(PIPELINE, GIVEN)
    keys = re.compile(r"^#( *\w+:)", re.MULTILINE)
    assert len(keys.findall(text)) > 40
    (tmp_path / "comments.yaml").write_text(text)
    (tmp_path / "keys.yaml").write_text(keys.sub(r"\1", text))
    found, wanted = (
        load_config(tmp_path / name, PIPELINE).stages for name in ("keys.yaml", "comments.yaml")
    )
    for name, block in wanted.items():
        assert found[name].identity() == block.identity(), name


def test_init_names_the_users_files_and_overwrites_nothing(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    done = answered("init", path, "--extract", "a.osm.pbf", "--images", "photos")
    assert done.returncode == 0, done.stderr
    assert load_config(path, PIPELINE).stages["index"].model_dump()["sources"]["IMG"]["path"] == (
        tmp_path / "photos"
    )
    again = answered("init", path)
    assert (again.returncode, again.stderr) == (
        2,
        f"error: {path}: exists already; name a new file\n",
    )


@pytest.mark.parametrize("key", ["sources", "min_side", "executor", "max_objects"])
def test_the_config_explains_its_keys(key: str) -> None:
    lines = commented_config(PIPELINE, GIVEN).splitlines()
    (at,) = (n for n, line in enumerate(lines) if re.match(rf"#? *{key}:", line))
    assert lines[at - 1].lstrip().startswith("# ")
