"""Profiles in files, and pages of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.profiles.profile import Profile
from model_mapreduce_job.storage.whole_file import write_whole

if TYPE_CHECKING:
    from collections.abc import Iterable


def read_profile(name: str) -> Profile:
    """Return the profile in a file; raises InputError."""
    try:
        return Profile.from_json(Path(name).read_bytes())
    except OSError as error:
        raise InputError(f"The profile {name} can't be read: {error.strerror}.") from error
    except (ValueError, msgspec.DecodeError) as error:
        reason = " ".join(str(error).split())
        raise InputError(
            f"The profile {name} can't be read: {reason}. Name one that --profile wrote."
        ) from error


def merged_profile(names: Iterable[str]) -> Profile:
    """Return several files' profiles as one, about which is only known of which it is made."""
    names = list(names)
    whole = Profile(about={"merged": names})
    for name in names:
        whole.merge(read_profile(name))
    return whole


def write_profile(profile: Profile, name: str) -> None:
    """Write a profile; raises InputError."""
    _write(name, profile.to_json() + b"\n")


def write_page(page: str, name: str) -> None:
    """Write a page; raises InputError."""
    _write(name, page.encode(errors="backslashreplace"))


def _write(name: str, content: bytes) -> None:
    try:
        write_whole(Path(name), content)
    except OSError as error:
        raise InputError(f"{name} can't be written: {error.strerror}.") from error
