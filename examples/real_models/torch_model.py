"""PyTorch: one tensor a batch, without gradients."""

from __future__ import annotations

import torch
from passengers import Passenger, frame, passengers, survived


class TorchModel:
    display_name, qualified_name, description = "PyTorch", "torch_model", "The chance to survive."
    version, input_schema, output_schema = "1.0", Passenger, float

    def __init__(self, path: str) -> None:
        self.network = network().eval().requires_grad_(requires_grad=False)
        self.network.load_state_dict(torch.load(path, weights_only=True))

    def predict(self, data: Passenger) -> float:
        return self.predict_batch([data])[0]

    def predict_batch(self, data: list[Passenger]) -> list[float]:
        return self.network(numbers(data))[:, 0].tolist()


def network() -> torch.nn.Module:
    """Return the network, untrained."""
    return torch.nn.Sequential(torch.nn.Linear(2, 1), torch.nn.Sigmoid())


def numbers(records: list[Passenger]) -> torch.Tensor:
    """Return age and fare, missing values as 0."""
    return torch.tensor(frame(records)[["age", "fare"]].fillna(0).to_numpy("float32"))


def train(path: str) -> None:
    """Write the model's file."""
    records, trained = passengers(300), network()
    steps = torch.optim.Adam(trained.parameters())
    wanted = torch.tensor(survived(records), dtype=torch.float32)
    for _ in range(5):
        steps.zero_grad()
        torch.nn.functional.binary_cross_entropy(trained(numbers(records))[:, 0], wanted).backward()
        steps.step()
    torch.save(trained.state_dict(), path)
