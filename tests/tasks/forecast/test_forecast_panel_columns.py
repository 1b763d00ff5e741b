"""Which column is what: named, found by its usual name, found by what is in it; and every contradiction is named."""

import pytest
from panels import read, refused

from rnncli.errors import ConfigError, DataError, UsageError
from rnncli.tasks.forecast.panel_columns import Columns

LONG = "unique_id,ds,y,price\nA,2024-01-01,1,5\nA,2024-01-02,2,6\nB,2024-01-01,3,7\nB,2024-01-02,4,9\n"
WIDE = "date,a,b\n2024-01-01,1,5\n2024-01-02,2,6\n2024-01-03,4,7\n"
ROWS = "id," + ",".join(f"V{i}" for i in range(1, 10)) + "\n" + "A,1,2,3,4,5,6,7,8,9\nB,1,3,2,4,,,,,\n"


def columns_of(text, **data):
    return read(text, **data)[1]


@pytest.mark.parametrize(
    ("identity", "time", "target"),
    [("unique_id", "ds", "y"), ("item_id", "timestamp", "target"), ("series_id", "date", "Y"), ("Item_ID", "DS", "y")],
)
def test_usual_names_of_a_long_table_are_known(identity, time, target):
    notes = []
    table = LONG.replace("unique_id", identity).replace("ds", time).replace("y,", f"{target},")
    panel, columns = read(table, notes)
    assert columns == Columns("long", identity, time, (target,))
    assert panel.values[:, 0].tolist() == [1, 2, 3, 4]
    assert notes == [
        f'the target is "{target}", as its name suggests; columns left out: price; those that help belong in '
        "data.known_covariates, data.past_covariates or data.static; to forecast others: "
        f'--set data.target=\'["{target}", "price"]\''
    ]


def test_the_likelier_of_two_usual_names_is_taken():
    table = "unique_id,t,target,y,ds\nA,20.5,9,1,2024-01-01\nA,21,8,2,2024-01-02\n"
    assert columns_of(table) == Columns("long", "unique_id", "ds", ("y",))


@pytest.mark.parametrize(
    ("header", "target"),
    [
        ("Preis,Absatz", "Absatz"),
        ("Absatz,Umsatz", "Umsatz"),
        ("Promo,Preis", "Preis"),
        ("Rabatt,Verbrauch", "Verbrauch"),
        ("precio,ventas", "ventas"),
        ("prix,quantité", "quantité"),
        ("Temperatur,Besucher", "Besucher"),
        ("Wert,Preis", "Preis"),
        ("price,sales", "sales"),
    ],
)
def test_the_usual_target_is_known_by_its_name_in_several_languages(header, target):
    rows = "".join(f"2024-01-{d:02},{d % 5},{d % 3}\n" for d in range(1, 21))
    notes = []
    assert columns_of(f"Datum,{header}\n{rows}").targets == (target,)
    read(f"Datum,{header}\n{rows}", notes)
    assert [text.split(";")[0] for text in notes] == [f'the target is "{target}", as its name suggests']


def test_any_names_by_config_and_numbers_from_1():
    table = "shop,day,sold\n7,2024-01-01,1\n7,2024-01-02,2\n8,2024-01-01,3\n8,2024-01-02,5\n"
    wanted = Columns("long", "shop", "day", ("sold",))
    assert columns_of(table, id="shop", time="day", target="sold") == wanted
    assert columns_of(table, id=1, time="2", target=3) == wanted
    assert columns_of(table, id=1) == wanted
    assert read(table, id=1)[0].ids == ("7", "8")


def test_years_that_begin_anew_in_each_series_are_its_time():
    table = "land,year,sold\nA,2001,1\nA,2002,2\nB,1999,3\nB,2000,5\nB,2001,6\n"
    panel, columns = read(table, id="land")
    assert (columns.time, columns.targets) == ("year", ("sold",))
    assert [timeline.last for timeline in panel.timelines] == ["2002", "2001"]


def test_a_time_column_in_the_middle_and_one_that_is_a_covariate():
    table = "a,opened,day,b\n1,2020-05-05,2024-01-01,5\n2,2020-05-05,2024-01-02,6\n"
    assert columns_of(table, static=["opened"]).time == "day"
    assert columns_of(table, static="opened").targets == ("a", "b")


