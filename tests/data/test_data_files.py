"""Folders as data: nothing in them is left out in silence."""

import os

import pytest

from rnncli.data.files import files_of
from rnncli.errors import MachineError


def test_a_folder_in_the_data_that_cannot_be_read_is_told(tmp_path, monkeypatch):
    for name in ("a", "closed"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "text.txt").write_text("words\n")
    listed = os.scandir

    def refused(path):
        if str(path).endswith("closed"):  # as of another user; the tests may run as one who may read all
            raise PermissionError(13, "Permission denied", str(path))
        return listed(path)

    assert len(files_of(str(tmp_path))) == 2
    for name, closed in (("scandir", refused), ("access", lambda path, mode: not path.endswith("closed"))):
        with monkeypatch.context() as patched:
            patched.setattr(os, name, closed)
            with pytest.raises(MachineError, match=r"closed: cannot be read: permission denied; check its permissions"):
                files_of(str(tmp_path))
