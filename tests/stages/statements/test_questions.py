"""Questions have true answers, and negatives are false; both are said in plain grammar."""

import pytest

from stages.statements.kinds import KINDS
from tag_vocab import concept
from tests.stages.statements.independent import Image, is_true
from tests.stages.statements.test_statements import GEOMETRIES, IMAGE, META, made, objects

__all__ = ["objects"]  # a fixture


def test_a_question_has_its_answer_and_a_negative_its_true_sentence(objects):
    rows = made(objects)
    told = {(row["kind"], row["claim"]): row for row in rows}
    asked = told["ask_count", "count(tennis court) = 2"]
    assert (asked["role"], asked["answer"], asked["true_text"]) == ("question", "Two.", None)
    assert told["ask_comparison", "more(church, tennis court) = no"]["answer"] == "No."
    twisted = told["not_relation", "inside(forest, playground)"]
    assert (twisted["role"], twisted["answer"]) == ("negative", None)
    false, true = twisted["text"].casefold(), twisted["true_text"].casefold()
    assert false.index("forest") < false.index("playground")
    assert true.index("playground") < true.index("forest")
    plain = {row["kind"] for row in rows if row["role"] == "statement"}
    assert plain == {kind for kind in KINDS if not kind.startswith(("ask_", "not_"))}


FALSE_OF_QUESTIONS = [
    ("ask_count", "count(tennis court) = 2", {"answer": "Three."}),
    ("ask_presence", "present(church)", {"answer": "No."}),
    ("ask_comparison", "more(church, tennis court) = no", {"answer": "Yes."}),
    ("ask_area", "cover(park) = 50", {"answer": "About 60 percent."}),
    ("ask_inside", "inside(playground, forest) = yes", {"answer": "No."}),
    (
        "ask_inside",
        "inside(forest, playground) = no",
        {"claim": "inside(forest, playground) = yes"},
    ),
    ("not_count", "count(tennis court) = 3", {"claim": "count(tennis court) = 2"}),
    ("not_count", "count(tennis court) = 3", {"true_text": "There are four tennis courts."}),
    ("not_relation", "inside(forest, playground)", {"claim": "inside(playground, forest)"}),
    ("not_attribute", "attribute(house, flat roof)", {"claim": "attribute(house, gabled roof)"}),
]


@pytest.mark.parametrize(("kind", "claim", "change"), FALSE_OF_QUESTIONS)
def test_the_checker_finds_wrong_answers_and_true_negatives(kind, claim, change, objects):
    row = next(row for row in made(objects) if (row["kind"], row["claim"]) == (kind, claim))
    image = Image(META, IMAGE, GEOMETRIES)
    assert is_true(row, image)
    assert not is_true(row | change, image)


@pytest.mark.parametrize(
    ("name", "asked", "denied"),
    [
        ("church", "Is there a church", "There is no church"),
        ("grass", "Is there grass", "There is no grass"),
        ("school grounds", "Are there school grounds", "There are no school grounds"),
        ("outdoor steps", "Are there outdoor steps", "There are no outdoor steps"),
    ],
)
def test_the_verb_goes_with_a_name_that_is_a_plural(name, asked, denied):
    for kind in (KINDS["ask_presence"], KINDS["ask_absence"]):
        words = kind.say((concept(name),), 1).words
        assert kind.phrasings[0].format(**words) == f"{asked} in the image?"
    negative = KINDS["not_present"]
    words = negative.say((concept(name),), 1).words
    assert negative.seconds[1].format(**words) == f"{denied} in the image."


@pytest.mark.parametrize(
    ("kind", "value", "of_one", "of_many"),
    [
        (
            "distance",
            40,
            ["A church lies about 40 metres from a park.", "About 40 m from a park lies a church."],
            [
                "School grounds lie about 40 metres from a park.",
                "About 40 m from a park lie school grounds.",
            ],
        ),
        (
            "crossing",
            0,
            ["A church crosses a park.", "The image shows a church that crosses a park."],
            ["School grounds cross a park.", "The image shows school grounds that cross a park."],
        ),
        (
            "ask_direction",
            0,
            [
                "Where is the church, seen from the park?",
                "In which direction from the park is the church?",
            ],
            [
                "Where are the school grounds, seen from the park?",
                "In which direction from the park are the school grounds?",
            ],
        ),
        (
            "ask_inside",
            1,
            ["Is the church in the park?", "Does the church lie in the park?"],
            ["Are the school grounds in the park?", "Do the school grounds lie in the park?"],
        ),
    ],
)
def test_the_verb_goes_with_the_first_of_two_things(kind, value, of_one, of_many):
    said = KINDS[kind]
    for name, texts in (("church", of_one), ("school grounds", of_many)):
        words = said.say((concept(name), concept("park")), value).words
        assert [phrasing.format(**words) for phrasing in said.phrasings] == texts
