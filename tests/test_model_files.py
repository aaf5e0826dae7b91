"""A model file, without code: its columns by name, and the very answers of its own library."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import catboost
import joblib
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import xgboost
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from trained_files import (
    NUMBERS,
    TRAINERS,
    TrainedFile,
    customers,
    train_mlflow,
    train_sklearn,
    train_skops,
    train_xgboost,
)

from model_mapreduce_job.config import FileEntry, file_configuration
from model_mapreduce_job.exceptions import ConfigurationError, InputError
from model_mapreduce_job.ml_model_manager import ModelManager
from model_mapreduce_job.models.adapters.file_model import FileModel
from model_mapreduce_job.models.adapters.model_types import model_type_of
from model_mapreduce_job.models.columns import column_schema
from model_mapreduce_job.models.content_digest import INCOMPARABLE
from model_mapreduce_job.models.files import path_digest
from model_mapreduce_job.models.identity import run_identity

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

# of MLflow's own classes
pytestmark = pytest.mark.filterwarnings("ignore:.*Any type hint is inferred")


@pytest.fixture(scope="module", params=sorted(TRAINERS))
def trained(request: Any, tmp_path_factory: Any) -> TrainedFile:
    """Return a trained file of each library."""
    return TRAINERS[request.param](tmp_path_factory.mktemp(request.param))


def opened(trained: TrainedFile, columns: Iterable[str], **options: Any) -> FileModel:
    trust = {"trusted_digest": path_digest(trained.path)}
    return FileModel(str(trained.path), **trust, **trained.options, **options).for_columns(list(columns))


def batch_of(table: Any, model: FileModel) -> Any:
    schema = column_schema(model.input_schema, "FileModel")
    return pa.RecordBatch.from_pandas(table[schema.names], schema=schema, preserve_index=False)


def test_answers_are_those_of_the_library_itself(trained: TrainedFile) -> None:
    """Bit for bit, for numbers, texts and missing values."""
    table = customers()
    model = opened(trained, columns=table.columns)
    answers = model.predict_columns(batch_of(table, model)).to_pydict()
    assert answers == trained.own(table)


def test_answers_do_not_depend_on_the_batch(trained: TrainedFile) -> None:
    """Each record alone gets what it gets among the others."""
    table = customers()
    model = opened(trained, columns=table.columns)
    batch = batch_of(table, model)
    together = model.predict_columns(batch).to_pylist()
    for place in range(0, len(table), 17):
        (alone,) = model.predict_columns(batch.slice(place, 1)).to_pylist()
        # sums of a linear model's products come out different in the last digit of a float32
        assert alone == {
            name: pytest.approx(value, rel=2.5e-7) if isinstance(value, float) else value
            for name, value in together[place].items()
        }


def test_columns_are_taken_by_name(trained: TrainedFile) -> None:
    """The order of the input's columns changes nothing, and more columns don't reach the model."""
    table = customers()
    turned = table[table.columns[::-1]]
    model = opened(trained, columns=turned.columns)
    assert set(model.feature_names) <= {*NUMBERS, "city", "note"}
    batch = batch_of(turned, model)
    shuffled = batch.select(batch.schema.names[::-1])
    assert model.predict_columns(shuffled).to_pydict() == trained.own(table)


def test_a_column_that_the_input_lacks_is_named(trained: TrainedFile) -> None:
    """Before anything is predicted."""
    with pytest.raises(InputError, match=r"The model needs fare.paid, which the input lacks"):
        opened(trained, columns=["age", "city", "note"])


def test_the_content_says_the_kind(trained: TrainedFile, tmp_path: Path) -> None:
    """Whatever the file is called."""
    if trained.path.is_dir():
        pytest.skip("a directory is known by its MLmodel")
    other = tmp_path / "model.txt"
    other.write_bytes(trained.path.read_bytes())
    assert model_type_of(other) is model_type_of(trained.path)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.95])
def test_a_damaged_file_is_refused(trained: TrainedFile, tmp_path: Path, share: float) -> None:
    """However much of it is there."""
    if trained.path.is_dir():
        pytest.skip("a directory is refused by MLflow")
    content = trained.path.read_bytes()
    cut = tmp_path / trained.path.name
    cut.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(ConfigurationError, match=re.escape(cut.name)) as caught:
        FileModel(str(cut), trusted_digest=path_digest(cut), **trained.options)
    assert "\n" not in str(caught.value)


def test_a_damaged_mlflow_model_is_refused(tmp_path: Path) -> None:
    """Whichever of its files was cut, or is not there."""
    path = train_mlflow(tmp_path).path
    (model,) = path.glob("*.pkl")
    model.write_bytes(model.read_bytes()[:100])
    with pytest.raises(ConfigurationError, match=r"can't be loaded as a model file of mlflow") as caught:
        FileModel(str(path), trusted_digest=path_digest(path))
    assert "\n" not in str(caught.value)
    (path / "MLmodel").unlink()
    with pytest.raises(ConfigurationError, match="a directory without an MLmodel file"):
        FileModel(str(path), trusted_digest=path_digest(path))


CLASSES = {"texts": ["no", "yes"], "booleans": [False, True], "numbers": [3, 7], "several": [10, 20, 30]}


@pytest.mark.parametrize("kind", CLASSES)
def test_classes_have_the_names_that_the_file_says(tmp_path: Path, kind: str) -> None:
    """CatBoost's does, of any type; those of XGBoost and LightGBM say how many there are alone."""
    table = customers()[["fare paid"]]
    classes = np.array(CLASSES[kind])
    target = classes[np.arange(len(table)) % len(classes)]
    own = catboost.CatBoostClassifier(iterations=3, verbose=0, allow_writing_files=False).fit(table, target)
    own.save_model(str(tmp_path / "classes.cbm"))
    model = FileModel(str(tmp_path / "classes.cbm"), outputs=["label", "probabilities"])
    answers = model.predict_columns(batch_of(table, model)).to_pydict()
    assert answers["label"] == np.asarray(own.predict(table)).reshape(-1).tolist()
    assert list(answers) == ["label", *map(str, CLASSES[kind])]


