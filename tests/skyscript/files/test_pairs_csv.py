"""One reader of pairs: what it takes, what it refuses by name and line; one writer."""

import csv
import io

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.errors import InputError
from skyscript.files import csv_lines
from skyscript.files.pairs_csv import (
    HEADER,
    NULL_WORDS,
    PairsCsv,
    caption_or_none,
    csv_writer,
    null_missing,
    write_pairs,
)

FIELDS = st.text(st.sampled_from('ab ,"\n\r;é雪\x1a'), max_size=6)
TEXTS = st.lists(st.tuples(FIELDS.map("p{}".format), FIELDS, FIELDS), max_size=6)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("csv") / "pairs.csv"


def rows(path, data, needed=HEADER[:2], **options):
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return list(PairsCsv(path, needed, **options).rows())


def refusal(path, data, **options):
    with pytest.raises(InputError, match=r"pairs\.csv: ") as caught:
        rows(path, data, **options)
    return str(caught.value).removeprefix(f"{path}: ")


@pytest.mark.slow
@given(TEXTS)
@example([("p\r", "\n", '"')])
def test_what_is_written_is_read_again(path, pairs):
    assert write_pairs(path, HEADER, pairs) == len(pairs)
    assert list(PairsCsv(path).rows()) == pairs


@given(st.text(st.sampled_from('ab,"\n\r'), max_size=40))
@example('"ab"c"d,e\n')
@example('a,"b\n\n"c\r\n\r\n')
def test_rows_and_their_lines_are_those_of_pythons_own_reader(path, text):
    reader = csv.reader(io.StringIO(f"filepath,title\n{text}", newline=""), strict=False)
    starts, expected = [], []
    line = 1
    for row in reader:
        if row:
            starts.append(line)
            expected.append(tuple(row))
        line = reader.line_num + 1
    try:
        found = rows(path, f"filepath,title\n{text}")
    except InputError as error:
        is_whole = all(len(row) == 2 and row[0].strip() for row in expected)
        assert not is_whole or "never closed" in str(error)
    else:
        assert found == expected[1:]
        lines = csv_lines.row_lines(path, ",", ("filepath", "title"))
        assert list(lines) == starts


@given(st.binary(max_size=60))
def test_arbitrary_bytes_are_pairs_or_one_sentence(path, data):
    for content in (data, b"filepath,title\n" + data):
        path.write_bytes(content)
        try:
            assert all(len(row) >= 2 for row in PairsCsv(path).rows())
        except InputError as error:
            assert str(error).startswith(str(path))
            assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ("filepath,title,title\na,b,c\n", "its header has the column 'title' 2 times"),
        ("filepath,title,x,x\na,b,c,d\n", "its header has the column 'x' 2 times"),
        (",filepath,title\n0,a,b\n", "column 1 of its header has no name"),
        ("filepath, title\na,b\n", "Remove the blanks around ' title' in the header."),
        ("filepath,caption\n", "has no column 'title'; separated at ',' its columns are 'file"),
        ("", "has no column 'filepath'; separated at ',' its columns are none."),
        ("filepath,title\na,b\n\nc\n", "line 4 has 1 fields, the header 2"),
        ("filepath,title\na,b\n  \n", "line 3 has 1 fields, the header 2"),
        ('filepath,title\na,"b\nc"\nd\n', "line 4 has 1 fields, the header 2"),
        ('filepath,title\na,b\nc,"d\ne,f\n', "line 3 opens a quote that is never closed"),
        ('filepath,title\na,"b\n' + "c,d\n" * 400_000, "line 2 has a field over 1 MiB, or a quote"),
        (f"filepath,title\na,{'b' * 1_100_000}\n", "line 2 has a field over 1 MiB"),
        (f"filepath,title,x\na,b,{'b' * 1_100_000}\n", "line 2 has a field over 1 MiB"),
        (b"filepath,title\na,b\nc,\xff\n", "line 3 is not text in UTF-8"),
        (b"filepath,title\na,b\nc,\xc3", "line 3 is not text in UTF-8"),
        (b"filepath,title\na,b\nc,d\0e\n", "line 3 contains a NUL character"),
        ("filepath,title\na,b\n ,c\n", "line 3 names no image: its 'filepath' is ' '"),
    ],
)  # fmt: skip
def test_a_file_that_is_not_sound_is_named_with_the_line(path, data, sentence):
    assert sentence in refusal(path, data)


