"""Asks for texts in batches; those that fail the guard are asked for once more, one by one."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from pipeline.atomic import content_id
from skyscript.language_model import (
    Answer,
    LanguageModel,
    NoAnswer,
    Request,
    Session,
    announce,
    ask_all,
    find_json,
)
from skyscript.osm.tags import Tags
from stages.polish.guard import problem_of

TASK, _AGAIN = "polish", "polish again"
_RULES = (
    "You turn tags of OpenStreetMap into plain English. For each numbered set of tags, write one "
    "short sentence fragment that says what is there, as seen from above. Say every tag, add no "
    "other thing, change no number, and do not speak of the image. Answer with a JSON array of "
    "strings, one for each set, in order, and nothing else."
)
_TOKENS, _MORE_TOKENS = 20, 60
"""The most tokens of an answer: for all of it, and for each set."""


class Thing(NamedTuple):
    """A distinct set of tags of a kind of object."""

    tags: Tags
    kind: str


class Wish(NamedTuple):
    """A text to ask for: a phrasing of a thing, counted from 0."""

    thing: Thing
    phrasing: int


def collect(
    wishes: Sequence[Wish], batch: int, session: Session, say: Callable[[str], object]
) -> tuple[dict[Wish, str], Counter[str]]:
    """Give the texts that pass the guard, and why the others have none."""
    model, answers = session.model, session.answers
    for group, texts in _ask(batches(wishes, batch, session), session):
        if texts is not None:
            answers.store_texts(dict(zip((_key(w, model) for w in group), texts, strict=True)))
    first = {wish: answers.find(_key(wish, model)) for wish in wishes}
    found = {
        wish: answer.text
        for wish, answer in first.items()
        if answer and not _problem(wish, answer.text)
    }
    why: Counter[str] = Counter()
    again = [
        (wish, _request([wish], _complaint(wish, answer)))
        for wish, answer in first.items()
        if wish not in found
    ]
    if again:
        what = f"answers on {len(again):,} refused texts"
        announce(lambda: (request for _, request in again), session, say, what)
    for (wish,), texts in _ask((([w], r) for w, r in again), session):
        if texts is None:
            why["the endpoint did not answer"] += 1
        elif problem := _problem(wish, texts[0]):
            why[_class_of(problem)] += 1
        else:
            found[wish] = texts[0]
    return found, why


def batches(
    wishes: Sequence[Wish], size: int, session: Session
) -> Iterator[tuple[list[Wish], Request]]:
    """Yield what is to be asked: the wishes of each batch that have no stored text.

    The batches do not depend on what is stored, so that the same ones are sent after a kill.
    """
    model, answers = session.model, session.answers
    for start in range(0, len(wishes), size):
        group = wishes[start : start + size]
        if missing := [wish for wish in group if answers.find(_key(wish, model)) is None]:
            yield missing, _request(missing)


def _request(wishes: Sequence[Wish], complaint: str = "") -> Request:
    lines = [
        f"{number}. " + "; ".join(f"{key} = {value}" for key, value in wish.thing.tags)
        for number, wish in enumerate(wishes, start=1)
    ]
    most = _TOKENS + _MORE_TOKENS * len(wishes)
    text = "\n".join(lines) + complaint
    task = _AGAIN if complaint else TASK
    return Request(task, _RULES, text, most, seed=wishes[0].phrasing)


def _complaint(wish: Wish, answer: Answer | None) -> str:
    if answer is None:  # the endpoint failed: the same question once more
        return ""
    text = answer.text
    return f"\nThe text {text[:200]!r} is refused: {_problem(wish, text)}. Write another."


def _ask(
    asked: Iterable[tuple[list[Wish], Request]], session: Session
) -> Iterator[tuple[list[Wish], list[str] | None]]:
    """Yield the wishes of each request with their texts; None if the endpoint did not answer."""
    groups, requests = itertools.tee(asked)
    replies = ask_all((request for _, request in requests), session)
    # The replies first: they decide how far the requests are read ahead.
    for reply, (group, _) in zip(replies, groups, strict=True):
        yield group, None if isinstance(reply, NoAnswer) else _texts(reply.text, len(group))


def _texts(reply: str, count: int) -> list[str]:
    """Read the texts of an answer; empty ones if it is not the array that was asked for."""
    texts = find_json(reply, "[]")
    if not isinstance(texts, list) or len(texts) != count:
        return [""] * count
    return [text.strip() if isinstance(text, str) else "" for text in texts]


def _problem(wish: Wish, text: str) -> str | None:
    return problem_of(text, wish.thing.tags, wish.thing.kind)


def _class_of(problem: str) -> str:
    """Give a problem without the tag or thing that it names, to count it."""
    if problem.startswith("it does not say"):
        return "it leaves a tag out"
    return "it names another thing" if problem.startswith("it names") else problem


def _key(wish: Wish, model: LanguageModel) -> str:
    """Give the id under which the text of a wish is stored, whatever batch it came in."""
    return content_id(f"text {_request([wish]).key(model.asked_of)}".encode())