def test_words_are_left_out_with_a_note_and_several_numbers_are_targets():
    notes = []
    assert read("d,a,w,b\n2024-01-01,1,x,2\n2024-01-02,2,y,3\n", notes)[1].targets == ("a", "b")
    assert notes == ["columns left out because they are not numbers: w"]


def test_of_several_numbers_the_one_that_its_name_suggests_is_the_target():
    notes = []
    table = "date,promo,price,Sales\n2024-01-01,1,2.5,7\n2024-01-02,0,2.6,9\n"
    assert read(table, notes)[1].targets == ("Sales",)
    assert len(notes) == 1
    assert notes[0].startswith('the target is "Sales", as its name suggests; columns left out: promo, price; ')
    assert notes[0].endswith("""--set data.target='["Sales", "promo"]'""")
    assert columns_of(table, target=["Sales", "promo"]).targets == ("Sales", "promo")
    assert columns_of(table, channels="independent").targets == ("promo", "price", "Sales")


@pytest.mark.parametrize(
    ("data", "left_out"),
    [
        ({"target": "Sales"}, "promo, price, word"),
        ({"target": "Sales", "known_covariates": "promo"}, "price, word"),
        ({"target": ["Sales", "price"], "static": "word", "past_covariates": "promo"}, None),
        ({"target": "Sales", "id": "word"}, "promo, price"),
        ({"target": "Sales", "id": ["word", "promo"]}, "price"),
        ({"target": "Sales", "time": "none"}, "date, promo, price, word"),
    ],
)
def test_columns_that_nothing_reads_are_told_where_the_config_names_the_target(data, left_out):
    notes = []
    read(
        "date,promo,price,word,Sales\n2024-01-01,1,2.5,x,7\n2024-01-02,1,2.6,x,9\n2024-01-03,1,2.6,x,9\n", notes, **data
    )
    told = [note for note in notes if "columns left out" in note]
    assert told == ([] if left_out is None else [f"columns left out, as no key of the config names them: {left_out}"])


def test_what_counts_rows_or_tells_a_calendar_is_no_target():
    rows = "".join(f"{i},2024-01-{i:02},{i % 7},{int(i % 7 > 4)},{i},{i * i}\n" for i in range(1, 16))
    notes = []
    columns = read("point,date,weekday,is_weekend,day,height\n" + rows, notes)[1]
    assert (columns.time, columns.targets) == ("date", ("height",))
    assert notes == [
        "columns left out: point (the number of the row), weekday (of a calendar), is_weekend (of a calendar), day (a "
        "time); name those to forecast in data.target"
    ]
    counted = "".join(f"{i},{i + 7}\n" for i in range(12))
    assert columns_of("n,m\n" + counted).targets == ("m",)
    few = "".join(f"{i},{i + 7}\n" for i in range(5))
    assert columns_of("a,b\n" + few).targets == ("a", "b")


def test_several_targets_of_a_long_table():
    columns = columns_of(LONG, target=["price", "y"])
    assert columns.targets == ("price", "y")
    assert read(LONG, target=["price", "y"])[0].values.tolist() == [[5, 1], [6, 2], [7, 3], [9, 4]]


def test_the_parts_of_covariates():
    table = "ds,y,a,b,c,d\n2024-01-01,1,2,x,3,u\n2024-01-02,2,3,y,3,u\n"
    columns = columns_of(table, target="y", past_covariates=["a"], known_covariates=4, static=["c", "d"])
    assert columns == Columns("wide", None, "ds", ("y",), ("a",), ("b",), ("c", "d"), ("b", "d"))


def test_a_covariate_that_is_almost_numbers_is_read_as_words_with_a_note():
    notes = []
    assert read("ds,y,a\n2024-01-01,1,2\n2024-01-02,2,1x\n", notes, past_covariates="a")[1].words == ("a",)
    assert notes == ['d.csv:3: the column "a" is read as words, because "1x" is not a number']


def test_a_row_for_each_series_is_seen():
    notes = []
    assert read(ROWS, notes)[1] == Columns("rows", "id", None, ("value",))
    assert notes == ['a series in each row, named by the column "id"']
    assert columns_of("V0,id\n1,A\n2,B\n3,C\n", layout="rows", id=2).id == "id"