def test_lines_of_any_kind_a_byte_order_mark_and_blank_lines_are_read(path):
    expected = [("a", 'b"c'), ("d", "e,f")]
    text = 'filepath,title\na,b"c\n\nd,"e,f"\n\n\n'
    for end in ("\n", "\r\n", "\r"):
        assert rows(path, text.replace("\n", end)) == expected
    assert rows(path, b"\xef\xbb\xbf" + text.encode()) == expected
    assert rows(path, text.rstrip().encode()) == expected
    assert PairsCsv(path).line_of(1) == 4


@pytest.mark.slow
def test_a_large_file_is_read_in_pieces_whose_rows_keep_their_order_and_lines(path):
    wanted = [(f"images2/n{n}_CH_19.jpg", f"a {'b' * 500}, {n}") for n in range(20_000)]
    write_pairs(path, HEADER[:2], wanted)
    assert len(list(PairsCsv(path).batches())) > 2
    assert list(PairsCsv(path).rows()) == wanted
    assert PairsCsv(path).line_of(19_999) == 20_001


def test_a_caption_is_missing_if_it_is_blank_or_a_null_word():
    captions = ["", " \t", "NA", "nAn", "none", None, " a pond", "a satellite image of null"]
    missing = [None] * 6
    assert null_missing(pa.array(captions)).to_pylist() == [*missing, *captions[6:]]
    assert [caption_or_none(caption) for caption in captions] == [*missing, *captions[6:]]


def test_null_words_are_text_unless_a_command_says_otherwise(path):
    path.write_text("filepath,title\n" + "".join(f"a,{t}\n" for t in ("", " ", "NA", "none")))

    def titles(**options):
        (batch,) = PairsCsv(path).batches(["title"], **options)
        return batch.column(0).to_pylist()

    assert titles() == ["", " ", "NA", "none"]
    assert titles(nulls=NULL_WORDS) == [None, " ", None, "none"]


def test_a_path_that_is_a_null_word_is_refused_where_null_words_are_null(path):
    path.write_text("filepath,title\na,b\nnan,c\n")
    with pytest.raises(InputError, match="line 3 names no image: its 'filepath' is 'nan'"):
        list(PairsCsv(path).batches(nulls=NULL_WORDS))


def test_columns_and_separator_are_the_callers(path):
    assert rows(path, "url\ttext\tx\na\tb\tc\n", ("url", "text"), separator="\t") == [
        ("a", "b", "c")
    ]
    (batch,) = PairsCsv(path, ("url", "text"), "\t").batches(["text", "url"])
    assert batch.to_pylist() == [{"text": "b", "url": "a"}]
    for separator in ("é", '"', "\n"):
        with pytest.raises(InputError, match="cannot separate the columns"):
            PairsCsv(path, ("url", "text"), separator)


def test_rows_are_written_as_pandas_writes_them(path):
    with csv_writer(path, HEADER[:2]) as write:
        write(["a", 'b "c"'])
        write(["d\udce9", "e, f"])
    assert path.read_bytes() == b'filepath,title\na,"b ""c"""\nd\\udce9,"e, f"\n'


def test_the_limit_of_pythons_own_csv_reader_stays_as_it_was(path):
    import stages.classification
    import stages.laion_rs
    import stages.score  # noqa: F401

    rows(path, f"filepath,title\na,{'b' * 200_000}\n")
    assert PairsCsv(path).line_of(0) == 2
    refusal(path, "filepath,title\na\n")
    assert csv.field_size_limit() == 131072
