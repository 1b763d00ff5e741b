"""Rows 1 to 16 and 25 to 27 of the table of bad inputs: what becomes of a CSV file."""

from __future__ import annotations

import csv
import io
import re
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from rnncli.data.csv_table import Table, read_table
from rnncli.data.numeric import column_index, numeric_column
from rnncli.data.source import Source
from rnncli.data.table_header import are_units, by_place
from rnncli.errors import DataError, RnncliError, UsageError, shown
from rnncli.notes import noting


def read(content: str | bytes, **options) -> tuple[Table, list[str]]:
    """The table in `content`, and the notes made on the way."""
    data = content.encode() if isinstance(content, str) else content
    notes: list[str] = []
    with noting(notes.append):
        return read_table(Source("d.csv", data), **options), notes


def refused(content: str | bytes, **options) -> str:
    with pytest.raises(DataError) as caught:
        read(content, **options)
    assert caught.value.exit_code == 3
    return str(caught.value)


def test_a_plain_table():
    table, notes = read("date,temp\n2020,1.5\n2021,2.5\n")
    assert table == Table("d.csv", ["date", "temp"], [["2020", "1.5"], ["2021", "2.5"]], [2, 3], ",")
    assert notes == []


@pytest.mark.parametrize("content", ["", "\n\n", " \r\n", "\ufeff", '" "'])
def test_row_1_an_empty_file(content):
    assert refused(content) == "d.csv: file is empty; need a header and at least 2 rows"


def test_row_2_a_header_without_rows():
    assert refused("a,b\n") == "d.csv:1: header but no rows; add data below it"


def test_row_3_the_rows_are_there_to_be_counted():
    assert len(read("a\n1\n")[0].rows) == 1  # whether they suffice is the task's to say


def test_row_4_the_mark_is_no_part_of_the_first_name():
    assert read(b"\xef\xbb\xbfa,b\n1,2\n")[0].header == ["a", "b"]


def test_row_5_utf16():
    content = "a,b\n1,2\n".encode("utf-16")
    assert "looks like UTF-16" in refused(content)
    assert read(content, encoding="utf-16")[0].rows == [["1", "2"]]


def test_row_6_a_latin1_byte():
    content = b"a,b\n1,2\n1,2\nMontr\xe9al,2\n"
    assert refused(content) == "d.csv:4:6: byte 0xE9 is not UTF-8; pass --encoding latin-1"
    assert read(content, encoding="latin-1")[0].rows[2] == ["Montréal", "2"]


@pytest.mark.parametrize("ends", [["\r\n"], ["\r"], ["\r\n", "\n", "\r"]], ids=["CRLF", "CR", "mixed"])
def test_row_7_line_ends_do_not_matter(ends):
    lines = ["a,b", '1,"x', 'y"', "2,z", "", "3,w", ""]
    other = "".join(line + ends[i % len(ends)] for i, line in enumerate(lines))
    expected, _ = read("\n".join(lines))
    table, _ = read(other)
    assert table == expected
    assert numeric_column(table, 0).tobytes() == numeric_column(expected, 0).tobytes()
    assert table.lines == [2, 4, 6]


def test_row_8_a_nul_byte():
    assert refused(b"a,b\n1,\x002\n") == "d.csv:2: contains a NUL byte; is this a binary file?"


def test_row_9_a_newline_inside_quotes_keeps_line_numbers_physical():
    table, _ = read('a,b\n1,"x\n\ny"\n2,z\n')
    assert table.rows == [["1", "x\n\ny"], ["2", "z"]]
    assert table.lines == [2, 5]
    assert refused('a,b\n1,"x\n\ny"\n2\n').startswith("d.csv:5: 1 field,")


def test_row_10_an_open_quote_is_named_where_it_opened():
    expected = (
        "d.csv:3:3: the quote that opens here is never closed; close it or remove it, or, if quotes are part of the "
        "text, --quoting none"
    )
    assert refused('a,b\n1,2\n3,"x\n4,5\n') == expected
    assert refused('a,b\n1,2\n3,"x\n' + "4,5\n" * 100_000) == expected  # beyond the limit of a field
    assert refused('a,b\n1,2\n3,"x""\n') == expected


