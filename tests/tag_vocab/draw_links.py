"""Draws parent links of concepts.csv at random, for a judge who has not seen the tree.

    python -m tests.tag_vocab.draw_links SEED OUT.csv

Links that an earlier draw of today's rule has judged (parent_links.csv, draw 2 and later) are left
out. The judge gets only the drawn file and `RULES`.
"""

from __future__ import annotations

import csv
import random
import sys
from pathlib import Path

from tag_vocab.concepts import rows, split

JUDGED = Path(__file__).with_name("parent_links.csv")
NUMBER = 200
FIRST_DRAW_OF_TODAYS_RULE = 2
RULES = """\
# How to judge a link of a tree of concepts

Each row of the file is a link: a child and a parent. A child with "=" is an OpenStreetMap tag
("a=b + c=d": both tags on one object; "@ a": only if the object is an area). All others are plain
names of things that satellite and aerial images show. Judge by what you know of OpenStreetMap (its
wiki) and of such images. Look nothing up in other files of this machine.

The criterion: **an image that truly shows the child truly shows the parent.** So the child may be a
kind of the parent, a part of it, or something that is only seen on it. A tag means what the wiki
says of it; without a page, what it is mostly used for. A single mistake of a mapper does not count.
What is hidden (under ground, inside a building) is not shown, and is not in question. Whether the
name is the best one, or another parent would fit better too, is not in question either.

- `right`: it holds for all, or nearly all, that the child means.
- `doubtful`: it fails for a part that matters, or a careful OSM mapper could object with reason.
- `wrong`: it fails for most, or the parent is another thing.

Be strict: do not give the benefit of the doubt. Write one row a link, in the order of the file:
`child,parent,verdict,note`. `note` is empty if the link is right, else a short reason.
"""


def links() -> list[tuple[str, str]]:
    """Give all links of concepts.csv, sorted: concept and parent, tag and concept."""
    found = {
        link
        for _, row in rows()
        for link in [
            *((row["concept"], parent) for parent in split(row["parents"])),
            *((tag, row["concept"]) for tag in split(row["tags"])),
        ]
    }
    return sorted(found)


def judged() -> list[dict[str, str]]:
    """Give the judged links: child, parent, verdict, note, draw."""
    return list(csv.DictReader(JUDGED.read_text("utf-8").splitlines()))


def draw(seed: int) -> list[tuple[str, str]]:
    """Give links that were not judged before, in random order."""
    seen = {
        (row["child"], row["parent"])
        for row in judged()
        if int(row["draw"]) >= FIRST_DRAW_OF_TODAYS_RULE
    }
    rest = [link for link in links() if link not in seen]
    return random.Random(seed).sample(rest, NUMBER)


def main(seed: str, out: str) -> None:
    """Write a drawn file, and the rules beside it."""
    with Path(out).open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([("child", "parent"), *draw(int(seed))])
    Path(out).with_name("RULES2.md").write_text(RULES, "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
