"""The wording of captions: the published style, and the readable one."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from pipeline.stage import StageConfig
from skyscript.captions.tokens import CLIP_CONTEXT

TagOrder = Literal["most_frequent_first", "as_given"]
Spelling = Literal["today", "as_given"]

_FIELDS_OF_PUBLISHED = ("tag_order", "spelling")
_FIELDS_OF_READABLE = ("max_tokens",)


class CaptionConfig(StageConfig):
    """The wording of captions."""

    style: Literal["published", "readable"] = Field(
        default="published",
        description="Word captions as SkyScript's published ones (`published`), or in plain "
        "English within the context of CLIP (`readable`).",
    )
    prefix: str = Field(
        default="a satellite image of ", description="Begin every caption with this text."
    )
    max_surrounding: int | None = Field(
        default=None,
        ge=0,
        description="Name at most this many neighbours in a caption. By default, all are named.",
    )
    max_tokens: int = Field(
        default=CLIP_CONTEXT,
        ge=16,
        description="Write readable captions of at most this many tokens of CLIP's tokenizer: 77 "
        "for CLIP, 248 for models with a long context such as Long-CLIP.",
    )
    tag_order: TagOrder = Field(
        default="most_frequent_first",
        description="Order the tags of an object in a published caption by the frequency table of "
        "the vocabulary, or keep the order given.",
    )
    spelling: Spelling = Field(
        default="today",
        description="In published captions, write old tags in today's spelling and split several "
        "values in one tag (`today`), or change nothing (`as_given`).",
    )

    @model_validator(mode="after")
    def _refuse_fields_of_the_other_style(self) -> Self:
        unused = _FIELDS_OF_READABLE if self.style == "published" else _FIELDS_OF_PUBLISHED
        for name in unused:
            if getattr(self, name) != type(self).model_fields[name].default:
                raise ValueError(f"{name} has no effect on captions of the style {self.style}")
        return self


DEFAULT = CaptionConfig()