def test_row_11_text_after_a_closing_quote():
    assert refused('a,b\n1,"x"y\n') == (
        "d.csv:2:6: text after the closing quote of the field that opens on line 2, column 3; "
        'write a quote inside a field as "", or, if quotes are part of the text, --quoting none'
    )
    assert refused('a,b\n"p",2\n1,"x\n3,4\n5,"y"\n').startswith("d.csv:5:4: text after the closing quote")


@pytest.mark.parametrize(("row", "count"), [("1,2,3", "3 fields"), ("1", "1 field"), ("1,2,3,4,5", "5 fields")])
def test_row_12_a_ragged_row(row, count):
    content = "a,b,c,d\n" + "1,2,3,4\n" * 15 + row + "\n1,2,3,4\n"
    assert refused(content).startswith(f"d.csv:17: {count}, header has 4; correct the line")
    table, notes = read(content, ragged="skip")
    assert len(table.rows) == 16
    assert table.lines[-2:] == [16, 18]
    assert notes == ["left out 1 of 17 rows without 4 fields, the first on line 17"]
    assert "header but no rows" in refused("a,b\n1\n2\n", ragged="skip")


def test_row_13_duplicate_names():
    assert refused("date,temp,x,y,temp\n1,2,3,4,5\n") == ('d.csv:1: columns 2 and 5 are both "temp"; rename one')
    assert "columns 1 and 2 are both" in refused("column2,\n1,2\n")


def test_row_14_a_column_without_a_name():
    table, notes = read("a,b, \n1,2,3\n")
    assert table.header == ["a", "b", "column3"]
    assert notes == ['column 3 has no name; called "column3"']


@pytest.mark.parametrize(("sign", "said"), [(";", ";"), ("\t", "\\t"), ("|", "|")])
def test_row_16_other_delimiters_are_detected_and_said(sign, said):
    rows = "".join(f'2020{sign}"a{sign},b"{sign}{i}\n' for i in range(9))
    table, notes = read(f"date{sign}name{sign}value\n{rows}")
    assert table.delimiter == sign
    assert table.rows[0] == ["2020", f"a{sign},b", "0"]
    assert notes == [f'delimiter "{said}" detected']


def test_row_16_a_declared_delimiter_is_not_mentioned():
    for delimiter in ("\t", "tab", "\\t"):
        table, notes = read("a\tb\n1\t2\n", delimiter=delimiter)
        assert (table.delimiter, notes) == ("\t", [])
    assert read("a;b\n1;2\n", delimiter=",")[0].header == ["a;b"]
    for impossible in ("", ";;", '"', "\n"):
        with pytest.raises(UsageError, match="--delimiter"):
            read("a\n1\n", delimiter=impossible)


def test_row_16_an_ambiguous_delimiter():
    content = "a;b|c;d\n1;2|3;4\n"
    assert refused(content) == (
        'd.csv: the delimiter is ambiguous: ";" gives 3 columns, "|" gives 2 columns; pass --delimiter'
    )
    assert read(content, delimiter="|")[0].header == ["a;b", "c;d"]


def test_row_16_a_comma_that_fits_wins():
    table, notes = read("a,b;c\n1,2;3\n")
    assert (table.delimiter, notes) == (",", [])


def test_row_17_decimal_commas_do_not_look_like_a_delimiter():
    assert read("date;temp\n2020-01;1,5\n2020-02;2,5\n")[0].delimiter == ";"
    assert read("1,5;2,5\n3,5;4,5\n", decimal=",")[0].rows[1] == ["3,5", "4,5"]


def test_one_column_needs_no_delimiter():
    table, notes = read('v\n1\n\n2\n""\n')
    assert (table.rows, table.lines, notes) == ([["1"], ["2"], [""]], [2, 4, 5], [])


LABELLED = [f"{label},text {i}" for i, label in enumerate(["good", "bad"] * 6)]


@pytest.mark.parametrize("first", ["good,all is well", "bad,the first"])
def test_a_first_line_with_a_label_that_stands_below_is_data(first):
    table, notes = read("\n".join([first, *LABELLED]))
    assert (table.headed, len(table.rows), table.rows[0]) == (False, 13, first.split(","))
    assert notes == ["the first line holds values, so it is data; the columns are called column1 to column2"]


