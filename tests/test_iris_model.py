"""The iris model: what it says, what it refuses, and that its file is what scikit-learn trained."""

import math
import subprocess
import sys
from itertools import product
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from iris_model.iris_predict import MODEL_FILE, IrisModel
from iris_model.iris_schema import FIELDS, LARGEST, IrisInput, IrisInputError, IrisPrediction
from iris_model.iris_train import main, train
from sklearn.datasets import load_iris
from sklearn.svm import SVC

SETOSA = {"sepal_length": 1.1, "sepal_width": 1.2, "petal_width": 1.3, "petal_length": 1.4}
VIRGINICA = {"sepal_length": 7.7, "sepal_width": 2.6, "petal_length": 6.9, "petal_width": 2.3}

# What a record may hold instead of a petal's width, and how the message shows it.
WRONG_VALUES = [
    ("asd", "'asd' (str)"),
    ("1.5", "'1.5' (str)"),
    (b"1.5", "b'1.5' (bytes)"),
    (None, "None (NoneType)"),
    (True, "True (bool)"),
    (False, "False (bool)"),
    ([1.5], "[1.5] (list)"),
    ({"cm": 1.5}, "{'cm': 1.5} (dict)"),
    (math.nan, "nan (float)"),
    (math.inf, "inf (float)"),
    (-math.inf, "-inf (float)"),
    (1e39, "1e+39 (float)"),
    (math.nextafter(LARGEST, math.inf), "(float)"),
    (10**400, "...0000000000000000000 (int)"),
    (10**5000, "too long to show (int)"),
    (1j, "1j (complex)"),
    (np.float32(1.5), "(float32)"),
    (np.True_, "(bool"),  # bool_ in numpy 1
]
wrong_values = pytest.mark.parametrize(
    ("value", "shown"), WRONG_VALUES, ids=[shown for _, shown in WRONG_VALUES]
)
NOT_RECORDS = [None, [], [1.1, 1.2, 1.3, 1.4], "asd", 5, math.nan, True]


@pytest.fixture(scope="module")
def model() -> IrisModel:
    return IrisModel()


@pytest.fixture(scope="module")
def retrained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file that `iris_train` writes today."""
    output = tmp_path_factory.mktemp("iris_train") / "iris.onnx"
    main(["--output", str(output)])
    return output


@pytest.fixture(scope="module")
def classifier() -> SVC:
    """scikit-learn's own model, which works in float64."""
    flowers = load_iris()
    return SVC(gamma=0.001, C=100.0).fit(flowers.data, flowers.target_names[flowers.target])


def records(rows: np.ndarray) -> list[dict[str, float]]:
    return [dict(zip(FIELDS, row, strict=True)) for row in rows.tolist()]


def grid() -> np.ndarray:
    """100,000 points that span the flowers that there are, and a little beyond."""
    axes = [np.linspace(4, 8, 20), np.linspace(1.5, 5, 20), np.linspace(0.5, 7.5, 25), np.linspace(0, 3, 10)]
    return np.array(list(product(*axes)))


def mismatches(model: IrisModel, classifier: SVC, rows: np.ndarray) -> list[tuple[Any, ...]]:
    """Each row that the two do not agree on, with what either says."""
    ours = [prediction["species"] for prediction in model.predict_batch(records(rows))]
    theirs = classifier.predict(rows).tolist()
    return [triple for triple in zip(rows.tolist(), ours, theirs, strict=True) if triple[1] != triple[2]]


def test_predicts_the_species(model: IrisModel) -> None:
    assert model.predict(SETOSA) == {"species": "setosa"}
    assert model.predict(VIRGINICA) == {"species": "virginica"}


def test_the_order_of_the_fields_does_not_matter(model: IrisModel) -> None:
    backwards = [dict(reversed(flower.items())) for flower in (SETOSA, VIRGINICA)]
    assert model.predict_batch(backwards) == [{"species": "setosa"}, {"species": "virginica"}]


def test_whole_numbers_and_fields_it_does_not_know_are_welcome(model: IrisModel) -> None:
    flower = {"id": "a", "sepal_length": 5, "sepal_width": 3, "petal_length": 1, "petal_width": 0}
    assert model.predict(flower) == {"species": "setosa"}
    assert model.predict_batch([flower]) == [{"species": "setosa"}]


def test_the_fields_are_those_of_the_training_data_in_their_order() -> None:
    names = [name.removesuffix(" (cm)").replace(" ", "_") for name in load_iris().feature_names]
    assert list(FIELDS) == names


