"""Any YAML, and any bytes, give a config or one sentence that names the file: never a traceback."""

import datetime
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.config import RunConfig, load_config, shared_keys
from pipeline.errors import ConfigError
from stages import PIPELINE

BLOCKS = ["runner", *(stage.name for stage in PIPELINE)]
FIELDS = sorted({name for stage in PIPELINE for name in stage.config.model_fields})
WORDS = ["", "~", "../..", "folder", "simulated", "stac", "random", "tiny", "nan", "1e400", "\x7f"]

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(WORDS)
    | st.dates()
    | st.datetimes(timezones=st.just(datetime.UTC))
    | st.binary(max_size=4)
)
keys = st.sampled_from(FIELDS) | st.text(max_size=6) | scalars
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=8,
)
fields = st.dictionaries(st.sampled_from(FIELDS), values, max_size=4)
configs = st.dictionaries(
    st.sampled_from([*BLOCKS, *shared_keys(PIPELINE), "sources"]), values | fields, max_size=4
)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("any") / "run.yaml"


def check(path: Path, *overrides: str) -> None:
    try:
        found = load_config(path, PIPELINE, overrides)
    except ConfigError as error:
        assert str(path) in str(error) or str(error).startswith("--set"), str(error)
        assert "\n" not in str(error).strip(), str(error)
    else:
        assert isinstance(found, RunConfig)


@pytest.mark.slow
@given(data=configs)
def test_blocks_with_values_of_any_type(file: Path, data: dict[str, object]) -> None:
    file.write_text(yaml.safe_dump(data, allow_unicode=True), "utf-8", errors="surrogatepass")
    check(file)


@pytest.mark.slow
@given(data=values)
def test_any_value_in_place_of_blocks(file: Path, data: object) -> None:
    file.write_text(yaml.safe_dump(data, allow_unicode=True), "utf-8", errors="surrogatepass")
    check(file)


SIGNS = "seed:extract{}[]&*!%@`'\"|>-?#,~ \n\t\r0.1\x00é\u2028"


@given(text=st.text(alphabet=st.sampled_from(SIGNS)))
@example(text="seed: !!float x")
@example(text="seed: !!int ''")
@example(text="seed: !!timestamp 2022")
@example(text="seed: 0b")
@example(text="seed: 1:99:99")
@example(text="seed: !!bool maybe")
@example(text="seed: !!binary é")
@example(text="? {a: 1}\n: 2")
def test_any_text(file: Path, text: str) -> None:
    file.write_text(text, "utf-8")
    check(file)


@given(data=st.binary(max_size=64))
def test_any_bytes(file: Path, data: bytes) -> None:
    file.write_bytes(data)
    check(file)


@pytest.mark.slow
@example(override="seed=" + "[" * 5000)
@example(override="seed=!!timestamp x")
@given(
    override=st.text(max_size=20)
    | st.builds("{}.{}={}".format, st.sampled_from(BLOCKS), st.sampled_from(FIELDS), values)
)
def test_any_override(file: Path, override: str) -> None:
    file.write_text("seed: 1\n", "utf-8")
    check(file, override)
