"""A run folder of the small recipe, and what happened in it."""

from pathlib import Path

import pyarrow.parquet as pq

from pipeline.bucket import BucketPath
from pipeline.config import RunConfig, parse_config
from pipeline.events import Event, ShardFinished, StageStarted
from pipeline.parquet_files import parquet_source
from pipeline.runner import run
from pipeline.state import Retry
from pipeline.storage import Place
from tests.buckets import content_in
from tests.conftest import content_of
from tests.pipeline.recipe import RECIPE


class World:
    """A run folder and what happened in it."""

    def __init__(self, root: Place) -> None:
        self.root = root
        self.events: list[Event] = []

    def config(self, **blocks: object) -> RunConfig:
        runner = {"executor": "serial"} | blocks.pop("runner", {})  # type: ignore[operator]
        base = Path(str(self.root))
        return parse_config({"runner": runner, **blocks}, RECIPE, base=base, where="test")

    def run(
        self,
        *,
        only: tuple[str, ...] = (),
        retry: Retry | None = None,
        shards: range | None = None,
        **blocks: object,
    ) -> None:
        self.events = []
        emit, config = self.events.append, self.config(**blocks)
        run(RECIPE, config, self.root, emit, only=only, retry=retry, shards=shards)

    def ran(self) -> list[tuple[str, int]]:
        return [(e.stage, e.shard) for e in self.events if isinstance(e, ShardFinished)]

    def why(self, stage: str) -> str:
        (why,) = [e.why for e in self.events if isinstance(e, StageStarted) and e.stage == stage]
        return why

    def sum(self) -> int:
        part = parquet_source(self.root / "tables/sum/part-00000.parquet")
        return pq.read_table(part).column(0)[0].as_py()

    def content(self) -> dict[str, bytes]:
        """Give what a reader of the run sees: all but receipts, markers and manifests."""
        if isinstance(self.root, BucketPath):
            return content_in(self.root)
        return content_of(self.root)
