"""README's table of speeds is the one that the recorded benchmarks give."""

import json

import pytest

from tests.bench import record, table


def test_readme_holds_the_table_of_the_recorded_benchmarks():
    text = table.README.read_text()
    assert table.with_table(text) == text, "run python -m tests.bench.table"


def test_a_record_says_what_was_measured_and_on_what_machine(tmp_path, monkeypatch):
    monkeypatch.setattr(record, "FOLDER", tmp_path)
    monkeypatch.setattr(table, "FOLDER", tmp_path)
    record.record("b", what="`b`", against="the plain loop", ratio=2.34567)
    record.record("a", what="`a`", against="the plain loop", ratio=25.0)
    machine = json.loads((tmp_path / "b.json").read_text())["machine"]
    assert machine["cores"] >= 1
    assert {"python", "libraries"} <= machine.keys()
    assert table.table().splitlines()[2:] == [
        "| `a` | the plain loop | 25 × |",
        "| `b` | the plain loop | 2.35 × |",
    ]


def test_a_readme_without_markers_is_refused():
    with pytest.raises(ValueError, match="lacks the lines"):
        table.with_table("# A title\n")