def test_a_row_for_each_series_is_not_seen_where_the_names_repeat_or_are_times():
    assert columns_of(ROWS.replace("B,1", "A,1").replace(",,,,,", ",1,1,1,1,1")).layout == "wide"
    stamps = ROWS.replace("A,", "2024-01-01,").replace("B,1,3,2,4,,,,,", "2024-01-02,1,3,2,4,2,2,2,2,1")
    assert columns_of(stamps).layout == "wide"


def test_rows_without_a_header_lose_no_series():
    panel, _ = read("Y1,5172.1,5133.5,5186.9,5084.6,5182,5414.3,5576.2,5752.9\nY2,1,2,3,4,5,6,7,8\n", layout="rows")
    assert panel.ids == ("Y1", "Y2")
    assert panel.lengths.tolist() == [8, 8]
    assert panel.values[0, 0] == 5172.1


@pytest.mark.parametrize("layout", [None, "rows"])
def test_a_file_of_rows_without_a_header_is_refused_before_it_loses_a_series(layout):
    assert refused(DataError, read, "Y1,12,15,11,9,8,7,4,3\nY2,1,2,3,4,5,6,7,8\n", layout=layout) == (
        "d.csv:1: the first line holds values, and would be lost as a header; "
        "--set data.header=false, or write a header above it, such as id,1,2,3"
    )


def test_years_may_be_the_names_of_steps():
    assert columns_of("land,2001,2002,2003\nA,1,2,3\nB,4,5,6\n", layout="rows").layout == "rows"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ({"layout": "long"}, "data.layout: is long, and nothing says which series a row is of; name the column"),
        ({"layout": "wide", "id": "a"}, "data.id: tells apart series one under another; data.layout is wide, so"),
        ({"target": "a", "known_covariates": ["a"]}, 'data: the column "a" is a target and a known covariate; name'),
        ({"target": ["a", 2]}, 'data.target: names the column "a" twice; name it once'),
        ({"static": ["b", 3]}, 'data.static: names the column "b" twice; name it once'),
        ({"id": "a", "target": "a"}, 'data: the column "a" is the id column and a target; name another'),
        ({"time": "date", "static": "date"}, 'data: the column "date" is the time column and static; name another'),
        ({"layout": "rows", "target": "a"}, "data.target: with a series in each row (data.layout: rows) no column"),
        ({"layout": "rows", "static": "a"}, "data.static: with a series in each row (data.layout: rows) no column"),
    ],
)
def test_contradictions_are_named(data, why):
    assert refused(ConfigError, read, WIDE, **data).startswith(why)


def test_a_column_that_there_is_none_of():
    assert refused(UsageError, read, WIDE, known_covariates="dat") == (
        'no column "dat" in d.csv; did you mean "date"? columns: "date", "a", "b"'
    )
    assert "no column 9 in d.csv, which has 3" in refused(UsageError, read, WIDE, target=9)


def test_a_usual_target_with_an_odd_cell_is_not_passed_over():
    table = 'unique_id,ds,y,x\nA,2024-01-01,"1,5",5\nA,2024-01-02,"2,5",6\n'
    assert refused(DataError, read, table) == (
        'd.csv:2: column 3 "y": "1,5" is not a number; if "," is the decimal sign, pass --decimal ,'
    )
    panel, _ = read(table.replace(",", ";").replace('1;5"', '1,5"').replace('2;5"', '2,5"'), decimal=",")
    assert panel.values[:, 0].tolist() == [1.5, 2.5]


def test_decimal_commas_are_explained_also_beside_columns_of_whole_numbers():
    table = "date;a;b\n2024-01-01;1;1,5\n2024-01-02;3;2,5\n"
    assert "--decimal ," in refused(DataError, read, table)
    assert read(table, decimal=",")[0].values.tolist() == [[1, 1.5], [3, 2.5]]


def test_a_column_of_which_most_are_numbers_is_meant_as_numbers():
    assert refused(DataError, read, "date,a,b\n2024-01-01,1,1\n2024-01-02,3,oops\n2024-01-03,3,4\n") == (
        'd.csv:3: column 3 "b": "oops" is not a number'
    )


def test_a_column_of_which_most_have_a_sign_is_meant_as_numbers():
    table = "date;a;b\n2024-01-01;1;1 €\n2024-01-02;3;{}\n2024-01-03;3;4 €\n2024-01-04;3;5 €\n"
    assert refused(DataError, read, table.format("k.A.")) == 'd.csv:3: column 3 "b": "k.A." is not a number'
    panel, columns = read(table.format("- €"), missing="mask")
    assert (columns.targets, columns.signs) == (("a", "b"), {"b": "€"})
    assert panel.known[:, 1].tolist() == [True, False, True, True]