def test_the_schemas_decode_what_the_model_takes_and_describe_what_it_gives(model: IrisModel) -> None:
    decoded = msgspec.json.decode(msgspec.json.encode(SETOSA), type=IrisModel.input_schema)
    assert msgspec.structs.asdict(decoded) == SETOSA
    assert msgspec.convert(model.predict(decoded), IrisModel.output_schema) == {"species": "setosa"}
    assert (IrisModel.input_schema, IrisModel.output_schema) == (IrisInput, IrisPrediction)


@pytest.mark.parametrize("text", ['"asd"', "null", "true", "1e39", "1e400", "NaN"])
def test_a_decoder_of_the_schema_refuses_what_predict_refuses(text: str) -> None:
    line = msgspec.json.encode(SETOSA).replace(b"1.3", text.encode())
    with pytest.raises(msgspec.DecodeError):
        msgspec.json.decode(line, type=IrisInput)


@wrong_values
def test_a_wrong_value_is_refused_by_field_value_and_expectation(
    model: IrisModel, value: Any, shown: str
) -> None:
    wrong = {**SETOSA, "petal_width": value}
    with pytest.raises(IrisInputError) as refused:
        model.predict(wrong)
    message = str(refused.value)
    assert message.startswith("petal_width is ")
    assert shown in message
    assert message.endswith(": expected a finite number within +-3.4e+38")


@pytest.mark.parametrize("field", FIELDS)
def test_a_missing_field_is_named(model: IrisModel, field: str) -> None:
    rest = {name: value for name, value in SETOSA.items() if name != field}
    with pytest.raises(IrisInputError, match=f"^{field} is missing: expected a number$"):
        model.predict(rest)


def test_each_wrong_field_is_named_and_so_is_a_mistyped_one(model: IrisModel) -> None:
    wrong = {"sepal_length": 1.1, "sepal_width": None, "petal_lenght": 1.4, "petal_width": "asd"}
    with pytest.raises(IrisInputError) as refused:
        model.predict(wrong)
    assert str(refused.value).split("; ") == [
        "sepal_width is None (NoneType): expected a finite number within +-3.4e+38",
        "petal_length is missing: expected a number",
        "petal_width is 'asd' (str): expected a finite number within +-3.4e+38",
        "fields that are not used: ['petal_lenght']",
    ]


@pytest.mark.parametrize("data", NOT_RECORDS)
def test_what_is_no_record_is_refused(model: IrisModel, data: Any) -> None:
    with pytest.raises(IrisInputError, match=r"the record is .*: expected an object with the fields sepal_"):
        model.predict(data)


def test_a_long_value_does_not_make_a_long_message(model: IrisModel) -> None:
    with pytest.raises(IrisInputError) as refused:
        model.predict({**dict.fromkeys(FIELDS, "x" * 10**6), **dict.fromkeys(map(str, range(10**4)))})
    assert len(str(refused.value)) < 1000


def test_a_batch_answers_bad_records_in_their_place_as_predict_does(model: IrisModel) -> None:
    bad = [{**SETOSA, "petal_width": value} for value, _ in WRONG_VALUES] + [{}, *NOT_RECORDS]
    batch = [record for each in bad for record in (VIRGINICA, each, SETOSA)]
    results = model.predict_batch(batch)
    assert results[0::3] == [{"species": "virginica"}] * len(bad)
    assert results[2::3] == [{"species": "setosa"}] * len(bad)
    for record, result in zip(bad, results[1::3], strict=True):
        with pytest.raises(IrisInputError) as refused:
            model.predict(record)
        assert isinstance(result, IrisInputError)
        assert str(result) == str(refused.value)


@wrong_values
def test_one_bad_value_alone_in_a_batch_never_passes_for_a_number(
    model: IrisModel, value: Any, shown: str
) -> None:
    (result,) = model.predict_batch([{**SETOSA, "petal_width": value}])
    assert isinstance(result, IrisInputError)
    assert shown in str(result)


@pytest.mark.parametrize(
    "value",
    [*(value for value, _ in WRONG_VALUES), "8 bytes.", "\ud800", 1, 2**64, 0.25],
    ids=[*(shown for _, shown in WRONG_VALUES), "eight bytes", "half a pair", "1", "2**64", "0.25"],
)
def test_flowers_made_by_hand_get_what_each_gets_alone(model: IrisModel, value: Any) -> None:
    """What was not decoded was not checked: it may be anything, also what is as long as a float in bytes."""
    odd = IrisInput(**{**SETOSA, "petal_length": value})
    good = IrisInput(**SETOSA)
    assert list(map(repr, model.predict_batch([good, odd, good, odd]))) == 2 * [
        repr(model.predict(good)),
        repr(answer_or_error(model, odd)),
    ]


def answer_or_error(model: IrisModel, flower: IrisInput) -> Any:
    try:
        return model.predict(flower)
    except IrisInputError as error:
        return error


