"""The tree of concepts: complete, shallow at the top, and right where it was judged."""

import pickle
from collections import Counter

import pytest

from tag_vocab import Concept, concept, concepts_of, files, is_a, tags_showing
from tag_vocab.concepts import children, key_names, plural_of, roots, written
from tag_vocab.concepts_of import tags_of
from tag_vocab.tree_text import describe, whole_tree
from tests.tag_vocab.draw_links import (
    FIRST_DRAW_OF_TODAYS_RULE,
    NUMBER,
    draw,
    judged,
    links,
)


def names(tags, kind="a"):
    return [one.name for one in concepts_of(tags, kind)]


def visible_tags():
    rows = files.shipped_rows("vocabulary.csv", files.VOCABULARY)
    return [(row["key"], row["value"]) for _, row in rows if row["groundable"] == "yes"]


def test_every_visible_tag_has_a_path_to_one_of_few_roots():
    assert len(roots()) <= 40
    for key, value in visible_tags():
        found = concepts_of({key: value}, "a")
        assert found, f"{key}={value}"
        for one in found:
            assert one.roots and set(one.roots) <= set(roots()), one.name


@pytest.mark.parametrize(
    ("tags", "kind", "said"),
    [
        ({"building": "retail"}, "a", ["retail building"]),
        ({"building": "yes", "shop": "supermarket"}, "a", ["supermarket"]),
        ({"building": "yes", "shop": "supermarket"}, "r", ["supermarket"]),
        ({"shop": "supermarket"}, "n", []),
        ({"leisure": "pitch", "sport": "tennis"}, "a", ["tennis court"]),
        ({"leisure": "pitch"}, "a", ["sports pitch"]),
        (
            {"surface": "clay", "leisure": "pitch", "sport": "tennis;basketball"},
            "a",
            ["basketball court", "tennis court", "clay surface"],
        ),
        ({"building": "boiler_house"}, "a", ["building"]),
        ({"power": "sub_station"}, "a", ["substation"]),  # an old spelling
        ({"highway": "abandoned"}, "w", ["disused road"]),  # its modern spelling shows nothing
        ({"name": "Tennis court", "building:levels": "3"}, "a", []),
        ({"building": "no"}, "a", []),
        ({}, "a", []),
    ],
)
def test_an_object_shows_its_most_specific_concepts(tags, kind, said):
    assert names(tags, kind) == said


def test_the_order_of_the_tags_makes_no_difference():
    tags = {"highway": "residential", "surface": "asphalt", "bridge": "yes"}
    assert names(tags) == names(dict(reversed(tags.items())))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("supermarket", "retail building"),
        ("supermarket", "building"),
        ("tennis court", "sports ground"),
        ("tennis court", "tennis facility"),
        ("shopping centre", "building"),
        ("lake", "water"),
    ],
)
def test_a_concept_is_a_kind_of_each_of_its_ancestors_and_not_the_reverse(one, other):
    general = next((a for a in concept(one).ancestors if a.name == other), None)
    assert general is not None
    assert is_a(concept(one), general) and is_a(general, general)
    assert not is_a(general, concept(one))


def test_a_concept_is_found_by_any_of_its_names_or_the_nearest_is_named():
    assert concept("Tennis courts") == concept("tennis court")
    assert concept("football pitch") == concept("soccer field")
    with pytest.raises(ValueError, match="did you mean 'tennis court'"):
        concept("tenis court")


def test_no_two_concepts_share_a_name_and_each_hand_written_one_is_shown_by_a_tag_or_has_kinds():
    by_key = {name.parent for name in key_names().values()}
    for one in written().values():
        shown = tags_of(one) or list(children(one)) or one.name in by_key
        assert shown, one.name
    tags = Counter(tag for one in written().values() for tag in tags_of(one))
    assert [tag for tag, count in tags.items() if count > 1] == []


def test_no_name_has_a_comma_which_parts_the_names_in_a_statements_claim():
    assert [one for one in written() if "," in one] == []


def test_links_that_a_blind_judge_found_wrong_are_gone_and_the_right_ones_stay():
    there = set(links())
    for row in judged():
        link = row["child"], row["parent"]
        assert link not in there or row["verdict"] != "wrong", row
        of_todays_rule = int(row["draw"]) >= FIRST_DRAW_OF_TODAYS_RULE
        assert link in there or row["verdict"] != "right" or not of_todays_rule, row


def test_a_draw_is_random_but_the_same_each_time_and_leaves_out_what_was_judged():
    drawn = draw(1)
    assert drawn == draw(1) and drawn != draw(2)
    assert len(set(drawn)) == NUMBER and set(drawn) <= set(links())
    before = {(row["child"], row["parent"]) for row in judged() if row["draw"] != "1"}
    assert before.isdisjoint(drawn)


@pytest.mark.parametrize(
    ("name", "plural"),
    [
        ("church", "churches"),
        ("factory", "factories"),
        ("railway", "railways"),
        ("place of worship", "places of worship"),
        ("outdoor steps", "outdoor steps"),
        ("grass", "grasses"),
        ("bus", "buses"),
    ],
)
def test_a_regular_plural_is_that_of_the_head(name, plural):
    assert plural_of(name) == plural


def test_a_concept_survives_pickling():
    court = concept("tennis court")
    again = pickle.loads(pickle.dumps(court))
    assert again == court and again.roots == court.roots and isinstance(again, Concept)


def test_the_printed_tree_holds_every_concept_once():
    lines = [line.strip().partition("  (also: ")[0] for line in whole_tree().splitlines()]
    assert sorted(lines) == sorted(
        {*written(), *(p.name for one in written().values() for p in one.parents)} & set(lines)
    )
    assert set(written()) <= set(lines)


def test_a_card_gives_names_and_paths():
    card = describe(["leisure=pitch", "sport=tennis"], "a")
    assert card.splitlines()[0] == "tennis court"
    assert "tennis court < sports pitch < sports ground < sports facility < leisure place" in card
    assert "leisure=pitch + sport=tennis" in card
    assert describe(["building=retail"], "a") == describe(["retail", "building"], "a")


@pytest.mark.parametrize(
    ("what", "kind", "said"),
    [
        (["shop=supermarket"], "n", "shows no concept of the tree"),
        (["name=\x1b[31m"], "a", r"name=\\x1b"),
        (["building=yes"], "z", "there is no kind 'z'"),
        (["nothing of the sort"], "a", "there is no concept"),
    ],
)
def test_what_shows_no_concept_is_said_in_one_sentence(what, kind, said):
    with pytest.raises(ValueError, match=said):
        describe(what, kind)


@pytest.mark.parametrize(
    ("name", "tags", "kind", "shown"),
    [
        (
            "tennis court",
            {"surface": "clay", "leisure": "pitch", "sport": "tennis;basketball"},
            "a",
            [("leisure", "pitch"), ("sport", "tennis")],
        ),
        ("clay surface", {"surface": "clay", "leisure": "pitch"}, "a", [("surface", "clay")]),
        ("building", {"building": "church", "name": "St. Mary"}, "a", [("building", "church")]),
        ("substation", {"power": "sub_station"}, "a", [("power", "substation")]),
        ("pond", {"building": "church"}, "a", []),
    ],
)
def test_the_tags_that_show_a_concept_are_those_of_it_or_of_a_kind_of_it(name, tags, kind, shown):
    assert tags_showing(name, tags, kind) == shown
