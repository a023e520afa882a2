"""The recipe, and the stages it names. Stages know the data, not the execution."""

from pipeline.stage import Stage
from stages.caption import CAPTION
from stages.extract import EXTRACT
from stages.fetch import FETCH
from stages.index import INDEX
from stages.overlay import OVERLAY
from stages.plan import PLAN
from stages.report import REPORT
from stages.sample import SAMPLE
from stages.unfiltered import UNFILTERED
from stages.vocab import VOCAB

PIPELINE: tuple[Stage, ...] = (
    EXTRACT,
    VOCAB,
    SAMPLE,
    INDEX,
    PLAN,
    FETCH,
    OVERLAY,
    CAPTION,
    UNFILTERED,
    REPORT,
)
"""From an OSM file to captions: each stage reads only what stands before it."""
