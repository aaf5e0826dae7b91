"""Arrays, tables and their rows, of the libraries that models use, as lists and dicts of Python's values.

None of the libraries is imported here: a value of theirs exists only where its library has been.
"""

from __future__ import annotations

import sys
from typing import Any

from model_mapreduce_job.formats.records import kind_of

_NS = {"W": 604_800_000_000_000, "D": 86_400_000_000_000, "h": 3_600_000_000_000, "m": 60_000_000_000}
_NS |= {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}


def array_value(value: Any) -> Any:
    """Return an array, a table, a row or a scalar of a library as values of Python's.

    What has names comes as dicts by these names, times as ISO text. Raises TypeError with the name of a type
    that isn't known.
    """
    kind = type(value)
    library = kind.__module__.partition(".")[0]
    found = _known(value, kind, library)
    if found is value or type(found) is kind:
        raise TypeError(f"it holds a {kind_of(value)}")
    return found


def rows_of(answers: Any) -> list[Any] | None:
    """Return what answers for a batch has for each record; None for what is no list, array or table."""
    kind = type(answers)
    if issubclass(kind, list):
        return list.__getitem__(answers, slice(None))
    if issubclass(kind, tuple):
        return list(tuple.__getitem__(answers, slice(None)))
    if kind.__module__.partition(".")[0] == "pandas" and kind_of(answers) == "Series":
        return list(answers.tolist())
    try:
        rows = array_value(answers)
    except TypeError:
        return None
    return rows if type(rows) is list else None


def _known(value: Any, kind: type, library: str) -> Any:
    numpy = sys.modules.get("numpy")
    if numpy is not None and issubclass(kind, numpy.ndarray):
        return _numpy_array(numpy, value)
    if numpy is not None and issubclass(kind, numpy.generic):
        return _numpy_scalar(numpy, value)
    if library == "pandas":
        return _pandas(value)
    for name in ("to_dicts", "to_pylist", "to_list", "as_py", "tolist"):  # of polars, Arrow, NumPy's friends
        if hasattr(kind, name) and (name == "tolist" or library in {"polars", "pyarrow", "arro3"}):
            return getattr(value, name)()
    return value


def _pandas(value: Any) -> Any:
    name = kind_of(value)
    if name == "NAType":
        return None
    if name == "DataFrame":
        if not value.columns.is_unique:
            raise ValueError("two columns of a DataFrame have one name")
        return value.to_dict("records")
    if name == "Series":
        named = all(isinstance(label, str) for label in value.index) and value.index.is_unique
        return value.to_dict() if named else value.tolist()
    return value.tolist() if hasattr(value, "tolist") else value


def _numpy_array(numpy: Any, array: Any) -> Any:
    kind = array.dtype.kind
    if not array.ndim:
        return _numpy_scalar(numpy, array[()]) if issubclass(type(array[()]), numpy.generic) else array[()]
    if array.dtype.names or kind == "m":
        return [_numpy_array(numpy, row) if row.shape else _numpy_scalar(numpy, row) for row in array]
    if kind == "M":
        return _no_times(numpy.datetime_as_string(array).tolist())
    if array.dtype.char == "g":  # a longdouble has no like in Python
        return array.astype(float).tolist()
    return array.tolist()


def _numpy_scalar(numpy: Any, scalar: Any) -> Any:
    kind = scalar.dtype.kind
    if scalar.dtype.names:
        return {name: scalar[name] for name in scalar.dtype.names}
    if kind == "M":
        return _no_times(str(numpy.datetime_as_string(scalar)))
    if kind == "m":
        return _duration(numpy, scalar)
    if scalar.dtype.char == "g":
        return float(scalar)
    return scalar.item()


def _no_times(texts: Any) -> Any:
    """Return texts of times with None for NaT."""
    if isinstance(texts, list):
        return list(map(_no_times, texts))
    return None if texts == "NaT" else texts


def _duration(numpy: Any, scalar: Any) -> str | None:
    """Return a timedelta64 as msgspec writes a timedelta: P1DT2.5S."""
    if numpy.isnat(scalar):
        return None
    unit, step = numpy.datetime_data(scalar.dtype)
    if unit not in _NS:
        raise ValueError(f"a timedelta64 in the unit {unit} has no length in seconds")
    total = int(scalar.astype("int64")) * step * _NS[unit]
    days, rest = divmod(abs(total), _NS["D"])
    seconds, fraction = divmod(rest, _NS["s"])
    point = f".{fraction:09}".rstrip("0").rstrip(".")
    time = f"T{seconds}{point}S" if rest else ""
    return f"{'-' if total < 0 else ''}P{f'{days}D' if days or not rest else ''}{time}"
