"""Writes skyscript/captions/clip_token_lengths.csv: how many tokens CLIP's BPE makes of a word.

The words are those of the vocabulary's phrases and concepts, and those of our own sentences. Only
the lengths are kept, not the BPE. After a change of words, run

    python data/clip_tokens/make_lengths.py
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import open_clip

from tag_vocab import files
from tag_vocab.concepts import key_names, written
from tag_vocab.words import phrase

OUT = Path(__file__).parents[2] / "skyscript/captions/clip_token_lengths.csv"
SENTENCES = """
a an the satellite aerial image photo picture of shows show showing view this is are there it its
in on at by with without and or no not none only also both each every all some other another more
than about roughly around nearly almost surrounded near next to beside between inside outside
within contains contained containing crosses crossed crossing along through over under touches
touching adjoins adjoining borders bordering lies lying located stands standing seen visible
north south east west northeast southeast southwest northwest northern southern eastern western
upper lower left right top bottom middle centre center corner edge part half quarter third tenth
percent per cent covers covered covering cover fills filled takes up area ground land frame scene
one two three four five six seven eight nine ten eleven twelve many several few number count
how many what which where does do can you see there's box region object objects kind thing things
metre metres meter meters kilometre kilometres pixel pixels resolution season spring summer autumn
winter january february march april may june july august september october november december
"""


def words() -> set[str]:
    """Give the words whose lengths are kept, in lower case."""
    tags = (tag for tag in (*files.labels(), *files.frequency(), *files.universe()))
    concepts = (
        text for one in written().values() for text in (one.name, one.plural, *one.synonyms)
    )
    patterns = (name.pattern for name in key_names().values())
    texts = (*(phrase(*tag) for tag in tags), *concepts, *patterns, SENTENCES)
    return {word for text in texts for word in re.findall("[a-z]+", text.lower())}


def lengths() -> str:
    """Give the table as text."""
    tokenizer = open_clip.SimpleTokenizer()
    rows = (f"{word},{len(tokenizer.encode(word))}" for word in sorted(words()))
    return "\n".join(["word,tokens", *rows, ""])


if __name__ == "__main__":
    sys.exit(OUT.write_text(lengths(), "utf-8") == 0)
