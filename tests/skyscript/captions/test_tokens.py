"""Tokens are counted as CLIP's tokenizer counts them, or never too few."""

import importlib.util
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyscript.captions.tokens import PhraseTokens, count_tokens
from tag_vocab import phrase
from tag_vocab.concepts import written
from tag_vocab.files import frequency

open_clip = pytest.importorskip("open_clip")
ROOT = Path(__file__).parents[3]
TOKENIZER = open_clip.SimpleTokenizer()


def test_the_words_of_all_concepts_and_common_tags_are_counted_exactly():
    concepts = [text for one in written().values() for text in (one.name, one.plural)]
    tags = [phrase(*tag) for tag in frequency() if phrase(*tag).replace(" ", "a").isalpha()]
    texts = [text for text in concepts + tags if text.isascii()]
    assert len(texts) > 3000
    assert [text for text in texts if count_tokens(text) != len(TOKENIZER.encode(text))] == []


@given(st.text(max_size=60) | st.from_regex(r"[a-z&;#0-9' éİ½_()\-]{0,40}", fullmatch=True))
def test_other_texts_are_never_counted_too_low(text):
    assert count_tokens(text) >= len(TOKENIZER.encode(text))


@pytest.mark.parametrize(
    ("text", "tokens"),
    [("", 0), ("a church", 2), ("23 houses", 3), ("a church; a river", 5), ("a-b (c)", 6)],
)
def test_pieces_are_cut_as_clip_cuts_them(text, tokens):
    assert count_tokens(text) == len(TOKENIZER.encode(text)) == tokens


def test_counts_of_phrases_add_up():
    counts = PhraseTokens()
    phrases = ["a tennis court with clay surface", "three houses", "power pole (old)"]
    text = "; ".join(phrases)
    assert sum(counts[one] for one in phrases) + 2 >= len(TOKENIZER.encode(text))


@pytest.mark.slow
def test_the_table_is_the_one_that_its_generator_makes():
    path = ROOT / "data/clip_tokens/make_lengths.py"
    spec = importlib.util.spec_from_file_location("make_lengths", path)
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    assert made.OUT.read_text("utf-8") == made.lengths()
