"""The recipe, and the stages it names. Stages know the data, not the execution."""

from pipeline.stage import Stage
from stages.caption import CAPTION
from stages.extract import EXTRACT
from stages.fetch import FETCH
from stages.filter import FILTER
from stages.index import INDEX
from stages.overlay import OVERLAY
from stages.plan import PLAN
from stages.report import REPORT
from stages.sample import SAMPLE
from stages.score import NORMALISE, SCORE
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
    SCORE,
    NORMALISE,
    FILTER,
    REPORT,
)
"""From an OSM file to filtered pairs: each stage reads only what stands before it."""
