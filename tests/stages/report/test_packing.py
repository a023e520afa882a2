"""What the explorer loads, decoded by its own script in node, and by hand."""

import base64
import json
import shutil
import subprocess

import numpy as np
import pytest

from stages.report.packing import Index, choices, numbers, order_of, script, tag_word, words_of
from tests.conftest import REPOSITORY

STORE = REPOSITORY / "stages/report/explorer/store.js"
WORDS = ["", "a", "ab", "abc", "b", "über", "ﬀ", "𝔄", "日本"]
NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="node is not installed")


def in_node(value, program):
    """Give what a program says of ``index``, after the explorer's own script."""
    code = f"{STORE.read_text()}\nconst index = new Index({json.dumps(value)});\n{program}"
    assert NODE
    done = subprocess.run(
        [NODE, "-"], input=code, capture_output=True, text=True, check=False, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def made_index(rows=5000):
    """Words in every row, in some, and in rows far from each other."""
    index = Index()
    draw = np.random.default_rng(3)
    expected = {word: set() for word in WORDS[1:]}
    for row in range(rows):
        words = {word for n, word in enumerate(WORDS[1:]) if draw.random() < 1 / (1 + n) ** 3}
        index.add(row, words)
        for word in words:
            expected[word].add(row)
    return index, {word: sorted(found) for word, found in expected.items() if found}


@needs_node
def test_the_explorer_finds_the_rows_of_every_word():
    index, expected = made_index()
    program = """
    const rows = (mark) => { const mask = new Uint8Array(5000); mark(mask);
      return [...mask.keys()].filter((row) => mask[row]); };
    const exact = index.words.map((word) => [word, rows((mask) => index.mark(word, mask))]);
    console.log(JSON.stringify({
      exact: Object.fromEntries(exact),
      prefix: rows((mask) => index.markPrefix("ab", mask)),
      none: rows((mask) => index.mark("zz", mask)),
      counts: index.starting("a"),
    }));"""
    found = in_node(index.packed(4000), program)
    assert found["exact"] == expected
    assert found["prefix"] == sorted({*expected["ab"], *expected["abc"]})
    assert found["none"] == []
    assert dict(found["counts"]) == {
        word[1:]: sum(row < 4000 for row in rows)
        for word, rows in expected.items()
        if word.startswith("a")
    }


@needs_node
def test_words_are_in_the_order_in_which_the_explorer_compares_them():
    index, _ = made_index()
    found = in_node(index.packed(5000), "console.log(JSON.stringify([...index.words].sort()))")
    assert found == index.packed(5000)["words"]


def test_words_and_tags_are_lower_case_and_without_blanks():
    assert words_of('A "Straße", x=1_2') == {"a", "straße", "x", "1", "2"}
    assert tag_word("Name", "Main  Street") == "name=main_street"


def test_columns_are_little_endian_and_missing_numbers_are_nan():
    found = np.frombuffer(base64.b64decode(numbers([1.5, None])), "<f4")
    assert found[0] == 1.5
    assert np.isnan(found[1])
    order = np.frombuffer(base64.b64decode(order_of(np.array([2.0, np.nan, 1.0]))), "<u4")
    assert order.tolist() == [2, 0, 1]


def test_rare_choices_are_united():
    values = [f"v{number}" for number in range(300)] + ["v7", "v7"]
    found = choices(values)
    assert found["names"][0] == "v7"
    assert (len(found["names"]), found["names"][-1]) == (256, "other")
    of = np.frombuffer(base64.b64decode(found["of"]), np.uint8)
    assert (of == 255).sum() == 300 - 255
    assert choices(["a", "b", "b"]) == {
        "names": ["b", "a"],
        "of": base64.b64encode(b"\1\0\0").decode(),
    }


def test_a_script_is_ascii_and_holds_no_number_that_json_lacks():
    assert script("x", "ü</script>\u2028") == b'explorer.put("x", "\\u00fc</script>\\u2028");\n'
    with pytest.raises(ValueError, match="JSON"):
        script("x", float("nan"))
