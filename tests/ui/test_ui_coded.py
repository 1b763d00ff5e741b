"""Where the results of compress, decompress and export go."""

from pathlib import Path

import pytest

from rnncli.errors import UsageError
from rnncli.ui.coded import target


def test_a_link_is_followed_only_where_the_user_named_it(tmp_path: Path) -> None:
    link = tmp_path / "photo"
    link.symlink_to(tmp_path / "profile")  # which does not exist
    with pytest.raises(UsageError, match="photo: exists, and is left as it is"):
        target(None, str(link))
    assert target(str(link), "usual") == str(link)
