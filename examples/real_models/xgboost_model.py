"""XGBoost: text as categories, missing values as they are."""

from __future__ import annotations

import xgboost
from passengers import Passenger, frame, passengers, survived


class XGBoostModel:
    display_name, qualified_name, description = "XGBoost", "xgboost_model", "The chance to survive."
    version, input_schema, output_schema = "1.0", Passenger, float

    def __init__(self, path: str) -> None:
        self.booster = xgboost.Booster(model_file=path)

    def predict(self, data: Passenger) -> float:
        return self.predict_batch([data])[0]

    def predict_batch(self, data: list[Passenger]) -> list[float]:
        return self.booster.predict(xgboost.DMatrix(frame(data), enable_categorical=True)).tolist()


def train(path: str) -> None:
    """Write the model's file."""
    records = passengers(300)
    table = xgboost.DMatrix(frame(records), survived(records), enable_categorical=True)
    xgboost.train({"objective": "binary:logistic"}, table, num_boost_round=5).save_model(path)
