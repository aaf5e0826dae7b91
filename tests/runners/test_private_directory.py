"""A run's temporary directory."""

from __future__ import annotations

import os
import resource
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from model_mapreduce_job.storage.private_directory import PrivateDirectory

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


def test_one_that_is_not_to_stay_but_could_not_be_removed_is_removed_by_the_next(tmp_path: Path) -> None:
    """Such as by a run that had no descriptor left to look into it."""
    PrivateDirectory(str(tmp_path), "one").release(stays=False)
    PrivateDirectory(str(tmp_path), "two")
    assert [path.name for path in tmp_path.iterdir()] == ["two"]


def test_one_that_a_kill_left_without_a_lock_is_removed_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "job.me.20260101.120000.123456").mkdir(mode=0o700)
    (tmp_path / "others").mkdir(mode=0o700)
    (tmp_path / "job.me.20260101.120000.654321").mkdir(mode=0o700)
    (tmp_path / "job.me.20260101.120000.654321" / "results").touch()
    PrivateDirectory(str(tmp_path), "two")
    assert {path.name for path in tmp_path.iterdir()} == {"others", "job.me.20260101.120000.654321", "two"}


def test_a_directory_that_others_may_write_into_is_left_alone_whatever_is_in_it(tmp_path: Path) -> None:
    """The lock may be theirs."""
    for mode in (0o1777, 0o770, 0o755):
        exchange = tmp_path / f"exchange-{mode:o}"
        exchange.mkdir()
        (exchange / ".model-mapreduce-job.lock").touch()
        (exchange / "results").touch()
        exchange.chmod(mode)
    PrivateDirectory(str(tmp_path), "run")
    assert len(list(tmp_path.glob("exchange-*/results"))) == 3


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_lock_of_another_user_is_no_lock(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir(mode=0o700)
    (tmp_path / "mine" / ".model-mapreduce-job.lock").touch()
    os.chown(tmp_path / "mine" / ".model-mapreduce-job.lock", 65534, 65534)
    PrivateDirectory(str(tmp_path), "run")
    assert (tmp_path / "mine").exists()


def test_what_a_link_leads_to_is_never_removed(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir(mode=0o700)
    (tmp_path / "home" / "thesis").touch()
    (tmp_path / "tmp").mkdir()
    abandoned = PrivateDirectory(str(tmp_path / "tmp"), "one")
    (abandoned.path / "link").symlink_to(tmp_path / "home")
    os.close(abandoned.lock)
    (tmp_path / "tmp" / "two").symlink_to(tmp_path / "home")
    (tmp_path / "home" / ".model-mapreduce-job.lock").touch()
    PrivateDirectory(str(tmp_path / "tmp"), "three")
    assert not abandoned.path.exists()
    assert (tmp_path / "home" / "thesis").exists()


def test_without_descriptors_no_directory_is_left(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = max(map(int, os.listdir("/proc/self/fd"))) + 1  # noqa: PTH208
    held = []
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    try:
        with suppress(OSError):
            while True:
                held.append(os.dup(0))
        with pytest.raises(OSError, match="Too many open files"):
            PrivateDirectory(str(tmp_path), "run")
    finally:
        for descriptor in held:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert list(tmp_path.iterdir()) == []


def test_a_link_to_a_lock_is_no_lock(tmp_path: Path) -> None:
    """Somebody else's directory in /tmp must not make a run remove anything."""
    (tmp_path / "trap").mkdir(mode=0o700)
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
