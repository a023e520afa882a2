"""Read, caption, score and evaluate image-text pairs of the Earth, in a notebook or a script.

The functions here are the public face of the library. None of them needs a run; `open_run` opens
the tables of one. Tables are Arrow tables: ``.to_pandas()`` gives a data frame.

Importing `skyscript` is quick. A function imports what it needs when it is called; those that use a
CLIP need ``pip install 'skyscript[clip]'``.
"""

from skyscript.api import (
    Caption,
    caption,
    caption_pickles,
    download,
    evaluate,
    load_clip,
    look_up,
    open_run,
    read_metas,
    read_pairs,
    score,
)

__all__ = [
    "Caption",
    "caption",
    "caption_pickles",
    "download",
    "evaluate",
    "load_clip",
    "look_up",
    "open_run",
    "read_metas",
    "read_pairs",
    "score",
]
