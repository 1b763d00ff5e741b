"""Where the results of compress, decompress and export go."""

from pathlib import Path

import pytest

from rnncli.errors import UsageError
from rnncli.ui.coded import target, write_folder


def test_a_link_is_followed_only_where_the_user_named_it(tmp_path: Path) -> None:
    link = tmp_path / "photo"
    link.symlink_to(tmp_path / "profile")  # which does not exist
    with pytest.raises(UsageError, match="photo: exists, and is left as it is"):
        target(None, str(link))
    assert target(str(link), "usual") == str(link)


def test_a_folder_that_another_process_made_meanwhile_is_left(tmp_path: Path) -> None:
    (tmp_path / "made").mkdir()
    (tmp_path / "made/model").write_bytes(b"of the other")
    with pytest.raises(UsageError, match="made: exists, and is left as it is; name another"):
        write_folder(str(tmp_path / "made"), {"model": b"mine"})
    assert [path.read_bytes() for path in tmp_path.glob("*/*")] == [b"of the other"]
    assert [path.name for path in tmp_path.iterdir()] == ["made"]
