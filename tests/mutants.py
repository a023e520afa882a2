"""Do the tests notice a wrong line? Changes one at a time, at random, and runs the mirrored tests.

    python -m tests.mutants --count 40 --seed 1 --whole

Run by hand in a clean work tree, never by the suite. The tree is copied; the copy is what changes.
A mutant that no test of its module's mirrored files kills is printed with its line: the survivor
is either a gap in the tests or a change that means the same.
"""

import argparse
import ast
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.conftest import REPOSITORY

PACKAGES = ("pipeline", "skyscript", "stages", "tag_vocab")
COMPARISONS = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
    ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
OPERATORS = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.FloorDiv: ast.Mult}
SECONDS = 1800
"""A mutant whose tests take longer counts as killed: it made them hang."""


class Mutant(NamedTuple):
    """A changed node of a file: where, what it was, and what it is now."""

    path: Path
    line: int
    before: str
    after: str
    start: int
    end: int


def mutants_of(path: Path) -> Iterator[Mutant]:
    """Give every mutant of a file, in the order of its text."""
    data = path.read_bytes()
    starts = [0]
    for line in data.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    tree = ast.parse(data)
    for node in _code(tree):
        for changed in _changes(node):
            begin = starts[node.lineno - 1] + node.col_offset
            end = starts[node.end_lineno - 1] + node.end_col_offset
            before, after = data[begin:end].decode(), f"({ast.unparse(changed)})"
            yield Mutant(path, node.lineno, before, after, begin, end)


def _code(tree: ast.AST) -> Iterator[ast.AST]:
    """Give the nodes that run: no annotations, no f-strings (their places are not the text's)."""
    for name, value in ast.iter_fields(tree):
        if name in ("annotation", "returns", "decorator_list"):
            continue
        for node in value if isinstance(value, list) else [value]:
            if isinstance(node, ast.AST) and not isinstance(node, ast.JoinedStr):
                if isinstance(node, ast.keyword) and node.arg == "strict":
                    continue  # of zip: only a mistake elsewhere shows it
                if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
                    continue
                yield node
                yield from _code(node)


def _changes(node: ast.AST) -> Iterator[ast.expr]:
    match node:
        case ast.Compare(left=left, ops=[operator], comparators=[right]):
            yield ast.Compare(left, [COMPARISONS[type(operator)]()], [right])
        case ast.BoolOp(op=operator, values=values):
            other = ast.Or() if isinstance(operator, ast.And) else ast.And()
            yield ast.BoolOp(other, values)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield operand
        case ast.BinOp(left=left, op=operator, right=right) if type(operator) in OPERATORS:
            yield ast.BinOp(left, OPERATORS[type(operator)](), right)
        case ast.Constant(value=bool(value)):
            yield ast.Constant(not value)
        case ast.Constant(value=int(value)):
            yield ast.Constant(value + 1)
        case ast.Constant(value=float(value)):
            yield ast.Constant(value * 1.5 + 1)


def mirrored(path: Path) -> list[str]:
    """Give the test files of a module: of its own name, else those of the nearest folder."""
    module = path.relative_to(REPOSITORY)
    folder = Path("tests") / module.parent
    stem = "" if module.stem in ("stage", "job") else module.stem  # what runs its whole folder
    named = sorted(REPOSITORY.glob(f"{folder}/test_{stem}*.py"))
    while not named and folder != Path("tests"):
        packages = sorted(REPOSITORY.glob(f"{folder}/test_*.py"))
        beside = sorted(REPOSITORY.glob(f"{folder.parent}/test_{folder.name}*.py"))
        named, folder = [*packages, *beside], folder.parent
    if module.parts[0] == "stages":
        named.append(REPOSITORY / "tests/test_contracts.py")  # of every stage
    return [str(test.relative_to(REPOSITORY)) for test in named]


def chosen(count: int, seed: int) -> list[Mutant]:
    """Draw mutants, no two of one module while there are modules left."""
    draw = random.Random(seed)
    files = [
        path
        for package in PACKAGES
        for path in sorted((REPOSITORY / package).rglob("*.py"))
        if mirrored(path)
    ]
    draw.shuffle(files)
    found: list[Mutant] = []
    while files and len(found) < count:
        for path in files:
            if len(found) < count and (some := list(mutants_of(path))):
                found.append(draw.choice(some))
    return found


def killed(mutant: Mutant, copy: Path, tests: list[str]) -> bool:
    """Run tests (none: all) on a copy that holds the mutant; give whether one of them failed."""
    module = mutant.path.relative_to(REPOSITORY)
    target, whole = copy / module, mutant.path.read_bytes()
    target.write_bytes(whole[: mutant.start] + mutant.after.encode() + whole[mutant.end :])
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
    environment = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            [*command, *tests],
            cwd=copy, env=environment, capture_output=True, timeout=SECONDS, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return True
    finally:
        target.write_bytes(whole)
    if done.returncode not in (0, 1, 2):
        raise RuntimeError(done.stdout.decode() + done.stderr.decode())
    return done.returncode != 0


def copied(folder: Path) -> Path:
    """Copy the files that git knows; the shared data beside the tree is linked."""
    copy = folder / "tree"
    names = subprocess.run(
        ["git", "ls-files"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    for name in names.stdout.splitlines():
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(REPOSITORY / name, copy / name)
    shared = REPOSITORY.parent / "shared"
    if shared.is_dir():
        (folder / "shared").symlink_to(shared)
    return copy


def main() -> int:
    """Print each mutant's fate; end with 1 where one survives."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--whole", action="store_true", help="Try survivors on the whole suite.")
    arguments = parser.parse_args()
    survivors = 0
    with tempfile.TemporaryDirectory() as folder:
        copy = copied(Path(folder))
        found = chosen(arguments.count, arguments.seed)
        for mutant in found:
            dead = killed(mutant, copy, mirrored(mutant.path))
            if not dead and arguments.whole:
                dead = killed(mutant, copy, [])
            survivors += not dead
            place = f"{mutant.path.relative_to(REPOSITORY)}:{mutant.line}"
            fate = "killed  " if dead else "SURVIVED"
            print(f"{fate} {place}: {mutant.before} -> {mutant.after}", flush=True)
    modules = len({mutant.path for mutant in found})
    print(f"{len(found) - survivors} of {len(found)} mutants in {modules} modules killed")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
