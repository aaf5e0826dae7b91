"""The Polars query of polars_peer.py, apart from it because importing Polars fixes its number of threads."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from served_model import MODELS, Texts, predict

POLARS_TYPES = {str: pl.String, float: pl.Float64}


def predicted(path: Path, model_name: str) -> pl.LazyFrame:
    """Return the records of `path` with their predictions; a value of the wrong type is read as null."""
    records = pl.scan_ndjson(path, schema=_schema(model_name), ignore_errors=True)
    return _with_predictions(records, model_name)


def predicted_csv(path: Path, model_name: str) -> pl.LazyFrame:
    """Return the rows of a csv file with their predictions; a value of the wrong type is read as null."""
    records = pl.scan_csv(path, schema=_schema(model_name), ignore_errors=True)
    return _with_predictions(records, model_name)


def predicted_parquet(path: Path, model_name: str) -> pl.LazyFrame:
    """Return the rows of a Parquet file with their predictions."""
    return _with_predictions(pl.scan_parquet(path), model_name)


def _schema(model_name: str) -> dict[str, Any]:
    model = MODELS[model_name]
    return dict.fromkeys(model.numbers, pl.Float64) | dict.fromkeys(model.texts, pl.String)


def _with_predictions(records: pl.LazyFrame, model_name: str) -> pl.LazyFrame:
    model = MODELS[model_name]
    prediction = pl.Struct({name: POLARS_TYPES[kind] for name, kind in model.prediction.items()})
    outputs = pl.struct(model.fields).map_batches(
        lambda records: _predict(records, model_name), return_dtype=prediction, is_elementwise=True
    )
    return records.with_columns(outputs.alias("prediction")).unnest("prediction")


def _predict(records: pl.Series, model_name: str) -> pl.Series:
    model = MODELS[model_name]
    frame = records.struct.unnest()
    numbers = frame.select(pl.col(model.numbers).cast(pl.Float32)).to_numpy()
    outputs = predict(model_name, numbers, _texts(frame, model.texts))
    return pl.DataFrame(
        {name: pl.Series(outputs[name], dtype=POLARS_TYPES[kind]) for name, kind in model.prediction.items()}
    ).to_struct()


def _texts(frame: pl.DataFrame, names: tuple[str, ...]) -> Texts:
    if not names:
        return np.empty((frame.height, 0), dtype=np.object_)
    return frame.select(pl.col(names).fill_null("")).to_numpy()