@pytest.mark.parametrize("first", ["mood,opinion", "label,text", "good,text"])
def test_a_first_line_of_names_is_a_header(first):
    table, notes = read("\n".join([first, *LABELLED]))
    assert (table.headed, table.header, len(table.rows), notes) == (True, first.split(","), 12, [])


def test_a_word_of_a_text_that_is_also_a_name_makes_no_example_of_the_header():
    rows = [f"{word},{kind}" for word, kind in [("wort", "N"), ("wort", "N"), ("und", "C"), ("so", "A"), ("da", "A")]]
    assert read("\n".join(["wort,wortart", *rows]))[0].headed


def test_a_name_that_the_config_gives_makes_the_first_line_a_header():
    rows = [f"{'spam' if i % 3 else 'ham'},text {i}" for i in range(30)]
    assert read("\n".join(["spam,text", *rows]), named=["spam"])[0].headed
    assert read("\n".join(["spam,a text", *rows]))[0].headed is False
    table, notes = read("\n".join(["label,text", *rows]), named=[1])
    assert table.headed
    assert notes == ['the first line, "label,text", names the columns; if not, --set data.header=false']


@pytest.mark.parametrize("count", [40, 100])
def test_a_first_line_with_one_of_many_labels_is_data(count):
    rows = [f"topic{i % count},text {i}" for i in range(10 * count)]
    assert len(read("\n".join(rows))[0].rows) == 10 * count


@pytest.mark.parametrize("first", ["0.911,-0.2,topic25", "-3,4,topic25", "0.911,topic25,7"])
def test_a_first_line_with_a_measure_is_data(first):
    assert not read("\n".join([first, *(f"{i}.5,{i},topic{i}" for i in range(20))]))[0].headed


@pytest.mark.parametrize("first", ["label,400.0,400.5,401", "year,2019,2020,2021", "t,a,b,c"])
def test_numbers_that_rise_may_be_names(first):
    assert read("\n".join([first, *(f"x{i},{i}.5,{i},{i}" for i in range(20))]))[0].headed


def test_a_header_that_is_repeated_is_still_one():
    assert read("\n".join(["mood,opinion", *LABELLED, "mood,opinion", *LABELLED, "mood,opinion"]))[0].headed


@pytest.mark.parametrize("header", [True, False])
def test_data_header_overrules_what_the_first_line_looks_like(header):
    for first in ("good,all is well", "mood,opinion"):
        table, notes = read("\n".join([first, *LABELLED]), header=header)
        assert (table.headed, len(table.rows), notes) == (header, 12 if header else 13, [])
        assert table.header == (first.split(",") if header else ["column1", "column2"])


def test_a_first_line_of_numbers_is_data():
    table, notes = read("1,2\n3,4\n")
    assert table.header == ["column1", "column2"]
    assert table.rows == [["1", "2"], ["3", "4"]]
    assert notes == ["the first line holds values, so it is data; the columns are called column1 to column2"]


@pytest.mark.parametrize("stamp", ["2020-01-01T10:00+01:00", "12/31/2020 10:00-0530", "2020-01-01 10:00Z", "2020-01"])
def test_a_first_line_of_a_time_and_a_number_is_data(stamp):
    assert read(f"{stamp},2\n{stamp},4\n")[0].header == ["column1", "column2"]


@pytest.mark.parametrize("size", [131_072, 131_073, 345_000])
def test_row_25_a_huge_field(size):
    assert len(read("a\n" + "x" * size + "\n")[0].rows[0][0]) == size
    assert len(read('a\n1\n"' + "x" * size + '"\n')[0].rows[1][0]) == size
    assert refused('a\n1\n"' + "x\n" * size).startswith("d.csv:3:1: the quote that opens here is never closed")


QUOTES = "label\ttext\n" + "".join(
    f"{'ab'[k % 2]}\t" + ('"a start' if k in (3, 7) else f'say "{k}"') + "\n" for k in range(10)
)


