"""Seventy-eight bad inputs by their number, and the answer that each gets: its exit code, and what is said.

CSV is 1 to 30, text 31 to 38, configs 39 to 51, model and state files 52 to 60, the command line and what surrounds it
61 to 78. What is about one command is tried here, in this process; HELD names the tests that try the others.
"""

from __future__ import annotations

import ast
import os
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
from cli_runs import COMMAND, environment, model_sha256, run, run_command
from conftest import MONTHS, Shelf, write_inputs

from rnncli.config.loading import is_path
from rnncli.config.section import keys_of
from rnncli.config.sections import SECTIONS
from rnncli.tasks.registry import TASKS
from rnncli.workflows.run_directory import RunDirectory

TESTS = Path(__file__).parents[1]
SERIES = [f"{stamp},{50 + i * 7 % 11}" for i, stamp in enumerate(MONTHS)]


def table(*changed: str, header: str = "month,sales", end: str = "\n", rows: Sequence[str] = SERIES) -> str:
    """The series, in which `changed` are the first rows."""
    return end.join([header, *changed, *rows[len(changed) :], ""])


class Row(NamedTuple):
    """A file of this content and name, what is asked of it, the exit code, and what is said."""

    content: str | bytes
    code: int
    said: str
    call: str = "check {name}"
    name: str = "d.csv"


def config(lines: str, code: int, said: str) -> Row:
    return Row(lines, code, said, "check {name} text.txt", "c.yaml")


