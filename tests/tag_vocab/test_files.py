"""The shipped files agree with themselves, and a broken file is named with its line."""

from collections import Counter
from pathlib import Path

import pytest

from tag_vocab import content_id, files, groundable_keys, look_up
from tests.conftest import extracts


def test_labels_are_many_and_every_groundable_one_has_its_gsd():
    labels = files.labels()
    assert len(labels) >= 2_500
    assert sum(label.groundable for label in labels.values()) >= 800
    for tag, label in labels.items():
        assert label.groundable == (label.max_gsd in files.GSDS), tag
        assert label.reason, tag


def test_every_groundable_label_stands_on_a_key_whose_rule_lets_it_be_seen():
    for (key, value), label in files.labels().items():
        if label.groundable:
            assert key in files.key_rules(), key
            assert files.key_rules()[key].rule != "never", f"{key}={value}"


def test_a_key_of_listed_values_has_a_value_that_is_seen():
    seen = {key for (key, _), label in files.labels().items() if label.groundable}
    for key, rule in files.key_rules().items():
        assert rule.rule != "listed" or key in seen, key


def test_tags_and_keys_are_spelt_without_stray_spaces():
    for text in {part for tag in files.labels() for part in tag} | set(files.key_rules()):
        assert text == text.strip() and text, repr(text)


def test_every_tag_that_id_knows_has_a_label_or_a_rule():
    by_id = [tag for tag, known in files.universe().items() if known.in_id]
    assert len(by_id) >= 3_000
    others = [tag for tag in by_id if look_up(*tag).source not in ("label", "key")]
    assert others == [("lgbtq", "primary"), ("man_made", "yes")]


@pytest.mark.slow
@pytest.mark.parametrize("path", extracts("helsinki", "columbus", "singapore_bay"))
def test_nearly_every_tag_of_real_objects_has_a_label_or_a_rule(path):
    osmium = pytest.importorskip("osmium")
    sources: Counter[str] = Counter()
    reader = osmium.FileProcessor(str(path))
    for thing in reader.with_filter(osmium.filter.EmptyTagFilter()):
        sources.update(look_up(tag.k, tag.v).source for tag in thing.tags)
    assert (sources["label"] + sources["key"]) / sources.total() > 0.99


def test_every_frequent_tag_has_a_label_or_a_rule():
    unruled = [
        f"{key}={value} ({count})"
        for (key, value), count in files.frequency().items()
        if count > 50 and look_up(key, value).source == "default"
    ]
    assert unruled == []


def test_every_frequent_tag_of_a_key_that_names_things_has_a_label():
    things = {key for key, rule in files.key_rules().items() if rule.role == "thing"}
    unlabelled = [
        f"{key}={value} ({count})"
        for (key, value), count in files.frequency().items()
        if count >= 10 and key in things and look_up(key, value).source != "label"
    ]
    assert unlabelled == []


def test_all_five_steps_of_gsd_are_used_by_things():
    things = [
        label.max_gsd
        for (key, _), label in files.labels().items()
        if label.groundable and files.key_rules()[key].role == "thing"
    ]
    assert min(Counter(things)[step] for step in files.GSDS) >= 20


@pytest.mark.parametrize("path", extracts("monaco"))
def test_extracts_hold_no_frequent_key_that_the_vocabulary_does_not_know(path):
    osmium = pytest.importorskip("osmium")
    keys: Counter[str] = Counter()
    reader = osmium.FileProcessor(str(path))
    for thing in reader.with_filter(osmium.filter.EmptyTagFilter()):
        keys.update({(tag.k, tag.v): 1 for tag in thing.tags}.keys())
    unknown = {key for (key, value), n in keys.items() if n > 50} - {
        key for (key, value), n in keys.items() if look_up(key, value).source != "default"
    }
    assert unknown == set()
    assert len({key for key, _ in keys} & groundable_keys()) >= 60


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Let the files be read from a folder of the test's own, and forget them afterwards."""
    readers = (
        files.labels,
        files.key_rules,
        files.frequency,
        files.universe,
        files.guesses,
        files.content_id,
    )

    def write(name: str, text: str) -> None:
        (tmp_path / name).write_text(text)

    with monkeypatch.context() as patch:
        patch.setattr(files.resources, "files", lambda _: tmp_path)
        for reader in readers:
            reader.cache_clear()
        yield write
    for reader in readers:
        reader.cache_clear()