def test_in_a_tsv_quotes_are_part_of_the_text():
    source = Source("d.tsv", QUOTES.encode())
    with noting(lambda text: None):
        rows = read_table(source).rows
        kept = read_table(Source("d.csv", QUOTES.encode()), quoting="none").rows
    assert len(rows) == 10
    assert rows == kept
    assert (rows[3], rows[4]) == (["b", '"a start'], ["a", 'say "4"'])


def test_quotes_that_swallow_rows_are_told():
    rows = [f"{'ab'[k % 2]},text {k}" for k in range(10)]
    rows[3], rows[7] = 'b,"a start', 'b,an end"'
    table, notes = read("\n".join(["label,text", *rows]) + "\n")
    assert len(table.rows) == 6
    assert notes == [
        "line breaks within quotes in 1 of 6 rows, the first on line 5; if quotes are part of the text there, "
        "--quoting none"
    ]
    assert len(read("\n".join(["label,text", *rows]) + "\n", quoting="none")[0].rows) == 10
    table, notes = read('a,b\n1,"two\nlines"\n2,x\n')
    assert "the first on line 2" in notes[0]
    with noting(lambda text: None):
        quoted = read_table(Source("d.tsv", b'a\tb\n1\t"x\ty"\n'), quoting="minimal")
    assert quoted.rows == [["1", "x\ty"]]


def test_row_26_a_spreadsheets_separator_line():
    content = "sep=;\na;b\n1;2\n"
    assert refused(content) == (
        'd.csv:1: "sep=;" is a spreadsheet\'s hint, not a header; delete the line or pass --skip-rows 1'
    )
    assert read(content, skip_rows=1)[0].header == ["a", "b"]


def test_row_27_a_preamble():
    content = "Report of,2020\n\nid,name,v\n1,a,2\n3,b,4\n"
    message = refused(content)
    assert message.startswith("d.csv:3: 3 fields, header has 2; ")
    assert "--skip-rows N if the header is not on line 1" in message
    table, _ = read(content, skip_rows=2)
    assert (table.header, table.lines) == (["id", "name", "v"], [4, 5])


@pytest.mark.parametrize("units", ["", ",€,count\n", "day,EUR,\n"])
@pytest.mark.parametrize(
    ("titles", "count"),
    [("Report\n\n", 2), ("Report,,\n", 1), (",Report of,2020\n", 1), ("Report,,\nNorth,,\n", 2), (",,\nReport\n", 2)],
)
def test_row_27_titles_above_the_header_are_counted(titles, count, units):
    content = f"{titles}date,sales,visitors\n{units}2020-01-01,1,2\n2020-01-02,3,4\n"
    assert refused(content).endswith(
        f"looks like a title above the names of the columns on line {count + 1}; pass --skip-rows {count}, or "
        "--set data.header=true if it holds their names"
    )
    table, _ = read(content, skip_rows=count)
    assert (table.header, len(table.rows)) == (["date", "sales", "visitors"], 2)
    assert read(content, header=True, ragged="keep")[0].header[0] in ("Report", "column1")


@pytest.mark.parametrize(
    ("header", "second"),
    [
        ("date,,visitors", "2020-01-01,1,2"),
        ("date,,", "day,EUR,"),
        ("day,,", "Monday,1,2"),
        (",sales,", "Anna,3,4"),
        ("text,,", "Anna,met,Bob"),
        ("date,,", "1,2,3\nx,y,z"),
    ],
)
def test_a_header_that_lacks_names_is_no_title(header, second):
    assert read(f"{header}\n{second}\nTuesday,3,4\nBob,is,old\n")[0].header[0] in ("date", "day", "column1", "text")


def test_a_header_of_which_the_user_names_a_column_is_no_title():
    content = "date,,\nof day,EUR,count\n2020-01-01,1,2\n2020-01-02,3,4\n"
    assert "--skip-rows 1" in refused(content)
    assert read(content, named=["date"])[0].header == ["date", "column2", "column3"]


