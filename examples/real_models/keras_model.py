"""Keras: one array a batch, whole batches at a time."""

from __future__ import annotations

import keras
import numpy as np
from passengers import Passenger, frame, passengers, survived


class KerasModel:
    display_name, qualified_name, description = "Keras", "keras_model", "The chance to survive."
    version, input_schema, output_schema = "1.0", Passenger, float

    def __init__(self, path: str) -> None:
        self.network = keras.saving.load_model(path)

    def predict(self, data: Passenger) -> float:
        return self.predict_batch([data])[0]

    def predict_batch(self, data: list[Passenger]) -> list[float]:
        return self.network.predict_on_batch(numbers(data))[:, 0].tolist()


def numbers(records: list[Passenger]) -> np.ndarray:
    """Return age and fare, missing values as 0."""
    return frame(records)[["age", "fare"]].fillna(0).to_numpy(np.float32)


def train(path: str) -> None:
    """Write the model's file."""
    records = passengers(300)
    network = keras.Sequential([keras.layers.Input([2]), keras.layers.Dense(1, activation="sigmoid")])
    network.compile(loss="binary_crossentropy")
    network.fit(numbers(records), np.array(survived(records)), epochs=1, verbose=0)
    network.save(path)