@pytest.mark.parametrize("size", [1, 15, 16, 17, 65_535, 65_536, 70_000])
def test_flowers_in_a_list_get_what_they_get_in_columns(model: IrisModel, size: int) -> None:
    """Of any number: the head of their bytes is longer where there are more."""
    rows = np.random.default_rng(seed=size).uniform(0, 8, (size, 4)).round(1)
    columns = pa.RecordBatch.from_arrays([pa.array(column) for column in rows.T], names=list(FIELDS))
    flowers = [IrisInput(*row) for row in rows.tolist()]
    listed = [each["species"] for each in model.predict_batch(flowers)]
    assert listed == model.predict_columns(columns)["species"].tolist()


def test_an_empty_batch_has_no_results(model: IrisModel) -> None:
    assert model.predict_batch([]) == []


def test_changing_a_result_changes_none_of_another_call(model: IrisModel) -> None:
    (first,) = model.predict_batch([SETOSA])
    first["species"] = "rose"
    assert model.predict_batch([SETOSA]) == [model.predict(SETOSA)] == [{"species": "setosa"}]


def test_flowers_of_one_species_share_a_result(model: IrisModel) -> None:
    first, other, second = model.predict_batch([SETOSA, VIRGINICA, SETOSA])
    assert first is second
    assert first is not other


@pytest.mark.parametrize("size", [1, 2, 7, 64, 1000])
def test_a_batch_of_any_size_equals_one_at_a_time(model: IrisModel, size: int) -> None:
    random = np.random.default_rng(seed=size)
    batch = records(random.uniform(0, 8, (size, 4)).round(1))
    assert model.predict_batch(batch) == [model.predict(record) for record in batch]


def test_the_committed_file_agrees_with_scikit_learn_on_every_flower(
    model: IrisModel, classifier: SVC
) -> None:
    flowers = load_iris().data
    assert len(flowers) == 150
    assert mismatches(model, classifier, flowers) == []


def test_the_committed_file_agrees_with_scikit_learn_on_a_grid(model: IrisModel, classifier: SVC) -> None:
    """The file computes in float32: 1 to 3 of a million random points lie near enough a border to differ."""
    points = grid()
    assert len(points) == 100_000
    differing = mismatches(model, classifier, points)
    assert len(differing) <= 1, f"{len(differing)} mismatches in {len(points)}: {differing[:10]}"


def test_a_retrained_file_agrees_with_scikit_learn_as_well(retrained: Path, classifier: SVC) -> None:
    model = IrisModel(retrained)
    assert mismatches(model, classifier, load_iris().data) == []
    differing = mismatches(model, classifier, grid())
    assert len(differing) <= 1, f"{len(differing)} mismatches in 100000: {differing[:10]}"


def test_training_gives_the_same_bytes_each_time(retrained: Path) -> None:
    assert train() == retrained.read_bytes()


def test_the_committed_file_is_small() -> None:
    assert MODEL_FILE.stat().st_size < 2**20


def test_a_model_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    absent = tmp_path / "absent.onnx"
    with pytest.raises(FileNotFoundError, match=r"no model file at .*absent\.onnx: `iris_train --output`"):
        IrisModel(absent)


def run_python(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-c", program, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_predicting_loads_no_training_tool_and_no_pickle_and_prints_nothing() -> None:
    program = """
import sys
sys.addaudithook(lambda event, _: sys.exit(event) if event == "pickle.find_class" else None)
from iris_model.iris_predict import IrisModel
IrisModel().predict(dict.fromkeys(IrisModel.input_schema.__annotations__, 1.0))
sys.exit(" ".join({"sklearn", "skl2onnx", "onnx", "scipy", "joblib"}.intersection(sys.modules)) or 0)
"""
    run = run_python(program)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


TRAIN = "import sys; from iris_model.iris_train import main; main(sys.argv[1:])"


def test_the_training_script_says_what_it_wrote_without_a_warning(tmp_path: Path) -> None:
    output = tmp_path / "iris.onnx"
    run = run_python(TRAIN, "--output", str(output))
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.startswith(f"{output}: {output.stat().st_size} bytes, sha256 ")


def test_training_into_a_folder_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--output", str(tmp_path / "absent" / "iris.onnx")])
    assert (
        ended.value.code == f"iris_train: cannot write {tmp_path}/absent/iris.onnx: No such file or directory"
    )


def test_training_without_its_tools_says_what_to_install(tmp_path: Path) -> None:
    run = run_python(
        f"import sys; sys.modules['skl2onnx'] = None; {TRAIN}", "--output", str(tmp_path / "iris.onnx")
    )
    assert run.returncode == 1
    assert run.stderr == "iris_train: skl2onnx is not installed: pip install 'iris_model[train]'\n"