@pytest.mark.parametrize(("above", "skip_rows"), [("", 1), ("", 4), ("Report\n", 2), ("Report\n\n", 5)])
@pytest.mark.parametrize("header", [None, True])
def test_a_header_that_skip_rows_leaves_out_is_found_by_the_names_that_are_known(above, skip_rows, header):
    content = f'{above}"date",sales\n' + "".join(f"2020-01-0{day},{day}\n" for day in range(1, 9))
    right, options = above.count("\n"), {"named": ["date"], "header": header}
    assert refused(content, skip_rows=skip_rows, **options) == (
        f'd.csv:{right + 1}: names the column "date", and is left out by data.skip_rows, which is {skip_rows}; pass '
        f"--skip-rows {right}"
    )
    assert read(content, skip_rows=right, **options)[0].header == ["date", "sales"]
    assert read(content, skip_rows=skip_rows)[0].header == ["column1", "column2"]
    assert read(content, skip_rows=skip_rows, named=["date"], header=False)[0].header == ["column1", "column2"]


def test_row_27_a_second_table():
    assert refused("a,b\n1,2\n\nx,y,z\n1,2,3\n").startswith("d.csv:4: 3 fields, header has 2")


def test_a_footer_is_left_out_and_said():
    table, notes = read("a,b\n1,2\n3,4\nTotal,6\n\nSource: us\n", skip_footer=2)
    assert (table.rows, table.lines) == ([["1", "2"], ["3", "4"]], [2, 3])
    assert notes == ['left out the last 2 rows, from line 4: "Total,6"']
    assert "header but no rows" in refused("a,b\n1,2\n3,4\n", skip_footer=2)


@pytest.mark.parametrize(
    ("comments", "delimiter"),
    [
        ("# exported by a shop\n# on Monday\n", ","),
        ("#\n", ";"),
        ("#group,false,true\n#datatype,string,long\n#default,,\n", ","),
    ],
)
def test_comments_above_the_header_are_left_out_and_said(comments, delimiter):
    table, notes = read(comments + "a,b,c\n1,2,3\n4,5,6\n".replace(",", delimiter))
    count = comments.count("\n")
    assert (table.header, table.rows, table.lines) == (
        ["a", "b", "c"],
        [["1", "2", "3"], ["4", "5", "6"]],
        [count + 2, count + 3],
    )
    assert f"left out the first {count} lines, which are comments" in notes


def test_a_header_behind_a_hash_is_a_header():
    table, notes = read("#date,temp\n2020,1.5\n2021,2.5\n")
    assert (table.header, notes) == (["#date", "temp"], [])


@pytest.mark.parametrize("units", ["(UTC),MW,°C", "yyyy,kW/h,%", ",[m³],-", "date,USD,mean"])
def test_a_row_of_units_is_left_out_and_said(units):
    table, notes = read(f"date,load,temp\n{units}\n2020-01-01,1.5,3\n2020-01-02,2.5,4\n")
    assert table.rows == [["2020-01-01", "1.5", "3"], ["2020-01-02", "2.5", "4"]]
    assert table.lines == [3, 4]
    assert notes == [f"left out line 2, which holds units: {shown(units)}"]


@pytest.mark.parametrize(
    "first", ["2020-01-01,MW,4", "2020-01-01,NA,4", "a,unknown,4", "a,b,4", "a,NA,NA", "a,a sentence of words,x"]
)
def test_a_row_that_may_be_data_stays(first):
    table, notes = read(f"date,load,temp\n{first}\n2020-01-02,1.5,3\n2020-01-03,2.5,4\n")
    assert len(table.rows) == 3
    assert notes == []


def test_a_first_row_with_words_that_come_again_is_data():
    table, notes = read("A,2023-01-01,5\nA,2023-01-02,6\nB,2023-01-01,7\n")
    assert (table.header, len(table.rows)) == (["column1", "column2", "column3"], 3)
    assert "the first line holds values, so it is data; the columns are called column1 to column3" in notes
    assert read("5.1,3.5,setosa\n4.9,3.0,setosa\n7.0,3.2,virginica\n")[0].rows[0] == ["5.1", "3.5", "setosa"]


@pytest.mark.parametrize(
    "content",
    ["id,2020,2021\na,1,2\nb,3,4\n", "site,2020-01,2020-02\nsites,1,2\n", "A,5\nA,b\nA,c\n", "x,y\nx,1\ny,2\n"],
)
def test_a_header_of_years_or_with_a_word_of_the_data_stays_one(content):
    assert read(content)[0].header == content.split("\n")[0].split(",")