def test_nothing_to_forecast():
    assert refused(DataError, read, "date,a,b\n2024-01-01,x,y\n2024-01-02,x,y\n") == (
        "d.csv: no column is numeric throughout; name the one to forecast with --set data.target=NAME "
        '(columns: "date", "a", "b"), or another task, such as --set task=classify'
    )
    assert refused(DataError, read, WIDE.replace(",1", ",").replace(",2,", ",,").replace(",4,", ",,"), target="a") == (
        'd.csv: column 2 "a" has no values'
    )


def test_a_covariate_without_a_value_is_refused():
    table = "date,y,promo\n2024-01-01,1,\n2024-01-02,2,\n"
    assert refused(DataError, read, table, known_covariates="promo") == 'd.csv: column 3 "promo" has no values'


@pytest.mark.parametrize("named", ["b", "2"])
def test_a_model_says_which_of_its_columns_is_not_there(named):
    """A name of digits is no number of a column here."""
    columns = Columns("wide", None, "date", (named,))
    message = refused(UsageError, read, WIDE.replace("b", "c"), columns=columns)
    assert message == (f'no column "{named}" in d.csv; columns: "date", "a", "c"; the forecast needs it')


def test_columns_go_through_a_model_file():
    columns = Columns("long", "i", "t", ("y", "z"), ("p",), ("a",), ("s",), ("s",))
    assert Columns.from_header(columns.to_header()) == columns


def shops(*more, days=10):
    """A table of two shops, one under another by day, with the cells of `more` columns by the number of the shop."""
    names, cells = [name for name, _ in more], [cell for _, cell in more]
    rows = (
        [f"2024-01-{day + 1:02}", *(cell(shop, day) for cell in cells), str(20 * shop + day)]
        for day in range(days)
        for shop in (0, 1)
    )
    return "\n".join(map(",".join, [["date", *names, "sold"], *rows])) + "\n"


SHOP = ("shop", lambda shop, day: "ab"[shop])
NUMBER = ("number", lambda shop, day: "17"[shop])
TOWN = ("town", lambda shop, day: ("Bonn", "Ulm")[shop])
WHO = ("who", lambda shop, day: "xy"[(shop + day // 5) % 2])  # who change places
PROMO = ("promo", lambda shop, day: str(day % 2))
PRICE = ("price", lambda shop, day: f"{shop + 1}.{day}")


@pytest.mark.parametrize(
    ("more", "key"),
    [
        ([SHOP], "shop"),
        ([PRICE, PROMO, SHOP], "shop"),
        ([NUMBER, PROMO], "number"),
        ([NUMBER, TOWN], "town"),
        ([SHOP, TOWN], "shop"),
    ],
)
def test_the_column_that_alone_tells_rows_of_one_time_apart_names_the_series(more, key):
    notes = []
    panel, columns = read(shops(*more), notes, target="sold")
    assert (columns.layout, columns.id, columns.time) == ("long", key, "date")
    assert panel.values[:, 0].tolist() == [*range(10), *range(20, 30)]
    assert sum("tells rows of one time apart" in note for note in notes) == 1
    assert read(shops(SHOP, NUMBER))[1].targets == ("sold",)


@pytest.mark.parametrize("more", [[], [PRICE], [PROMO], [SHOP, WHO]])
def test_where_no_column_plainly_names_the_series_rows_of_one_time_are_refused(more):
    with pytest.raises(DataError, match="occurs twice"):
        read(shops(*more), target="sold")


def test_a_column_of_words_beside_one_time_that_occurs_twice_names_no_series():
    table = "date,state,y\n" + "".join(
        f"2024-01-{day + 1:02},{'last' if day else 'first'},{day}\n" for day in range(12)
    )
    with pytest.raises(DataError, match="occurs twice"):
        read(table.replace("date,state,y\n", "date,state,y\n2024-01-01,last,0\n"))


@pytest.mark.parametrize("data", [{"duplicates": "sum"}, {"layout": "wide", "duplicates": "mean"}])
def test_rows_that_are_to_be_merged_are_told_apart_by_nothing(data):
    assert read(shops(SHOP), target="sold", **data)[1].layout == "wide"
