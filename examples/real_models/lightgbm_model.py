"""LightGBM: text as categories, missing values as they are."""

from __future__ import annotations

import lightgbm
from passengers import Passenger, frame, passengers, survived


class LightGBMModel:
    display_name, qualified_name, description = "LightGBM", "lightgbm_model", "The chance to survive."
    version, input_schema, output_schema = "1.0", Passenger, float

    def __init__(self, path: str) -> None:
        self.booster = lightgbm.Booster(model_file=path)

    def predict(self, data: Passenger) -> float:
        return self.predict_batch([data])[0]

    def predict_batch(self, data: list[Passenger]) -> list[float]:
        return self.booster.predict(frame(data)).tolist()


def train(path: str) -> None:
    """Write the model's file."""
    records = passengers(300)
    settings = {"objective": "binary", "verbose": -1}
    lightgbm.train(settings, lightgbm.Dataset(frame(records), survived(records)), 5).save_model(path)