def test_skipping_too_much_or_too_little():
    assert "file is empty" in refused("a,b\n1,2\n", skip_rows=9)
    with pytest.raises(UsageError, match="cannot be negative"):
        read("a,b\n1,2\n", skip_rows=-1)


@given(st.binary(), st.integers(0, 3), st.sampled_from(["refuse", "skip"]))
@example(b'a,b\n1,"', 0, "refuse")
def test_any_bytes_are_a_table_or_our_own_error(content, skip_rows, ragged):
    with suppress(RnncliError):
        read(content, skip_rows=skip_rows, ragged=ragged)


@given(st.text('a1.,;|\t" \n\r-'), st.sampled_from([None, ",", ";", "x"]))
def test_text_full_of_signs_is_a_table_or_our_own_error(content, delimiter):
    with suppress(RnncliError):
        table, _ = read(content, delimiter=delimiter)
        assert all(len(row) == len(table.header) for row in table.rows)
        assert len(table.lines) == len(table.rows)
        assert table.lines == sorted(set(table.lines))


CELLS = st.text(st.sampled_from('ab1,;"\n |'), max_size=6)


TABLES = st.integers(2, 4).flatmap(lambda width: st.lists(st.tuples(*[CELLS] * width).map(list), min_size=1))


@given(TABLES)
def test_what_the_csv_module_writes_is_read_back(rows):
    width = len(rows[0])
    assume(not are_units(list(enumerate(rows)), width))  # a row of units is left out
    written = io.StringIO()
    csv.writer(written).writerows([[f"name{i}" for i in range(width)], *rows])
    table, _ = read(written.getvalue(), delimiter=",")
    assert table.rows == rows
    lengths = [1 + sum(cell.count("\n") for cell in row) for row in rows]
    assert table.lines == [2 + sum(lengths[:i]) for i in range(len(rows))]


def test_ten_thousand_rows_are_read_as_they_are():
    rows = np.arange(10_000)
    table, _ = read("t,a,b\n" + "".join(f"{i},{-i / 8:.3f},1e-3\n" for i in rows))
    for index, wanted in enumerate((rows, -rows / 8, np.full(len(rows), 1e-3))):
        assert np.array_equal(numeric_column(table, index), wanted)


@pytest.mark.parametrize("count", [5, 60])
def test_a_sentence_and_a_number_above_others_are_data(count):
    rows = "".join(f"what is {i} plus 4 ?\t{i + 4}\n" for i in range(count))
    assert read_table(Source("q.tsv", rows.encode())).headed is False
    for names in ("question\t7\n", "the question\t2019\n", "what he asked\tanswer\n"):
        assert read_table(Source("q.tsv", (names + rows).encode())).headed is True


@pytest.mark.parametrize(("mark", "option"), [(",", ","), (";", "';'"), ("\t", "tab"), ("|", "'|'")])
def test_a_column_that_another_delimiter_would_give_is_refused_with_it(mark, option):
    rows = "".join(f"a{mark}{i}\n" for i in range(9))
    own = ";" if mark == "," else ","
    table = read_table(Source("d.csv", f"shop{mark}sold\n{rows}".encode()), delimiter=own)
    with pytest.raises(UsageError, match=re.escape(f"separated otherwise: --delimiter {option}") + "$"):
        column_index(table, "sold")
    table = read_table(Source("d.csv", b"shop\nbread, milk\nwine\n"), delimiter=";")
    with pytest.raises(UsageError, match=r'columns: "shop"$'):
        column_index(table, "sold")


@pytest.mark.parametrize(
    ("header", "wanted", "found"),
    [
        ("day y", "column1 column2", "column1 column2"),
        ("day x y", "column1 column3", "column1 column2 column3"),
        ("day y z", "column1 column2", None),  # of which the third may be what is read
        ("y", "column1 column2", None),
        ("day y", "day y", None),
        ("column2 y", "column1 column2", None),
    ],
)
def test_columns_go_by_their_places_where_the_training_data_had_as_many_and_no_names(header, wanted, found):
    assert by_place(header.split(), wanted.split()) == (found and found.split())
