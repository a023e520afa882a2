"""Configs: what a user gets wrong is named with file and key."""

from pathlib import Path

import pytest

from pipeline.config import load_config, parse_config, shared_keys
from pipeline.errors import ConfigError
from stages import PIPELINE
from tests.pipeline.recipe import RECIPE, CountConfig, SquareConfig


def written(folder: Path, text: str) -> Path:
    path = folder / "run.yaml"
    path.write_text(text)
    return path


def test_every_block_has_defaults_and_shared_keys_fill_them(tmp_path: Path) -> None:
    config = load_config(written(tmp_path, "seed: 7\nsquare: {seed: 3}\n"), RECIPE)
    assert config.stages["count"] == CountConfig(seed=7)
    assert config.stages["square"] == SquareConfig(seed=3)
    assert shared_keys(RECIPE) == ["seed"]


def test_an_empty_file_is_a_config_of_defaults(tmp_path: Path) -> None:
    assert load_config(written(tmp_path, ""), RECIPE).stages["count"] == CountConfig()


def test_relative_paths_start_at_the_config_file_and_those_of_set_at_the_shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, "count: {source: in.txt}")
    shell = tmp_path / "elsewhere"
    shell.mkdir()
    monkeypatch.chdir(shell)
    assert load_config(path, RECIPE).stages["count"].source == tmp_path / "in.txt"
    config = load_config(path, RECIPE, ["count.source=in.txt"])
    assert config.stages["count"].source == shell / "in.txt"


def test_set_reaches_into_blocks_and_takes_yaml_values(tmp_path: Path) -> None:
    config = load_config(
        written(tmp_path, "square:\n"), RECIPE, ["square.fail_at=[1, 2]", "runner.workers=3"]
    )
    assert config.stages["square"].fail_at == (1, 2)
    assert config.runner.workers == 3


def test_what_a_command_is_given_goes_into_the_blocks_of_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, "runner: {executor: serial}\nsquare:\n")
    given = {"runner": {"workers": "3"}, "square": {"fail_at": [1]}}
    config = load_config(path, RECIPE, ["runner.workers=5"], given)
    assert (config.runner.executor, config.runner.workers) == ("serial", 3)
    assert config.stages["square"].fail_at == (1,)


def test_yes_no_and_on_are_words_where_words_are_meant(tmp_path: Path) -> None:
    town = "extract: {path: a.osm.pbf}\nfilter: {shown: yes}\n"
    town += "sources: {NO: {backend: folder, path: a}}"
    config = load_config(written(tmp_path, town), PIPELINE, ["score.phrases=yes"])
    assert config.stages["filter"].model_dump()["shown"] == "yes"
    assert list(config.stages["index"].model_dump()["sources"]) == ["NO"]
    assert config.stages["score"].model_dump()["phrases"] is True


def test_a_value_that_another_one_decides_is_no_second_error(tmp_path: Path) -> None:
    town = written(tmp_path, "extract: {path: a.osm.pbf}\nscore: {device: gpu}")
    with pytest.raises(ConfigError, match=r"score\.device: string should match") as caught:
        load_config(town, PIPELINE)
    assert "score.name" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("count: {upto: 3, prat_rows: 2}", "unknown key 'count.prat_rows' (did you mean 'count.p"),
        ("cuont: {}", "unknown key 'cuont' (did you mean 'count'?)"),
        ("count: {upto: many}", "count.upto: input should be a valid integer"),
        ("count: {upto: -1}", "count.upto: input should be greater than or equal to 0 (given: -1)"),
        ("seed: often", "seed: input should be a valid integer"),
        ("count: 3", "count must be a block of keys, not 3"),
        (
            "runner: {executor: threads}",
            "runner.executor: input should be 'processes', 'serial' or 'ray'",
        ),
        ("runner: {ray_address: auto}", "runner: ray_address needs `executor: ray`"),
        ("- a\n- b", "a config is a block of keys, not list"),
        ("count: {upto: 3", "line 1: not a usable YAML file"),
        ("count: {upto: 3, upto: 4}", "the key 'upto' is given twice"),
        ("a: &a [1]\ncount: *a", "line 2: not a usable YAML file: aliases are not supported"),
        ("count: !!python/object/apply:os.system ['true']", "not a usable YAML file"),
        ("count: {upto: 2022-13-45}", "count.upto: input should be a valid integer"),
        ("count: {upto: 1e3}", "count.upto: YAML reads 1e3 as text: write 1000"),
        ("count: {true: 3}", 'YAML reads the key true as bool: write it as "true"'),
        ("count: {source: ~x/a}", "count.source: ~x is no user's home folder: write the whole pa"),
        ("count: {source: 's3://b/k'}", "count.source: this is an address, but this key takes onl"),
        ("count: {upto: !!int ''}", "line 1: not a usable YAML file: '' cannot be read as int"),
        ("? [a, b]\n: 1", "not a usable YAML file"),
        ("[" * 5000, "not a usable YAML file"),
        ("x" * (1 << 21), "larger than 1 MiB"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load_config(path, RECIPE)
    assert message in str(caught.value)
    assert str(caught.value).startswith(str(path))


def test_every_problem_is_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nonsense.*count\.upto.*square\.power"):
        parse_config(
            {"nonsense": 1, "count": {"upto": "x"}, "square": {"power": "y"}},
            RECIPE,
            base=tmp_path,
            where="here",
        )


def test_a_key_is_named_as_the_user_wrote_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(written(tmp_path, "sources: {ORT: {backend: folder, pth: x}}"), PIPELINE)
    assert str(caught.value) == (
        f"{tmp_path}/run.yaml: extract.path is required; sources.ORT.path is required; "
        "unknown key 'sources.ORT.pth'"
    )


@pytest.mark.parametrize(
    ("sources", "message"),
    [
        (
            "fetch: {sources: {SIM: {backend: simulated}}}",
            "fetch.sources is in the wrong place: move 'sources' out of 'fetch', to the top level "
            "of the config, where all stages read it",
        ),
        (
            "sources: {OAM: {backend: folder, path: a, acquired: 2022-13-01}}",
            "sources.OAM.acquired: '2022-13-01' is no time: write 2019, 2019-07-14 or "
            "2019-07-14T10:30 (UTC) (given: '2022-13-01')",
        ),
    ],
)
def test_a_wrong_source_is_one_sentence_with_the_remedy(
    tmp_path: Path, sources: str, message: str
) -> None:
    text = f"extract: {{path: a.osm.pbf}}\n{sources}"
    with pytest.raises(ConfigError) as caught:
        load_config(written(tmp_path, text), PIPELINE)
    assert str(caught.value) == f"{tmp_path}/run.yaml: {message}"


@pytest.mark.parametrize("override", ["seed", "=3", "seed.x=3", "a..b=1", "seed=[1"])
def test_a_set_that_cannot_be_applied_is_named(tmp_path: Path, override: str) -> None:
    with pytest.raises(ConfigError, match="--set"):
        load_config(written(tmp_path, "seed: 1"), RECIPE, [override])


def test_a_missing_or_binary_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nope\.yaml: there is no such config file"):
        load_config(tmp_path / "nope.yaml", RECIPE)
    binary = tmp_path / "image.yaml"
    binary.write_bytes(b"\x89PNG\r\n\x1a\n\xff\xfe")
    with pytest.raises(ConfigError, match="cannot be read as a config"):
        load_config(binary, RECIPE)
    with pytest.raises(ConfigError, match="cannot be read as a config"):
        load_config(tmp_path, RECIPE)
