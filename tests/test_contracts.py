"""What every stage of the recipe must keep, on the embedded town."""

from pathlib import Path

import pyarrow as pa
import pytest

from pipeline.cli.run import TOY
from pipeline.config import RunConfig, load_config
from pipeline.run import Run
from pipeline.runner import run
from pipeline.schema import conform
from pipeline.stage import Shard, ShardStage
from skyscript.clip.source import clip_installed
from stages import PIPELINE, tables

SHARD_STAGES = [stage for stage in PIPELINE if isinstance(stage, ShardStage)]
SCORED = ["score.model=tiny", "score.name=tiny", "score.threads=1"] if clip_installed() else []
"""A machine without torch leaves scoring out, here as in a run."""
CACHES = {"embeddings"}
"""Folders of what costs much to make again: neither a result nor swept."""

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def config() -> RunConfig:
    overrides = ["sample.max_objects=40", "sample.shard_rows=16", "runner.executor=serial"]
    return load_config(TOY, PIPELINE, [*overrides, *SCORED])


@pytest.fixture(scope="module")
def town(config: RunConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("town")
    run(PIPELINE, config, root, lambda event: None)
    return root


def make(
    stage: ShardStage, config: RunConfig, town: Path, out: Path, given: dict[str, pa.Table]
) -> pa.Table:
    if tables.IMAGES.name in given and not stage.owns:  # it reads the files that the table names
        out.mkdir(exist_ok=True)
        for folder in town.glob("images[2-7]"):
            (out / folder.name).unlink(missing_ok=True)
            (out / folder.name).symlink_to(folder)
    whole = Run(town).datasets(stage.looks_up)
    result = stage.run(**given, **whole, config=config.stages[stage.name], shard=Shard(0, out))
    return conform(result, stage.writes, where=stage.name)


def inputs(stage: ShardStage, town: Path) -> dict[str, pa.Table]:
    if stage.name in Run(town).disabled_stages():
        pytest.skip(f"the config disables {stage.name}: the extra `clip` is not installed")
    return Run(town).parts(stage.reads, 0)


def test_every_table_has_one_writer_that_stands_before_its_readers() -> None:
    written: list[str] = []
    for stage in PIPELINE:
        read = {table.name for table in (*stage.inputs, *stage.may_read)}
        assert read <= set(written), stage.name
        written.append(stage.writes.name)
    assert len(set(written)) == len(written)
    assert len({stage.name for stage in PIPELINE}) == len(PIPELINE)


@pytest.mark.parametrize("stage", PIPELINE, ids=lambda stage: stage.name)
def test_every_stage_and_field_says_what_it_is(stage: ShardStage) -> None:
    assert (stage.run.__doc__ or "").strip()
    for name, field in stage.config.model_fields.items():
        assert field.description, f"{stage.name}.{name}"


@pytest.mark.slow
@pytest.mark.parametrize("stage", SHARD_STAGES, ids=lambda stage: stage.name)
def test_the_same_shard_twice_gives_equal_tables_and_files(
    stage: ShardStage, config: RunConfig, town: Path, tmp_path: Path
) -> None:
    given = inputs(stage, town)
    assert len(given[stage.reads[0].name]) > 2
    first, second = (make(stage, config, town, tmp_path / str(n), given) for n in (1, 2))
    assert first.equals(second)
    files = [
        {path.relative_to(root): path.read_bytes() for path in root.rglob("*") if path.is_file()}
        for root in (tmp_path / "1", tmp_path / "2")
    ]
    assert files[0] == files[1]
    results = [path for path in files[0] if path.parts[0] not in CACHES]
    assert bool(results) == bool(stage.owns)


@pytest.mark.slow
@pytest.mark.parametrize("stage", SHARD_STAGES, ids=lambda stage: stage.name)
def test_a_shard_cut_in_two_gives_the_same_rows(
    stage: ShardStage, config: RunConfig, town: Path, tmp_path: Path
) -> None:
    given = inputs(stage, town)
    whole = make(stage, config, town, tmp_path, given)
    half = len(whole) // 2
    halves = [
        make(stage, config, town, tmp_path, {n: t.slice(*rows) for n, t in given.items()})
        for rows in ((0, half), (half, len(whole)))
    ]
    assert pa.concat_tables(halves).equals(whole)


@pytest.mark.slow
@pytest.mark.parametrize("stage", SHARD_STAGES, ids=lambda stage: stage.name)
def test_an_empty_shard_gives_an_empty_table(
    stage: ShardStage, config: RunConfig, town: Path, tmp_path: Path
) -> None:
    given = {name: table.slice(0, 0) for name, table in inputs(stage, town).items()}
    assert len(make(stage, config, town, tmp_path, given)) == 0
