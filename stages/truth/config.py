"""The config block of the stage `truth`."""

from __future__ import annotations

from pydantic import Field, field_validator

from pipeline.stage import StageConfig
from skyscript.geo.nearby import MOST_MARGIN
from tag_vocab import concept

_NEVER_ABSENT = (
    *("tree", "trees", "hedge", "flower bed", "planter", "barrier", "outdoor furniture", "vehicle"),
    *("utility pole", "street lamp", "manhole", "street cabinet", "rock", "tactile paving"),
    *("clearing strip", "terrace", "rooftop installation", "solar panel"),
)
_GROUND = (
    *("vegetation", "wetland", "natural feature", "agricultural feature", "developed land"),
    *("open ground", "public land", "brownfield site", "animal facility", "leisure place"),
)


class TruthConfig(StageConfig):
    """When an image shows a concept, and when the map is complete enough to say that it does not.

    The table is made if `density.cell` is given.
    """

    min_part: float = Field(
        0.5,
        gt=0,
        le=1,
        description="Count an area object as shown if the image contains at least this share of "
        "its area, or as much area as a square of the typical size of such a thing has (from the "
        "vocabulary), whichever is less. Its part in the image must also be wide enough in pixels.",
    )
    margin: float = Field(
        20.0,
        ge=0,
        le=MOST_MARGIN,
        description="A thing that the map has this many metres or less outside the image is not "
        "called absent.",
    )
    min_completeness: float = Field(
        0.5,
        ge=0,
        le=1,
        description="Call a concept absent only where the map has at least this share of the "
        "objects of it that the cells around lead one to expect.",
    )
    reach: int = Field(
        2, ge=1, le=10, description="Compare a cell with those up to this many cells away."
    )
    prior: float = Field(
        1.0,
        gt=0,
        description="Trust the counts of a concept in its own cell and in those around as much as "
        "those of its more general concepts if this many objects are expected. Rare concepts "
        "thus take the completeness of more general ones.",
    )
    min_revisited: float = Field(
        0.2,
        ge=0,
        le=1,
        description="Lower the completeness of a cell in proportion if less than this share of its "
        "objects was edited again. It is not used if the extract has no versions.",
    )
    max_age: int = Field(
        1825,
        ge=0,
        description="Call nothing absent in a cell whose last change is more than this many days "
        "before the image was taken.",
    )
    min_match: float = Field(
        0.1,
        ge=-1,
        le=1,
        description="An image whose `match` is lower shows nothing for sure: all is unknown.",
    )
    min_covered: float = Field(
        0.8,
        ge=0,
        le=1,
        description="Call the concepts of `ground` absent only where the map's areas cover at "
        "least this share of the image.",
    )
    ground: tuple[str, ...] = Field(
        _GROUND,
        description="These concepts, and all more specific ones, are areas of the ground. Maps "
        "often leave the ground blank, so that a missing area does not yet mean that the image "
        "shows none.",
    )
    never_absent: tuple[str, ...] = Field(
        _NEVER_ABSENT,
        description="Never call these concepts absent, nor more specific or more general ones: "
        "hardly any place has all of them on the map.",
    )

    @field_validator("ground", "never_absent")
    @classmethod
    def _are_concepts(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(concept(name).name for name in names)
