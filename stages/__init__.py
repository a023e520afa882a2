"""The recipes: which stages run, in which order. Each stage reads only what stands before it.

A stage knows the data, not the execution. `skyscript show` prints these recipes.
"""

from collections.abc import Mapping

from pipeline.stage import Stage
from stages.align import ALIGN
from stages.caption import CAPTION
from stages.density import DENSITY
from stages.eligible import ELIGIBLE
from stages.extract import BLOBS, BOXES, EXTRACT, NODES, WAYS
from stages.fetch import FETCH
from stages.filter import FILTER
from stages.index import INDEX
from stages.laion_rs.classifier import CLASSIFIER
from stages.laion_rs.examples import EXAMPLES
from stages.laion_rs.judge import JUDGE
from stages.laion_rs.kept import KEPT
from stages.laion_rs.web import WEB
from stages.layout import LAYOUT
from stages.match import MATCH
from stages.outlines import OUTLINES
from stages.overlay import OVERLAY
from stages.pairs import RUN_PAIRS
from stages.plan import PLAN
from stages.report import REPORT
from stages.sample import SAMPLE
from stages.score import NORMALISE, SCORE
from stages.score.job import PAIR_SCORES, PAIRS, SCORED
from stages.score.normalise import PAIR_NORMALISE
from stages.statements import STATEMENTS
from stages.truth import TRUTH
from stages.unfiltered import UNFILTERED
from stages.vocab import VOCAB
from stages.wanted import WANTED

PIPELINE: tuple[Stage, ...] = (
    BLOBS,  # large OSM file -> ranges of its blobs
    NODES,  # ranges -> nodes, and a file of the places of all nodes
    WAYS,  # ranges and places -> ways with geometry
    BOXES,  # OSM file -> kind, tags and box of each object
    VOCAB,  # distinct tags -> which can be seen, down to which resolution, in which words
    DENSITY,  # boxes -> how many of each concept are in each cell (if the config asks for truth)
    OUTLINES,  # sources -> where each may show something, and how sharply
    ELIGIBLE,  # boxes and outlines -> which objects a source can show, with which tags
    SAMPLE,  # eligible objects -> the focus objects, drawn so that rare tags are kept
    LAYOUT,  # number of focus objects -> whether images are files or members of tars
    INDEX,  # sources -> the scenes that tiles can be cut from
    PLAN,  # focus objects and scenes -> tiles: box, size, candidates in order
    WANTED,  # boxes and tiles -> which objects a tile can show
    EXTRACT,  # wanted objects -> the same with geometry
    FETCH,  # tiles -> JPEG images
    MATCH,  # images and objects -> how well the map lies on each image, and the shift between them
    ALIGN,  # shifts of images -> shifts of scenes, and whether they are corrected
    OVERLAY,  # images and objects -> metas: the tags that can be seen in each image
    TRUTH,  # metas and geometry -> what each image shows, and what it does not
    STATEMENTS,  # metas and geometry -> sentences that are proved (if the config names kinds)
    CAPTION,  # metas -> captions
    UNFILTERED,  # captions -> the unfiltered CSV
    SCORE,  # images and captions -> similarities by a CLIP (if the config names a model)
    NORMALISE,  # similarities -> the same, relative to random partners
    FILTER,  # similarities -> train, test and validation CSVs
    RUN_PAIRS,  # all tables -> one record for each pair, to which every file leads back
    REPORT,  # all tables -> one HTML page
)
"""From an OSM file to filtered pairs."""

SCORE_JOB: tuple[Stage, ...] = (
    PAIRS,  # captions CSV with a folder of images, or WebDataset shards -> pairs
    PAIR_SCORES,  # pairs and images -> similarities by a CLIP
    PAIR_NORMALISE,  # similarities -> the same, relative to random partners
    SCORED,  # similarities -> the captions CSV with score columns
)
"""Score the pairs of a captions CSV or of WebDataset shards."""

LAION_RS_JOB: tuple[Stage, ...] = (
    EXAMPLES,  # two folders of images -> CLIP vectors with a label
    CLASSIFIER,  # labelled vectors -> a classifier, and its cross-validated quality
    WEB,  # a table of the web's images, or shards -> pairs
    JUDGE,  # pairs -> the probability that each image is of remote sensing
    KEPT,  # probabilities -> the pairs over a threshold, as a CSV
)
"""Select the remote-sensing pairs among pairs of the web."""

RECIPES: Mapping[str, tuple[Stage, ...]] = {
    "skyscript run": PIPELINE,
    "skyscript score": SCORE_JOB,
    "skyscript build-laion-rs": LAION_RS_JOB,
}
"""The recipes by the command that runs them."""
