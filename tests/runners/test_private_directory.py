"""A run's temporary directory."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import pytest

from model_mapreduce_job.runners.private_directory import PrivateDirectory

if TYPE_CHECKING:
    from pathlib import Path


def test_it_is_its_users_alone(tmp_path: Path) -> None:
    directory = PrivateDirectory(str(tmp_path / "below"), "run")
    assert directory.path == tmp_path / "below" / "run"
    assert {path.stat().st_mode & 0o077 for path in [directory.path, *directory.path.iterdir()]} == {0}


def test_one_that_was_abandoned_is_removed_by_the_next(tmp_path: Path) -> None:
    abandoned = PrivateDirectory(str(tmp_path), "one")
    (abandoned.path / "deep").mkdir()
    (abandoned.path / "deep" / "file").touch()
    os.close(abandoned.lock)  # what the end of a process does
    PrivateDirectory(str(tmp_path), "two")
    assert [path.name for path in tmp_path.iterdir()] == ["two"]


def test_one_that_is_in_use_or_meant_to_stay_is_not_removed(tmp_path: Path) -> None:
    used = PrivateDirectory(str(tmp_path), "used")
    kept = PrivateDirectory(str(tmp_path), "kept")
    kept.release()
    (tmp_path / "others").mkdir()
    PrivateDirectory(str(tmp_path), "third")
    assert {path.name for path in tmp_path.iterdir()} == {"used", "kept", "others", "third"}
    used.release()


def test_a_link_to_a_lock_is_no_lock(tmp_path: Path) -> None:
    """Somebody else's directory in /tmp must not make a run remove anything."""
    (tmp_path / "trap").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "trap" / ".model-mapreduce-job.lock").symlink_to(tmp_path / "file")
    PrivateDirectory(str(tmp_path), "run")
    assert (tmp_path / "trap").exists()


def test_one_that_another_run_removes_before_it_is_locked_is_made_again(tmp_path: Path) -> None:
    """That moment is short, but there is one: many runs may start at once."""
    failed = []

    def make(number: int) -> None:
        for turn in range(25):
            directory = PrivateDirectory(str(tmp_path), f"{number}-{turn}")
            if not (directory.path / ".model-mapreduce-job.lock").exists():
                failed.append(directory.path)
            os.close(directory.lock)

    threads = [threading.Thread(target=make, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


def test_a_lock_that_cannot_be_made_leaves_no_directory(tmp_path: Path) -> None:
    """Such as one whose path is too long, where the directory's is not."""
    room = 4096 - len(str(tmp_path)) - len("/.model-mapreduce-job.lock") + 10
    parent = tmp_path
    while room > 250:
        parent /= "d" * 200
        room -= 201
    with pytest.raises(OSError, match="too long"):
        PrivateDirectory(str(parent), "n" * (room - 1))
    assert not list(parent.iterdir())
