"""Writes the caption CSV of meta pickles, from a run or from the published zips."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline.atomic import write_file
from pipeline.errors import InputError, ItemsFailed
from skyscript.captions.config import DEFAULT, CaptionConfig
from skyscript.captions.readable import Neighbour, ReadableStyle
from skyscript.captions.rule import NOTHING_TO_SAY, phrases_of, surrounded
from skyscript.files.meta import Meta
from skyscript.files.metas import read_metas
from skyscript.files.names import image_path, parse
from skyscript.files.pairs_csv import HEADER, csv_writer, write_pairs
from skyscript.vocabulary import labelled_vocabulary
from tag_vocab import Vocabulary

Row = tuple[str, str, str]
"""Path of the image, and its two captions."""
_POINT = "n"
"""A point shows the fewest concepts, so what is said of a point is true of every kind."""


def caption_pickles(
    source: Path,
    out: Path,
    config: CaptionConfig = DEFAULT,
    own_labels: Path | None = None,
) -> int:
    """Write the caption CSV of meta files and give its number of rows.

    ``source`` is anything that `read_metas` reads, of any size. ``own_labels`` is a user's CSV of
    labels. An unusable file does not stop the others: ``<stem of out>.rejected.csv`` names it
    with the reason. Raises `ItemsFailed` at the end if there are unusable files. Raises
    `InputError` and changes nothing if the source is unusable.
    """
    row_of = _writer(config, labelled_vocabulary(own_labels))
    rows = (
        (name, meta if isinstance(meta, InputError) else row_of(name, meta))
        for name, meta in read_metas(source)
    )
    return write_rows(rows, out)


def write_rows(rows: Iterable[tuple[str, Row | InputError]], out: Path) -> int:
    """Write the caption CSV of named rows, and give their number; see `caption_pickles`."""
    if out.is_dir():
        raise InputError(f"{out}: is a folder; name the CSV file to write.")
    rejects = out.with_name(f"{out.stem}.rejected.csv")
    done: list[_Tally] = []
    write_file(rejects, lambda path: done.append(_write_all(rows, out, path)))
    tally = done[0]
    if tally.rejected:
        raise ItemsFailed(
            f"{out}: {tally.written} captions are written; {tally.rejected} of "
            f"{tally.written + tally.rejected} images could not be used. {rejects} names each; "
            f"the first: {tally.first}"
        )
    rejects.unlink()
    return tally.written


@dataclass
class _Tally:
    """The numbers of meta files so far."""

    written: int = 0
    rejected: int = 0
    first: str = ""
    """The reason of the first rejected file."""


def _write_all(named: Iterable[tuple[str, Row | InputError]], out: Path, rejects: Path) -> _Tally:
    tally = _Tally()
    with csv_writer(rejects, ("name", "reason")) as reject:

        def rows() -> Iterator[Row]:
            for name, row in named:
                if isinstance(row, InputError):
                    reject((name, str(row).removeprefix(f"{name}: ")))
                    tally.rejected += 1
                    tally.first = tally.first or str(row)
                else:
                    yield row

        def write(path: Path) -> None:
            tally.written = write_pairs(path, HEADER, rows())

        write_file(out, write)
    return tally


def _writer(config: CaptionConfig, words: Vocabulary) -> Callable[[str, Meta], Row | InputError]:
    """Give the function that writes the row of a meta in the style of the config."""
    style = ReadableStyle(config, words)

    def row(name: str, meta: Meta) -> Row | InputError:
        if config.style == "published":
            found = _published_titles(meta, config, words)
        else:
            found = _readable_titles(name, meta, style)
        if found is None:
            return InputError(f"{name}: {NOTHING_TO_SAY} in its center_tags.")
        return image_path(name), *found

    return row


def _published_titles(
    meta: Meta, config: CaptionConfig, words: Vocabulary
) -> tuple[str, str] | None:
    focus = phrases_of(meta.center_tags, config, words)
    around = (phrases_of(tags, config, words).multi for tags in meta.surrounding_tags)
    if not focus.single:
        return None
    return config.prefix + focus.single, surrounded(focus.multi, around, config)


def _readable_titles(name: str, meta: Meta, style: ReadableStyle) -> tuple[str, str] | None:
    """Write readable captions of a pickle, which holds no kind and no share of a neighbour."""
    parsed = parse(name)
    around = (Neighbour(tuple(tags.items()), _POINT, 0.0) for tags in meta.surrounding_tags)
    kind = parsed.object_id[0] if parsed else _POINT
    made = style.captions(tuple(meta.center_tags.items()), kind, around)
    return made and (made.title, made.title_multi_objects)
