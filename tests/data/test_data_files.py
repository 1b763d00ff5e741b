"""Folders as data: nothing in them is left out in silence."""

import os

import pytest

from rnncli.data.files import files_of
from rnncli.errors import MachineError


@pytest.mark.parametrize("named", ["", "**", "**/*.txt", "[ac]*", "closed/*.txt", "*/**/t?xt.txt"])
def test_a_folder_in_the_data_that_cannot_be_read_is_told(tmp_path, monkeypatch, named):
    for name in ("a", "closed"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "text.txt").write_text("words\n")
    listed = os.scandir

    def refused(path):
        if str(path).rstrip("/").endswith("closed"):  # as of another user; the tests may run as one who may read all
            raise PermissionError(13, "Permission denied", str(path))
        return listed(path)

    data = str(tmp_path / named)
    assert len(files_of(data)) == 2 - named.startswith("closed")
    for name, closed in (("scandir", refused), ("access", lambda path, mode: not path.endswith("closed"))):
        with monkeypatch.context() as patched:
            patched.setattr(os, name, closed)
            with pytest.raises(MachineError, match=r"closed: cannot be read: permission denied; check its permissions"):
                files_of(data)


def test_a_file_of_one_name_is_found_in_folders_whose_names_cannot_be_read(tmp_path, monkeypatch):
    for name in ("a", "closed"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "text.txt").write_text("words\n")
    assert len(files_of(str(tmp_path / "*/text.txt"))) == 2
    monkeypatch.setattr(os, "access", lambda path, mode: not path.endswith("closed"))
    with pytest.raises(MachineError, match="closed: cannot be read"):
        files_of(str(tmp_path / "*/text.txt"))


def test_a_folder_that_a_pattern_does_not_look_into_may_be_closed(tmp_path, monkeypatch):
    (tmp_path / "a").mkdir()
    (tmp_path / "closed").mkdir()
    (tmp_path / "a/text.txt").write_text("words\n")
    monkeypatch.setattr(os, "access", lambda path, mode: not path.endswith("closed"))
    assert files_of(str(tmp_path / "a/*.txt")) == [str(tmp_path / "a/text.txt")]
    monkeypatch.chdir(tmp_path / "a")
    assert files_of("*.txt") == files_of("**") == ["text.txt"]
