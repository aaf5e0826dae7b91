"""Models that MLflow has saved, of flavours of several libraries: the answers of mlflow.pyfunc itself."""

from __future__ import annotations

import re
import warnings
from importlib import import_module
from typing import TYPE_CHECKING, Any

import catboost
import lightgbm
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import xgboost
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from trained_files import NUMBERS, customers, train_mlflow

from model_mapreduce_job.exceptions import ConfigurationError, InputError
from model_mapreduce_job.models.adapters.file_model import FileModel
from model_mapreduce_job.models.columns import column_schema
from model_mapreduce_job.models.files import path_digest

if TYPE_CHECKING:
    from pathlib import Path

# of saving a model as a pickle
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:mlflow")


@pytest.fixture(scope="module")
def mlflow() -> Any:
    """Return MLflow with its flavours: importing it takes seconds, and one of pytest's workers needs it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow warns of classes of its own
        for flavour in ("catboost", "lightgbm", "onnx", "pyfunc", "sklearn", "xgboost"):
            import_module(f"mlflow.{flavour}")
        return import_module("mlflow")


def batch_of(table: Any, model: FileModel) -> Any:
    schema = column_schema(model.input_schema, "FileModel")
    return pa.RecordBatch.from_pandas(table[schema.names], schema=schema, preserve_index=False)


def risk(mlflow: Any) -> Any:
    """Return a function of MLflow's, whose answer has two columns."""

    class Risk(mlflow.pyfunc.PythonModel):
        # with a hint that MLflow makes no signature from: without one it warns, whatever the filters say
        def predict(self, context: Any, model_input: pd.DataFrame, params: Any = None) -> pd.DataFrame:
            del context, params
            paid = model_input["fare paid"]
            return pd.DataFrame({"risk": paid / 2, "kind": np.where(paid > 50, "high", "low")})

    return Risk()


def of_onnx(_mlflow: Any, table: Any, target: Any) -> Any:
    regression = make_pipeline(SimpleImputer(), Ridge()).fit(table.to_numpy(np.float32), target)
    inputs = [("X", FloatTensorType([None, len(NUMBERS)]))]
    return to_onnx(regression, initial_types=inputs, target_opset={"": 15, "ai.onnx.ml": 3})


ONE_TREE = {"n_estimators": 1, "n_jobs": 1}
FEW_TREES = {"iterations": 3, "verbose": 0, "allow_writing_files": False, "thread_count": 1}
FLAVOURS = {
    "xgboost": (
        "xgb_model",
        lambda _, *data: xgboost.XGBRegressor(**ONE_TREE).fit(*data).get_booster(),
    ),
    "lightgbm": (
        "lgb_model",
        lambda _, *data: lightgbm.LGBMRegressor(verbose=-1, **ONE_TREE).fit(*data),
    ),
    "catboost": (
        "cb_model",
        lambda _, *data: catboost.CatBoostRegressor(**FEW_TREES).fit(*data),
    ),
    "onnx": ("onnx_model", of_onnx),
    "pyfunc": ("python_model", lambda mlflow, *_: risk(mlflow)),
}


@pytest.mark.parametrize("signed", [True, False], ids=["with a signature", "without"])
@pytest.mark.parametrize("flavour", FLAVOURS)
def test_an_mlflow_model_of_any_flavour_answers_as_mlflow_does(
    mlflow: Any, flavour: str, signed: bool, tmp_path: Path
) -> None:
    """By name, where the signature or the library's own model has names, from an input with more columns."""
    table = customers()[NUMBERS]
    library = getattr(mlflow, flavour)
    argument, train = FLAVOURS[flavour]
    saved = {argument: train(mlflow, table, customers()["fare paid"])}

    def save(name: str, signature: Any = None) -> Any:
        library.save_model(path=tmp_path / name, signature=signature, pip_requirements=["pandas"], **saved)
        return mlflow.pyfunc.load_model(str(tmp_path / name))

    own = save("plain").predict(table)
    if signed:
        own = save("signed", mlflow.models.infer_signature(table, own)).predict(table)
    path = tmp_path / ("signed" if signed else "plain")
    named = signed or flavour not in {"onnx", "pyfunc"}
    columns = ["note", *NUMBERS[::-1]] if named else NUMBERS
    model = FileModel(str(path), trusted_digest=path_digest(path)).for_columns(columns)
    found = model.predict_columns(batch_of(table, model)).to_pydict()
    expected = own if hasattr(own, "columns") else pd.DataFrame({"value": own})
    assert found == expected.to_dict("list")


def test_an_mlflow_model_of_an_array_takes_columns_in_their_order(mlflow: Any, tmp_path: Path) -> None:
    """As many as its signature says; its input example can be verified with."""
    array = np.ascontiguousarray(customers()[NUMBERS].fillna(30))
    own = Ridge().fit(array, array[:, 0])
    signature = mlflow.models.infer_signature(array, own.predict(array))
    mlflow.sklearn.save_model(
        own,
        tmp_path / "m",
        signature=signature,
        input_example=array[:3],
        pip_requirements=["pandas"],
        serialization_format="cloudpickle",
    )
    model = FileModel(str(tmp_path / "m"), trusted_digest=path_digest(tmp_path / "m")).for_columns(NUMBERS)
    table = pd.DataFrame(array, columns=NUMBERS)
    assert model.predict_columns(batch_of(table, model)).to_pydict() == {"value": own.predict(array).tolist()}
    records = [record for _, record, _ in model.examples(tmp_path / "m")]
    assert records == table.head(3).to_dict("records")
    with pytest.raises(InputError, match="takes 2 features"):
        FileModel(str(tmp_path / "m"), trusted_digest=path_digest(tmp_path / "m")).for_columns(["a"])


@pytest.mark.parametrize("of", ["mlflow_version: 1.2.3", "sklearn_version: 1.2.3"])
def test_a_model_of_another_version_gives_a_warning_that_names_both(of: str, tmp_path: Path) -> None:
    """Of MLflow, or of the library that its flavour is of."""
    path = train_mlflow(tmp_path).path
    info, name = path / "MLmodel", of.partition(":")[0]
    info.write_text(re.sub(rf"{name}: \S+", of, info.read_text()))
    with pytest.warns(UserWarning, match=rf"was written by {name.partition('_')[0]} 1\.2\.3, and \d"):
        FileModel(str(path), trusted_digest=path_digest(path))


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (lambda of: of.ColSpec("datetime", "when"), "takes when of the type"),
        (lambda of: of.TensorSpec(np.dtype("float64"), (-1, 3, 3)), r"an array of the shape \(-1, 3, 3\)"),
    ],
)
def test_an_mlflow_signature_that_records_have_no_columns_for_is_refused(
    mlflow: Any, spec: Any, words: str, tmp_path: Path
) -> None:
    """Before anything is predicted, in one line."""
    signature = mlflow.models.ModelSignature(mlflow.types.Schema([spec(mlflow.types)]))
    mlflow.pyfunc.save_model(
        tmp_path / "m", python_model=risk(mlflow), signature=signature, pip_requirements=["pandas"]
    )
    with pytest.raises(ConfigurationError, match=words):
        FileModel(str(tmp_path / "m"), trusted_digest=path_digest(tmp_path / "m"))
