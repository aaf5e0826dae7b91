"""The wide model: what it says, what it does without, what it refuses, and that its file was trained so."""

import json
from typing import Any

import msgspec
import numpy as np
import pytest
from wide_model.loan_application import CATEGORIES, NUMBERS, LoanApplication
from wide_model.synthetic_applications import Applications, synthetic_applications
from wide_model.wide_predict import WideModel
from wide_model.wide_train import table, train

# The file computes in float32, scikit-learn in float64: a value may be on either side of a tree's threshold.
CLOSE, FEW = 1e-5, 0.02


@pytest.fixture(scope="module")
def model() -> WideModel:
    return WideModel()


@pytest.fixture(scope="module")
def applications() -> Applications:
    return synthetic_applications(500, seed=77)


def records(applications: Applications) -> list[dict[str, Any]]:
    rows = np.hstack([applications.numbers.astype(np.object_), applications.categories]).tolist()
    return [dict(zip((*NUMBERS, *CATEGORIES), map(_present, row), strict=True)) for row in rows]


def _present(value: Any) -> Any:
    return None if value in ("", None) or value != value else value  # noqa: PLR0124 - NaN


def test_rates_an_application_by_what_is_known_of_it(model: WideModel) -> None:
    known = {
        "age": 31,
        "income": 28000.0,
        "loan_amount": 9000.0,
        "late_payments": 3,
        "employment": "contract",
    }
    assert model.predict({**known, "employment": "contract"}) == {"risk": "high", "score": 0.559704}
    assert model.predict({})["risk"] == "low"


def test_null_absent_and_unknown_texts_are_missing(model: WideModel) -> None:
    nothing = model.predict({})
    assert model.predict(dict.fromkeys((*NUMBERS, *CATEGORIES))) == nothing
    assert model.predict({"region": "nowhere", "a field it does not know": 1}) == nothing


def test_a_batch_equals_one_at_a_time(model: WideModel, applications: Applications) -> None:
    decode = msgspec.json.Decoder(model.input_schema).decode
    given = records(applications)
    batch = [decode(json.dumps(record)) for record in given]
    assert model.predict_batch(batch) == list(map(model.predict, given))
    assert model.predict_batch([]) == []


def test_its_file_agrees_with_scikit_learn(model: WideModel, applications: Applications) -> None:
    expected = train().predict_proba(table(applications))[:, 1]
    batch = [LoanApplication(**record) for record in records(applications)]
    scores = [prediction["score"] for prediction in model.predict_batch(batch)]
    assert (np.abs(np.array(scores) - expected) > CLOSE).mean() < FEW


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"age": "old"}, "age is 'old': Expected `float | null`, got `str`"),
        ({"region": 5}, "region is 5: Expected `str | null`, got `int`"),
    ],
)
def test_a_wrong_value_is_refused_by_field_value_and_expectation(
    model: WideModel, data: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match="is") as refused:
        model.predict(data)
    assert str(refused.value).startswith(message)


@pytest.mark.parametrize("data", [None, [], "age", 5])
def test_what_is_no_mapping_is_refused(model: WideModel, data: Any) -> None:
    with pytest.raises(TypeError, match="expected a mapping"):
        model.predict(data)