TASK = "task: language-model\n"
MODEL, RATE = "task: language-model\nmodel: {{{}}}\n", "task: language-model\ntraining: {{learning_rate: {}}}\n"
AS_CONFIG = "check forecast.yaml {name}"
ROWS: dict[int, list[Row]] = {
    1: [Row("", 3, "d.csv: is empty"), Row("", 3, "d.csv: file is empty; need a header and at least", AS_CONFIG)],
    2: [Row(text, 3, "d.csv:1: header but no rows") for text in ("month,sales\n", "month,sales\n\n \n")],
    3: [Row(table(rows=SERIES[:2]), 3, "d.csv: has 2 rows; 1 row before + horizon 4 needs 5", AS_CONFIG)],
    4: [Row("\ufeff" + table(), 0, 'd.csv looks like a table with times in the column "month"')],
    5: [Row(table().encode("utf-16"), 3, "d.csv: looks like UTF-16; convert with iconv or pass --encoding utf-16")],
    6: [Row(table("2001-01,5").replace("2001-03", "caf\xe9").encode("latin-1"), 3, "is not UTF-8", AS_CONFIG)],
    7: [Row(table(end=end), 0, "") for end in ("\r\n", "\r")],
    8: [Row(table("2001-01,5\0"), 3, "d.csv:2: contains a NUL byte; is this a binary file?", AS_CONFIG)],
    9: [
        Row(
            table(header="said,sales", rows=['"a\nb",5', "c,x"]),
            3,
            'd.csv:4: column 2 "sales": "x" is not a number',
            AS_CONFIG + " --set data.target=sales",
        )
    ],
    10: [Row(table('2001-01,"5'), 3, "d.csv:2:9: the quote that opens here is never closed")],
    11: [Row(table('2001-01,"5"6'), 3, "d.csv:2:12: text after the closing quote")],
    12: [
        Row(table("2001-01,5,6"), 3, "d.csv:2: 3 fields, header has 2; correct the line"),
        Row(table("2001-01"), 3, "d.csv:2: 1 field, header has 2"),
        Row(table(*SERIES, "x"), 0, "left out 1 of 121 rows", "check {name} --ragged skip"),
    ],
    13: [Row(table(header="month,month"), 3, 'd.csv:1: columns 1 and 2 are both "month"; rename one')],
    14: [Row(table(header="month,"), 0, 'column 2 has no name; called "column2"')],
    15: [
        Row(table(), 2, 'no column "sale" in d.csv; did you mean "sales"?', AS_CONFIG + " --set data.target=sale"),
    ],
    16: [
        Row(table().replace(",", ";"), 0, 'delimiter ";" detected'),
        Row(table().replace(",", "\t"), 0, 'delimiter "\\t" detected', AS_CONFIG),
        Row(table().replace(",", "|"), 0, 'delimiter "|" detected'),
        Row("a;b|c\n1;2|3\n4;5|6\n", 3, "the delimiter is ambiguous", AS_CONFIG),
    ],
    17: [Row(table(rows=[f'{stamp},"1,5"' for stamp in MONTHS]), 3, "--decimal", AS_CONFIG)],
    18: [Row(table("2001-01,abc"), 3, 'd.csv:2: column 2 "sales": "abc" is not a number', AS_CONFIG)],
    19: [Row(table("2001-01,5", f"2001-02,{cell}"), 3, "d.csv:3: column 2", AS_CONFIG) for cell in ("", "NA", "NaN")],
    20: [Row(table(f"2001-01,{cell}"), 3, "d.csv:2: column 2", AS_CONFIG) for cell in ("inf", "1e309", "-Infinity")],
    21: [Row(table("2001-01,1e308"), 3, "values up to 1e308 overflow float32; rescale", AS_CONFIG)],
    22: [Row(table(f"2001-01,{cell}"), 3, "is not a number", AS_CONFIG) for cell in ("1_000", "٣", "５", "0x1F")],
    23: [
        Row(table(rows=[f"{one},5" for one in SERIES], header="month,sales,price"), 0, "price (constant)"),
        Row(table(rows=[f"{stamp},5" for stamp in MONTHS]), 0, 'column "sales" is constant', AS_CONFIG),
    ],
    24: [
        Row(table(rows=[f"{stamp}," for stamp in MONTHS]), 3, 'column 2 "sales" has no values', AS_CONFIG),
        Row(table(rows=[f"{stamp},NA" for stamp in MONTHS]), 3, "no values", AS_CONFIG + " --missing ffill"),
    ],
    25: [
        # A long text is a text like others, of a classifier say; a field that a quote opens by mistake is row 10.
        Row(table("2001-01," + "x" * 200_000), 3, 'd.csv:2: column 2 "sales": "xxx', AS_CONFIG),
        Row(table('2001-01,"' + "5\n" * 200_000, rows=SERIES[:1]), 3, "d.csv:2:9: the quote that opens here"),
    ],
    26: [Row("sep=,\n" + table(), 3, 'd.csv:1: "sep=," is a spreadsheet\'s hint, not a header; delete the line')],
    27: [
        Row("Report\n\n" + table(), 3, "--skip-rows 2", AS_CONFIG),
        Row(table(*SERIES, "", "a,b,c", "1,2,3"), 3, "3 fields, header has 2", AS_CONFIG),
    ],
    31: [
        Row("", 3, "d.txt: is empty", name="d.txt"),
        Row("aaaa" * 99, 3, "needs at least 2 distinct characters", "check char.yaml {name}", "d.txt"),
    ],
    32: [
        Row(b"ok\n\x81" * 99, 3, "d.txt:2:1: byte 0x81 is not UTF-8", "check char.yaml {name}", "d.txt"),
        Row(b"ok\n\xff" * 99, 0, "d.txt:2: is not UTF-8, so the file is read as cp1252", "check {name}", "d.txt"),
        Row(b"ok\n\x81" * 99, 0, "", "check char.yaml {name} --set data.tokens=byte", "d.txt"),
    ],
    34: [
        Row(
            "".join(map(chr, range(0x20000, 0x20000 + 70_001))) * 2,
            3,
            "70,001 different characters, and a vocabulary 65,535 at most; set data.tokens: byte",
            "check char.yaml {name}",
            "d.txt",
        )
    ],
    39: [
        config("model:\n\tcell: gru\n", 2, "c.yaml:2:1: a tab cannot indent YAML"),
        config("task: a: b\n", 2, "c.yaml:1:8: not valid YAML"),
    ],
    40: [config(TASK + "data: !!python/object/apply:os.system [touch hacked]\n", 2, "c.yaml:2:7: tag")],
    41: [
        config(TASK + "data: &a {}\n", 2, "c.yaml:2:7: anchors are not allowed"),
        config(TASK + "data: *a\n", 2, "c.yaml:2:7: aliases are not allowed"),
        config(TASK + "model: {<<: *m}\n", 2, "c.yaml:2:13: aliases are not allowed"),
    ],
    42: [
        config("a: " + "[" * 2000, 2, "c.yaml:1:24: nested more than 20 levels deep"),
        config("#" * 1_000_001, 2, "c.yaml: larger than 1,000,000 bytes"),
    ],
    43: [config(TASK + "training:\n  seed: 1\n  seed: 2\n", 2, 'c.yaml:4:3: key "seed" is already set on line 3')],
    44: [config(RATE.replace("learning", "lerning").format(1), 2, 'did you mean "learning_rate"?')],
    45: [config(RATE.format("1e-3"), 0, "")],
    46: [
        config(MODEL.format("cell: no"), 2, 'c.yaml:2:15: model.cell is "no"; expected one of'),
        config(MODEL.format("hidden_size: 0100"), 2, "c.yaml:2:22: 0100 has a leading zero, which YAML 1.1 would read"),
        config(MODEL.format("hidden_size: 1:30"), 2, 'c.yaml:2:22: model.hidden_size is "1:30"'),
    ],
    47: [config(RATE.format(value), 2, "c.yaml:2:27: training.learning_rate is") for value in (".nan", ".inf", -1, 0)],
    48: [config(MODEL.format("hidden_size: " + "9" * 5000), 2, "a number of 5,000 digits is too long")],
    49: [
        config("", 2, "the file is empty"),
        config("- task\n", 2, "the file holds a list"),
        config("task: forecast\n---\ntask: forecast\n", 2, "a second document starts here"),
        config(TASK + "null: 1\n", 2, "a key cannot be empty or null"),
    ],
    50: [config("task: language-model\nout: ../../../etc/x\n", 2, 'unknown key "out"')],
    51: [
        config(MODEL.format(f"hidden_size: {10**9}"), 2, "must be at most 65536"),
        config(
            MODEL.format("hidden_size: 65536, num_layers: 64"),
            2,
            "c.yaml:2:22: model.hidden_size 65,536 × 64",
        ),
    ],
}
HELD: dict[int, list[str]] = {
    28: [
        "data/test_data_source.py::test_row_28_a_fifo_is_read_in_a_single_pass",
        "data/test_data_source.py::test_row_28_dev_fd_works_like_process_substitution",
    ],
    30: [
        "data/test_data_source.py::test_row_30_a_file_that_changes_while_it_is_read",
        "tasks/language_model/test_language_model_corpus.py::test_a_large_file_is_not_kept_and_must_stay_the_same",
        "cli/test_cli_resume.py::test_a_run_is_not_resumed_on_changed_data",
    ],
    33: ["tasks/language_model/test_language_model_corpus.py::test_a_large_file_is_not_kept_and_must_stay_the_same"],
    35: [
        "data/test_data_vocabulary.py::test_row_35_unseen_tokens_are_named_with_their_places",
        "cli/test_cli_generate.py::test_what_cannot_be_done_is_refused_in_one_line",
        "cli/test_cli_line_by_line.py::test_a_bad_line_has_an_empty_answer_and_the_others_theirs",
    ],
    36: [
        "data/test_data_text.py::test_row_36_characters_round_trip",
        "data/test_data_text.py::test_row_36_bytes_round_trip_even_when_they_are_not_utf8",
        "data/test_data_vocabulary.py::test_row_36_encode_and_decode_round_trip",
    ],
    37: [
        "cli/test_cli_terminal.py::test_data_never_drives_the_terminal",
        "cli/test_cli_terminal.py::test_generated_text_never_drives_the_terminal",
    ],
    38: ["cli/test_cli_terminal.py::test_data_never_drives_the_terminal"],
    52: ["nn/test_nn_model_file.py::test_truncated_anywhere", "nn/test_nn_model_file.py::test_trailing_garbage"],
    53: ["nn/test_nn_model_file.py::test_a_header_longer_than_the_file"],
    54: [
        "nn/test_nn_model_file.py::test_what_rnncli_did_not_write",
        "nn/test_nn_model_file.py::test_json_that_rnncli_never_writes",
    ],
    55: ["nn/test_nn_model_file.py::test_a_tensor_that_says_something_else"],
    56: ["nn/test_nn_model_file.py::test_weights_that_are_not_finite"],
    57: [
        "nn/test_nn_model_file.py::test_a_flipped_bit_anywhere_in_the_arrays",
        "nn/test_nn_model_file.py::test_a_flipped_bit_anywhere_in_the_header",
    ],
    58: ["nn/test_nn_model_file.py::test_pickles_and_archives_are_named_and_not_opened"],
    59: [
        "nn/test_nn_model_file.py::test_another_format_version",
        "test_models_of_0_1.py::test_a_run_of_version_0_1_answers_as_it_did",
    ],
    60: [
        "nn/test_nn_model_file.py::test_renamed_missing_and_swapped_tensors",
        "nn/test_nn_model_file.py::test_a_name_that_no_text_can_have",
    ],
    62: ["cli/test_cli_generate.py::test_what_cannot_be_done_is_refused_in_one_line"],
    63: ["cli/test_cli_bad_input.py::test_a_mistake_is_one_line"],
    65: [
        "cli/test_cli_bad_input.py::test_a_mistake_is_one_line",
        "cli/test_cli_bad_input.py::test_a_parent_that_cannot_be_written",
    ],
    66: [
        "cli/test_cli_bad_input.py::test_a_full_disk_leaves_the_earlier_model",
        "nn/test_nn_model_file.py::test_a_failing_write_keeps_the_old_file_and_leaves_nothing_else",
    ],
    67: ["cli/test_cli_generate.py::test_an_output_that_cannot_be_written"],
    68: [
        "cli/test_cli_generate.py::test_a_reader_that_leaves_ends_it_in_silence",
        "cli/test_cli_surroundings.py::test_every_command_works_or_says_one_line",
    ],
    69: ["cli/test_cli_terminal.py::test_a_terminal_is_no_data"],
    70: [
        "cli/test_cli_bad_input.py::test_training_in_the_c_locale",
        "cli/test_cli_generate.py::test_output_is_utf_8_in_any_locale",
    ],
    71: [
        "kernels/test_kernels_cache.py::test_nowhere_to_write_means_no_cache",
        "cli/test_cli_surroundings.py::test_every_command_works_or_says_one_line",
    ],
    72: [
        "kernels/test_kernels_cache.py::test_a_folder_that_others_may_write_is_not_used",
        "kernels/test_kernels_kept.py::test_no_changed_byte_is_read_and_the_next_save_heals",
    ],
    73: [
        "kernels/test_kernels_cache.py::test_a_numba_config_in_the_current_folder_is_not_read",
        "cli/test_cli_bad_input.py::test_a_hostile_numba_config_is_not_read",
    ],
    78: ["cli/test_cli_limits.py::test_too_little_memory_to_be_loaded_is_one_line"],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rows")
    write_inputs(path)
    return path


@pytest.mark.parametrize(("number", "k"), [(number, k) for number, rows in ROWS.items() for k in range(len(rows))])
def test_row(number: int, k: int, folder: Path) -> None:
    row = ROWS[number][k]
    content = row.content.encode() if isinstance(row.content, str) else row.content
    (folder / row.name).write_bytes(content)
    began = time.monotonic()
    done = run(*row.call.format(name=row.name).split(), cwd=folder)
    assert done.code == row.code, done
    assert row.said in done.err, done
    assert len(done.errors) == bool(row.code), done
    assert all(len(line) < 500 for line in done.err.splitlines())
    assert time.monotonic() - began < 20
    assert not (folder / "hacked").exists()


def test_row_7_all_line_ends_make_the_same_model(folder: Path) -> None:
    made = set()
    for k, end in enumerate(("\n", "\r\n", "\r")):
        (folder / "ends.csv").write_bytes(table(end=end).encode())
        run("train", "forecast.yaml", "ends.csv", "-q", "-o", f"ends{k}", cwd=folder).ok()
        made.add((folder / f"ends{k}/model.safetensors").read_bytes().partition(b"sha256")[0])
        made.add(run("predict", f"ends{k}", cwd=folder).ok().out.encode())
    assert len(made) == 2


def test_row_29_a_folder_and_a_socket_are_no_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("s.csv")
        assert "is a socket" in run("train", "forecast.yaml", "s.csv", cwd=folder).refused(2)
    os.mkdir("folder.csv")
    for call in ("predict forecast folder.csv", "train forecast.yaml folder.csv", "compress folder.csv"):
        assert run(*call.split(), cwd=folder).code == 2


def test_row_50_no_key_of_a_config_names_a_place_to_write() -> None:
    """Keys that name a file are of files that are read, which may stand anywhere."""
    paths = {
        f"{section}.{key}"
        for task in TASKS.values()
        for section in SECTIONS
        for key, field in keys_of(task.config, section).items()
        if is_path(field)
    }
    assert paths == {f"data.{key}" for key in ("path", "validation", "test", "vectors", "future", "transcripts")}


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("train --zzz", "No such option '--zzz'; see rnncli train --help"),
        ("train text.txt --reume", "No such option '--reume'; did you mean \"--resume\"?"),
        ("generate char --length x", "'x' is not a valid integer"),
        ("trian text.txt", "No such command 'trian'; did you mean \"train\"?"),
        ("train nosuch.txt", "no such file: nosuch.txt"),
        ("predict nosuch", "no such run or model file: nosuch"),
        ("check char.yaml --set training.bptt=0", "training.bptt is 0; must be at least 1"),
    ],
)
def test_row_61_what_is_no_option_number_or_file(call: str, said: str, folder: Path) -> None:
    assert said in run(*call.split(), cwd=folder).refused(2)