def test_a_column_may_be_null_throughout(trained: TrainedFile) -> None:
    """A number's: the library gets NaN for each, and answers what it answers for that."""
    table = customers().assign(age=np.nan)
    model = opened(trained, columns=table.columns)
    assert model.predict_columns(batch_of(table, model)).to_pydict() == trained.own(table)


def test_an_unknown_answer_is_refused_with_those_there_are(trained: TrainedFile) -> None:
    """In one line."""
    with pytest.raises(ConfigurationError, match=r"can't answer 'colour'\. It can answer \w+"):
        opened(trained, columns=customers().columns, outputs=["colour"])


def test_what_can_run_code_is_refused_until_its_digest_is_named(tmp_path: Path) -> None:
    """The line that refuses it has the digest to pass, and a digest of another file is refused as well."""
    path = train_sklearn(tmp_path).path
    with pytest.raises(ConfigurationError, match=rf"--trust_model_file {path_digest(path)}"):
        FileModel(str(path))
    with pytest.raises(ConfigurationError, match="is the one that is trusted"):
        FileModel(str(path), trusted_digest="0" * 64)


def test_a_skops_file_may_have_only_types_that_are_trusted(tmp_path: Path) -> None:
    """The line that refuses it names the others."""
    path = train_skops(tmp_path).path
    with pytest.raises(ConfigurationError, match=r"--trust_types numpy.dtype"):
        FileModel(str(path))


def test_a_directory_has_a_digest_that_sha256sum_would_give(tmp_path: Path) -> None:
    """Of its files' names and digests, in the order of the names."""
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "2").write_bytes(b"two")
    (tmp_path / "a").write_bytes(b"one")
    script = "find . -type f -printf '%P\\n' | LC_ALL=C sort | xargs sha256sum | sha256sum"
    by_tools = subprocess.run(["sh", "-c", script], cwd=tmp_path, capture_output=True, check=True)
    assert path_digest(tmp_path) == by_tools.stdout.split()[0].decode()


def test_an_entry_of_a_configuration_may_be_a_model_file(tmp_path: Path) -> None:
    """Looked up beside the configuration, verified by its sha256, with the answers that it names."""
    trained = train_xgboost(tmp_path)
    entry = FileEntry(str(trained.path), path_digest(trained.path), outputs=("probabilities",))
    manager = ModelManager()
    before = vars(manager).copy()
    try:
        manager.load_models(file_configuration(entry))
        model: Any = manager.get_model("churn")
        assert model.output_schema.names == ["0", "1"]
        manager.load_models(file_configuration(replace(entry, sha256="0" * 64)))
        with pytest.raises(ConfigurationError, match=r"has the sha256 .*, the entry says 0000"):
            manager.get_model("churn")
    finally:
        vars(manager).update(before)


def test_the_identity_of_a_run_has_the_file_and_its_library(trained: TrainedFile) -> None:
    """So --resume refuses to go on with another version of either; a directory is compared by its files."""
    entry = FileEntry(str(trained.path), path_digest(trained.path))
    identity = run_identity(file_configuration(entry), {"model_qualified_name": trained.path.stem})
    name = trained.path.stem
    assert not [text for text in identity.values() if text.startswith(INCOMPARABLE)]
    library = model_type_of(trained.path).name.replace("sklearn", "scikit-learn")
    assert library in identity[f"what the code of {name} imports"]


TARGETS = {
    "catboost of counts": lambda: catboost.CatBoostRegressor(loss_function="Poisson", **FEW_TREES),
    "catboost of two": lambda: catboost.CatBoostRegressor(loss_function="MultiRMSE", **FEW_TREES),
    "xgboost of two": lambda: xgboost.XGBRegressor(n_estimators=3, n_jobs=1),
    "xgboost of quantiles": lambda: xgboost.XGBRegressor(
        objective="reg:quantileerror", quantile_alpha=[0.1, 0.9], n_estimators=3, n_jobs=1
    ),
    "sklearn of two": lambda: make_pipeline(SimpleImputer(), Ridge()),
    "sklearn of two labels": lambda: RandomForestClassifier(3, random_state=0),
}
FEW_TREES = {"iterations": 3, "verbose": 0, "allow_writing_files": False, "thread_count": 1}


