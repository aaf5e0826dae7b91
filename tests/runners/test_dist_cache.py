"""Archives as tasks find them: nothing in one gets out of its directory."""

from __future__ import annotations

import io
import os
import stat
import tarfile
import zipfile
from typing import TYPE_CHECKING

import pytest

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.runners.local.dist_cache import unpack

if TYPE_CHECKING:
    from pathlib import Path


def tar_of(path: Path, *members: tarfile.TarInfo) -> str:
    with tarfile.open(path, "w:gz") as archive:
        for member in members:
            member.size = 1 if member.isfile() else 0
            archive.addfile(member, io.BytesIO(b"x"))
    return str(path)


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "", mode: int = 0o644) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode = kind, target, mode
    return info


def test_tar_and_zip_files_are_unpacked(tmp_path: Path) -> None:
    tar = tar_of(tmp_path / "a.tar.gz", member("d/f", mode=0o4755), member("l", tarfile.SYMTYPE, "d/f"))
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("d/f", "x")
    for place in (tar, str(tmp_path / "b.zip")):
        unpack(place, tmp_path / "out")
        assert (tmp_path / "out" / "d" / "f").read_text() == "x"
    assert not (tmp_path / "out" / "d" / "f").stat().st_mode & stat.S_ISUID


@pytest.mark.parametrize(
    "hostile",
    [
        member("../out-of-it"),
        member("l", tarfile.SYMTYPE, "/etc/passwd"),
        member("l", tarfile.SYMTYPE, "../../x"),
        member("l", tarfile.LNKTYPE, "../x"),
        member("device", tarfile.CHRTYPE),
        member("pipe", tarfile.FIFOTYPE),
    ],
    ids=lambda info: f"{info.name}-{info.linkname}",
)
def test_a_tar_file_that_leads_out_is_refused_by_name(tmp_path: Path, hostile: tarfile.TarInfo) -> None:
    with pytest.raises(InputError, match=r"The archive .*/a\.tar\.gz can't be unpacked: "):
        unpack(tar_of(tmp_path / "a.tar.gz", hostile), tmp_path / "deep" / "out")
    assert {path.name for path in tmp_path.iterdir()} == {"a.tar.gz", "deep"}


@pytest.mark.parametrize(("name", "mode"), [("../x", 0), ("/x", 0), ("a/../../x", 0), ("l", stat.S_IFLNK)])
def test_so_is_a_zip_file(tmp_path: Path, name: str, mode: int) -> None:
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(info, "x")
    with pytest.raises(InputError, match=r"a\.zip can't be unpacked: .* leads out of it, or is a link"):
        unpack(str(tmp_path / "a.zip"), tmp_path / "deep" / "out")
    assert os.listdir(tmp_path / "deep" / "out") == []  # noqa: PTH208


def test_what_is_no_archive_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_text("no archive")
    with pytest.raises(InputError, match=r"a\.tar can't be unpacked: File is not a zip file"):
        unpack(str(tmp_path / "a.tar"), tmp_path / "out")
