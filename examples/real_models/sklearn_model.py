"""scikit-learn: a Pipeline over numbers, text and missing values."""

from __future__ import annotations

import joblib
from passengers import Passenger, frame, passengers, survived
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler


class SklearnModel:
    display_name, qualified_name, description = "Pipeline", "sklearn_model", "The chance to survive."
    version, input_schema, output_schema = "1.0", Passenger, float

    def __init__(self, path: str) -> None:
        self.pipeline = joblib.load(path)

    def predict(self, data: Passenger) -> float:
        return self.predict_batch([data])[0]

    def predict_batch(self, data: list[Passenger]) -> list[float]:
        return self.pipeline.predict_proba(frame(data))[:, 1].tolist()


def train(path: str) -> None:
    """Write the model's file."""
    records = passengers(300)
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    columns = make_column_transformer(
        (numbers, ["age", "fare"]), (OneHotEncoder(handle_unknown="ignore"), ["port"])
    )
    pipeline = make_pipeline(columns, LogisticRegression())
    joblib.dump(pipeline.fit(frame(records), survived(records)), path)
