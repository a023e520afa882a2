"""README's table of speeds, made of the JSON files in ``docs/bench``.

``python -m tests.bench.table`` writes it between the two markers in README.md.
"""

import json

from tests.bench.record import FOLDER
from tests.conftest import REPOSITORY

BEGIN, END = "<!-- bench: begin -->", "<!-- bench: end -->"
README = REPOSITORY / "README.md"


def table() -> str:
    """Give the table in Markdown, a row a file, by the files' names."""
    lines = ["| what | against | ratio |", "|---|---|---|"]
    for path in sorted(FOLDER.glob("*.json")):
        found = json.loads(path.read_text())
        lines.append(f"| {found['what']} | {found['against']} | {found['ratio']:g} × |")
    return "\n".join(lines)


def with_table(text: str) -> str:
    """Give README's text with the table as it is now; a text without both markers is refused."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"README.md lacks the lines {BEGIN} and {END}")
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


if __name__ == "__main__":
    README.write_text(with_table(README.read_text()))
    print(table())