@pytest.mark.parametrize("kind", TARGETS)
def test_several_targets_are_fields_with_numbers(tmp_path: Path, kind: str) -> None:
    """And a regressor's value is what its own predict returns, whatever its loss."""
    table = customers()[["age", "fare paid"]].fillna(30)
    targets = np.column_stack([table["age"].round(), table["fare paid"].round()])
    one = kind.endswith(("counts", "quantiles"))
    own = TARGETS[kind]().fit(table, targets[:, 0] if one else targets)
    path = tmp_path / "model"
    if hasattr(own, "save_model"):
        own.save_model(str(path) + ".ubj")
        path = path.with_suffix(".ubj")
    else:
        joblib.dump(own, path)
    model = FileModel(str(path), trusted_digest=path_digest(path)).for_columns(list(table))
    found = model.predict_columns(batch_of(table, model)).to_pydict()
    name = "label" if "labels" in kind else "value"
    expected = np.asarray(own.predict(table)).reshape(len(table), -1).T.tolist()
    names = [name] if len(expected) == 1 else [f"{name}_1", f"{name}_2"]
    assert found == dict(zip(names, expected, strict=True))


def test_a_column_that_the_model_drops_may_hold_anything(tmp_path: Path) -> None:
    """Or not be there: a ColumnTransformer that was given more than it uses."""
    used = ColumnTransformer([("numbers", SimpleImputer(), NUMBERS), ("city", OneHotEncoder(), ["city"])])
    table = customers()[["note", *NUMBERS, "city"]]
    own = make_pipeline(used, RandomForestClassifier(3, random_state=0)).fit(table, customers()["segment"])
    joblib.dump(own, tmp_path / "model.joblib")
    digest = path_digest(tmp_path / "model.joblib")
    model = FileModel(str(tmp_path / "model.joblib"), trusted_digest=digest)
    bound = model.for_columns(["city", *NUMBERS])
    assert bound.feature_names == [*NUMBERS, "city"]
    assert bound.predict_columns(batch_of(table, bound)).to_pydict()["label"] == own.predict(table).tolist()


def test_a_model_of_texts_takes_one_column_of_them(tmp_path: Path) -> None:
    """A vectorizer has no names for what it is given: the input's one column, or that of --features."""
    texts = customers()["note"]
    own = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(texts, customers()["segment"])
    joblib.dump(own, tmp_path / "model.joblib")
    digest = path_digest(tmp_path / "model.joblib")
    model = FileModel(str(tmp_path / "model.joblib"), trusted_digest=digest, features=["note"])
    answers = model.predict_columns(batch_of(texts.to_frame(), model)).to_pydict()
    assert answers["label"] == own.predict(texts).tolist()
    with pytest.raises(InputError, match="takes 1 feature, without names; "):
        FileModel(str(tmp_path / "model.joblib"), trusted_digest=digest).for_columns(["note", "age"])


def test_a_pickle_of_another_librarys_categories_is_refused(tmp_path: Path) -> None:
    """Since they are in its own format alone, which the line names."""
    table = customers()[["age", "city"]].astype({"city": "category"})
    own = xgboost.XGBClassifier(n_estimators=2, enable_categorical=True, n_jobs=1)
    joblib.dump(own.fit(table, customers()["churned"]), tmp_path / "model.joblib")
    digest = path_digest(tmp_path / "model.joblib")
    with pytest.raises(ConfigurationError, match=r"holds a XGBClassifier.* save_model\('model.ubj'\)"):
        FileModel(str(tmp_path / "model.joblib"), trusted_digest=digest)


def test_contributions_add_up_to_the_raw_score(trained: TrainedFile) -> None:
    """With the base value, for each record, and for each class where there are many."""
    columns = customers().columns
    try:
        model = opened(trained, columns=columns, outputs=["contributions"])
        scores = opened(trained, columns=columns, outputs=["raw"])
    except ConfigurationError:
        pytest.skip("its library has none")
    batch = batch_of(customers(), model)
    parts = pandas_sums(model.predict_columns(batch).to_pandas(), scores.output_schema.names)
    raw = scores.predict_columns(batch).to_pandas()
    assert parts.to_numpy() == pytest.approx(raw.to_numpy(), rel=1e-4, abs=1e-5)


def pandas_sums(contributions: Any, raw_names: list[str]) -> Any:
    """Return the sums of contributions, in the order of the raw scores."""
    if len(raw_names) == 1:
        return contributions.sum(axis=1).to_frame()
    prefixes = [name.replace("raw_", "contributions_", 1) + "_" for name in raw_names]
    return pd.DataFrame(
        {prefix: contributions.filter(regex="^" + re.escape(prefix)).sum(axis=1) for prefix in prefixes}
    )
