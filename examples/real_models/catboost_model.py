"""CatBoost: rows as they come; text may not be missing, so it has a value of its own for that."""

from __future__ import annotations

from catboost import CatBoostClassifier
from passengers import Passenger, passengers, survived


class CatBoostModel:
    display_name, qualified_name, description = "CatBoost", "catboost_model", "The chance to survive."
    version, input_schema, output_schema = "1.0", Passenger, float

    def __init__(self, path: str) -> None:
        self.model = CatBoostClassifier().load_model(path)

    def predict(self, data: Passenger) -> float:
        return self.predict_batch([data])[0]

    def predict_batch(self, data: list[Passenger]) -> list[float]:
        return self.model.predict_proba(rows(data))[:, 1].tolist()


def rows(records: list[Passenger]) -> list[list[object]]:
    """Return the values of records, in the order of training."""
    return [[row["age"], row["fare"], row["port"] or "unknown"] for row in records]


def train(path: str) -> None:
    """Write the model's file."""
    records = passengers(300)
    model = CatBoostClassifier(iterations=5, cat_features=[2], verbose=False, allow_writing_files=False)
    model.fit(rows(records), survived(records)).save_model(path)