LABELS = "key,value,groundable,max_gsd,kind,size,reason\n"
KEYS = "key,role,groundable,max_gsd,rule,reason\n"


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ("sport,golf,yes,1,,,a\nsport,golf,no,,,,b\n", "line 3: sport=golf is labelled twice"),
        ("sport,golf,yes,,,,a\n", "line 2: max_gsd is ''; it must be one of 0.1, 0.2, 0.6, 1, 10"),
        ("sport,golf,yes,0.5,,,a\n", "line 2: max_gsd is '0.5'"),
        ("sport,golf,no,1,,,a\n", "line 2: a tag that is not groundable has no max_gsd"),
        ("sport,golf,maybe,1,,,a\n", "line 2: groundable must be yes or no"),
        ("sport,golf,yes,1,,,\n", "the reason may not be empty"),
        ("sport,golf,yes,1,,\n", "line 2: has more or fewer values"),
    ],
)
def test_a_broken_label_is_named_with_its_line(broken, row, complaint):
    broken("labels.csv", LABELS + row)
    with pytest.raises(ValueError, match=r"tag_vocab/labels\.csv") as error:
        files.labels()
    assert complaint in str(error.value)


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ("sport,attribute,yes,1,word,a\nsport,attribute,yes,1,word,a\n", "sport has two rules"),
        ("sport,attribute,yes,1,words,a\n", "unknown rule 'words'"),
        ("voltage,attribute,yes,1,number,a\n", "unknown rule 'number'"),
        ("sport,attribute,no,,word,a\n", "rule word does not go with groundable=no"),
        ("name,thing,no,,never,a\n", "only never has no role"),
        ("roof:*,attribute,yes,1,word,a\n", "a family of keys can only be never visible"),
    ],
)
def test_a_broken_rule_of_a_key_is_named(broken, row, complaint):
    broken("keys.csv", KEYS + row)
    with pytest.raises(ValueError, match=r"tag_vocab/keys\.csv, line") as error:
        files.key_rules()
    assert complaint in str(error.value)


def test_a_count_that_is_no_number_is_named(broken):
    broken("frequency.csv", "key,value,count\nsport,golf,many\n")
    with pytest.raises(ValueError, match=r"frequency\.csv, line 2: sport=golf"):
        files.frequency()


def test_a_guess_without_its_gsd_is_named(broken):
    broken("vocabulary.csv", f"{files.VOCABULARY}\nsport,golf,yes,0.90,model,,golf,n,\n")
    with pytest.raises(ValueError, match=r"vocabulary\.csv, line 2: max_gsd is ''"):
        files.guesses()


def test_an_unknown_kind_is_named(broken):
    broken("universe.csv", "key,value,in_id,kinds\nsport,golf,preset,x\n")
    with pytest.raises(ValueError, match=r"universe\.csv, line 2: unknown kinds 'x'"):
        files.universe()


def test_a_foreign_header_is_named(broken):
    broken("labels.csv", "tag,label\n")
    with pytest.raises(ValueError, match="its header must be key,value,groundable"):
        files.labels()


def test_the_content_id_follows_every_file(broken):
    ids = []
    for changed in (None, *files.NAMES):
        for name in files.NAMES:
            broken(name, "key\n" if name != changed else "key,value\n")
        ids.append(content_id())
        content_id.cache_clear()
    assert len(set(ids)) == len(files.NAMES) + 1