def test_row_64_a_run_in_use_names_its_process(folder: Path) -> None:
    held = RunDirectory.create(folder / "held")
    try:
        assert f"held: in use by process {os.getpid()}; wait" in run(
            "train", "char.yaml", "-o", "held", cwd=folder
        ).refused(75)
    finally:
        held.close()


@pytest.mark.long
@pytest.mark.parametrize(
    ("variable", "codes"),
    [("NUMBA_NUM_THREADS=0", (0,)), ("NUMBA_DISABLE_JIT=1", (0,)), ("NUMBA_THREADING_LAYER=zzz", (0, 2))],
)
def test_row_74_variables_of_numba(variable: str, codes: tuple[int, ...], shelf: Shelf) -> None:
    done = run("generate", "char", "-n", "3", cwd=shelf.folder, env=environment(**dict([variable.split("=")])))
    assert done.code in codes, done
    assert len(done.errors) == bool(done.code)
    assert "NUMBA_" in done.err or not done.code


def test_row_75_a_numpy_that_numba_does_not_take(shelf: Shelf, tmp_path: Path) -> None:
    (tmp_path / "numba.py").write_text('raise ImportError("Numba needs NumPy 2.5 or less. Got NumPy 2.6.")\n')
    path = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = run("generate", "char", cwd=shelf.folder, env=environment(PYTHONPATH=path))
    assert done.refused(5) == "Numba needs NumPy 2.5 or less. Got NumPy 2.6."


