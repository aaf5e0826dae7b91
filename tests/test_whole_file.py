"""Small files that options ask for: whole, or as they were, and each option's its own."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from model_mapreduce_job.driver.summary_file import refuse_same_file
from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.storage.whole_file import write_whole

if TYPE_CHECKING:
    from pathlib import Path

_CODE = """
import resource, signal, sys
from pathlib import Path
from model_mapreduce_job.storage.whole_file import write_whole
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
write_whole(Path(sys.argv[1]), b"x" * 1000)
"""


def test_what_was_there_stays_when_there_is_no_room(tmp_path: Path) -> None:
    """The largest size of a file stands for a disk's room."""
    (tmp_path / "old").write_text("last month's")
    for name in ("old", "new"):
        ended = subprocess.run(
            [sys.executable, "-c", _CODE, tmp_path / name], check=False, capture_output=True
        )
        assert b"File too large" in ended.stderr
    assert list(tmp_path.iterdir()) == [tmp_path / "old"]
    assert (tmp_path / "old").read_text() == "last month's"


def test_a_file_keeps_its_mode_and_a_new_one_has_that_of_the_umask(tmp_path: Path) -> None:
    (tmp_path / "old").touch()
    (tmp_path / "old").chmod(0o640)
    (tmp_path / "plain").touch()
    for name in ("old", "new"):
        write_whole(tmp_path / name, b"it")
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {"old": 0o640, "plain": modes["plain"], "new": modes["plain"]}
    assert (tmp_path / "old").read_bytes() == b"it"


def test_a_link_stays_one_and_so_does_a_second_name(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "second").hardlink_to(tmp_path / "file")
    for name in ("link", "second"):
        write_whole(tmp_path / name, name.encode())
        assert (tmp_path / "file").read_bytes() == name.encode()
    assert (tmp_path / "link").is_symlink()


def test_a_pipe_is_written_to(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append((tmp_path / "pipe").read_bytes()))
    reader.start()
    write_whole(tmp_path / "pipe", b"it")
    reader.join()
    assert read == [b"it"]


def test_two_options_can_not_name_one_file(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    one, same = str(tmp_path / "a"), str(tmp_path / "link" / "a")
    with pytest.raises(InputError, match=r"--profile and --report are one file, .*link/a. Name two."):
        refuse_same_file({"--summary_file": None, "--profile": one, "--report": same})
    refuse_same_file({"--profile": one, "--report": f"{one}b", "--summary_file": None})
    refuse_same_file({"--profile": "/dev/stderr", "--report": "/dev/null", "--summary_file": "/dev/null"})
