"""What is asked about predictions: where the label is, and where what was predicted."""

from __future__ import annotations

from dataclasses import dataclass

from model_mapreduce_job.exceptions import InputError


@dataclass(frozen=True)
class Questions:
    """Where label and prediction are, and what they are.

    label and group are fields of the input; predicted and probability of the prediction, or "". A field of a
    field is `outer.inner`. numbers says that labels are numbers, and no classes. A probability may be a
    number, that of the class positive (or, with of_predicted, of the one that is predicted of two); an object
    with one for each class; or a list, in the order of classes. classes alone are fields of the prediction
    that have the probability of each.
    """

    label: str
    predicted: str = ""
    probability: str = ""
    positive: str = ""
    of_predicted: bool = False
    classes: tuple[str, ...] = ()
    group: str = ""
    numbers: bool = False

    def check(self) -> None:
        """Raise InputError for questions that have no answer."""
        if not self.label:
            raise InputError("--label_field is missing: name the input's field that has the right answer.")
        probabilities = {
            "--probability_field": self.probability,
            "--positive": self.positive,
            "--classes": self.classes,
            "--of_predicted": self.of_predicted,
        }
        given = next((name for name, value in probabilities.items() if value), None)
        if self.numbers and given:
            raise InputError(f"{given} is of classes, and --numbers says that there are none. Leave one out.")
        if self.positive and not self.probability:
            raise InputError(f"--positive {self.positive} needs --probability_field, its probability.")
        if self.of_predicted and not self.positive:
            raise InputError("--of_predicted needs --positive, one of the two classes.")
        if self.positive and self.classes:
            raise InputError("--positive and --classes exclude each other. Leave one out.")

    @property
    def asks_for_probabilities(self) -> bool:
        """Whether probabilities are looked at."""
        return bool(self.probability or self.classes)