@pytest.mark.long
def test_row_76_a_module_in_the_current_folder_is_run_by_minus_m_alone(shelf: Shelf, tmp_path: Path) -> None:
    (tmp_path / "numpy.py").write_text('print("planted")\nraise SystemExit(9)\n')
    call = ["generate", str(shelf / "char"), "-n", "3"]
    assert run_command([*COMMAND, *call], cwd=tmp_path).code == 9
    assert run_command([*COMMAND, *call], cwd=tmp_path, env=environment(PYTHONSAFEPATH="1")).ok().out
    script = [sys.executable, "-c", "import sys; sys.path.remove(''); from rnncli.cli import main; main()"]  # no cwd
    assert run_command([*script, *call], cwd=tmp_path).ok().out
    page = (TESTS.parent / "rnncli/docs/output.md").read_text(encoding="utf-8")
    assert "use the `rnncli` script: `python -m rnncli` puts the current folder on Python's path" in page


def test_row_77_a_clock_that_jumps_back_and_a_target_on_another_disk(
    shelf: Shelf, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replaced, now, replace = [], [4e9], os.replace

    def back() -> float:
        now[0] -= 3600
        return now[0]

    def recorded(source: str | Path, target: str | Path, **folders: int) -> None:
        replaced.append((os.path.dirname(source), os.path.dirname(target), *folders.values()))
        replace(source, target, **folders)

    monkeypatch.setattr(time, "time", back)
    monkeypatch.setattr(os, "replace", recorded)
    run("train", "char.yaml", "-o", "run", cwd=place).ok()
    assert model_sha256(place / "run") == model_sha256(shelf / "char")
    assert replaced
    for source, target, *folders in replaced:  # a temporary file is always beside its target
        assert source == target
        assert len({*folders}) <= 1


def names_of(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_every_row_has_its_test() -> None:
    own = {int(name.split("_")[2]) for name in names_of(Path(__file__)) if name.startswith("test_row_")}
    for nodes in HELD.values():
        for node in nodes:
            path, _, name = node.partition("::")
            assert name in names_of(TESTS / path), node
    held = {*ROWS, *HELD, *own}
    sys.stdout.write(f"\nbad inputs by number: {len(held)} of 78 are held by tests\n")
    assert held == {*range(1, 79)}
