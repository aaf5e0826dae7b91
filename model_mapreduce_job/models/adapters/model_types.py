"""The kinds of model files: how the content of a file says which library it is of. Imports none of them."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from model_mapreduce_job.exceptions import ConfigurationError
from model_mapreduce_job.models.files import path_digest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_HEAD_BYTES = 4096
# A file of joblib may be compressed by any of these: zlib, gzip, bz2, xz, lzma, lz4.
_COMPRESSED = (
    b"x\x01",
    b"x^",
    b"x\x9c",
    b"x\xda",
    b"\x1f\x8b",
    b"BZh",
    b"\xfd7zXZ",
    b"]\x00\x00",
    b"\x04\x22M\x18",
)
_PICKLED = re.compile(rb"\x80[\x02-\x06]")
_XGBOOST_JSON = re.compile(rb'\s*\{\s*"(learner|version)"')
_XGBOOST_UBJ = re.compile(rb"\{[Li]?.{0,8}(learner|version)", re.DOTALL)
# An ONNX file is a protobuf message: ir_version (field 1) comes first, then strings and the graph.
_ONNX = re.compile(rb"\x08[\x01-\x20][\x12\x1a\x22\x2a\x32\x3a\x42]")


class ModelType(msgspec.Struct, frozen=True):
    """A kind of model file, what pip installs for it, and how it is known; the module NAME_file loads it.

    runs_code says that loading such a file can run code that is in it.
    """

    name: str
    install: str
    recognises: Callable[[Path, bytes], bool]
    runs_code: bool = False


def _is_skops(path: Path, head: bytes) -> bool:
    if not head.startswith(b"PK"):
        return False
    import zipfile  # noqa: PLC0415 - model files alone need it

    with suppress(OSError, zipfile.BadZipFile), zipfile.ZipFile(path) as archive:
        return "schema.json" in archive.namelist()
    return path.suffix == ".skops"


def _is_pickle(path: Path, head: bytes) -> bool:
    may_be_compressed = path.suffix in {".joblib", ".pkl", ".pickle"} and head.startswith(_COMPRESSED)
    return may_be_compressed or _PICKLED.match(head) is not None


MODEL_TYPES = (
    ModelType("mlflow", "mlflow-skinny", lambda path, _: (path / "MLmodel").is_file(), runs_code=True),
    ModelType(
        "xgboost", "xgboost", lambda _, head: bool(_XGBOOST_JSON.match(head) or _XGBOOST_UBJ.match(head))
    ),
    ModelType("lightgbm", "lightgbm", lambda _, head: head.startswith(b"tree\n")),
    ModelType("catboost", "catboost", lambda _, head: head.startswith(b"CBM1")),
    ModelType("skops", "skops scikit-learn pandas", _is_skops),
    ModelType("sklearn", "scikit-learn pandas", _is_pickle, runs_code=True),
    ModelType("onnx", "onnxruntime", lambda _, head: bool(_ONNX.match(head))),
)
NAMES = tuple(kind.name for kind in MODEL_TYPES)


def model_type_of(path: Path, name: str | None = None) -> ModelType:
    """Return the kind of a model file, which its content says; with a name, that kind.

    Raises ConfigurationError for a file that can't be read, one of no known kind, and one whose content says
    another kind than the name.
    """
    found = _recognised(path)
    if name is None and found is not None:
        return found
    if name is None:
        raise ConfigurationError(
            f"{path} is a model file of no known kind: {_looks(path)}. Kinds are {', '.join(NAMES)}; "
            "name its kind with --model_type if it is one of these."
        )
    said = next((kind for kind in MODEL_TYPES if kind.name == name), None)
    if said is None:
        raise ConfigurationError(f"There is no kind of model file {name!r}. Kinds are {', '.join(NAMES)}.")
    if found is not None and found is not said:
        raise ConfigurationError(
            f"{path} is a model file of {found.name}, by its content, and --model_type says {name}. "
            "Leave --model_type out, or name the file that was meant."
        )
    return said


def check_trusted(path: Path, kind: ModelType, trusted_digest: str | None) -> None:
    """Raise ConfigurationError for a file that can run code, unless its digest is the trusted one.

    A digest that is given has to be the file's, whatever its kind.
    """
    if not kind.runs_code and trusted_digest is None:
        return
    digest = path_digest(path)
    if trusted_digest is None:
        raise ConfigurationError(
            f"{path} is a model file of {kind.name}, which can run any code when it is loaded. If you trust "
            f"its author, say so: --trust_model_file {digest}"
        )
    if trusted_digest.lower() != digest:
        raise ConfigurationError(
            f"{path} has the sha256 {digest}, and {trusted_digest} is the one that is trusted. "
            "Restore the file that was meant, or look at the new one before you trust it."
        )


def _recognised(path: Path) -> ModelType | None:
    head = _head(path)
    return next((kind for kind in MODEL_TYPES if kind.recognises(path, head)), None)


def _head(path: Path) -> bytes:
    if path.is_dir():
        return b""
    try:
        with path.open("rb") as file:
            return file.read(_HEAD_BYTES)
    except OSError as error:
        raise ConfigurationError(
            f"The model file {path} can't be read: {error.strerror}. Check --model_file."
        ) from error


def _looks(path: Path) -> str:
    if path.is_dir():
        return "a directory without an MLmodel file"
    head = _head(path)[:12]
    return f"it begins with {head!r}" if head else "it is empty"
