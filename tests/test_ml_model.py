"""What makes a class a model."""

import pytest
from fakes import Doubler, DoublesOneByOne, LacksDescription, as_model
from schema_fakes import EVERY_SHAPE

from model_mapreduce_job.models.contract import BatchModel, missing_members, version_of


@pytest.mark.parametrize("model_class", EVERY_SHAPE)
def test_a_model_in_any_shape_lacks_nothing(model_class: type) -> None:
    assert missing_members(model_class()) == []


def test_missing_members_are_named() -> None:
    class LacksAll:
        pass

    assert missing_members(LacksAll) == [
        "display_name",
        "qualified_name",
        "description",
        "input_schema",
        "output_schema",
        "predict, predict_batch or predict_columns (as a method)",
        "major_version",
        "minor_version",
    ]


def test_half_a_version_is_none() -> None:
    assert missing_members(LacksDescription()) == ["description", "minor_version"]


def test_a_predict_that_can_not_be_called_is_named() -> None:
    @as_model
    class PredictsNothing:
        predict = 5

    assert missing_members(PredictsNothing) == ["predict, predict_batch or predict_columns (as a method)"]


def test_a_version_is_one_text_or_two_numbers() -> None:
    @as_model
    class Versioned:
        version = "2024.1"

    assert version_of(Versioned()) == "2024.1"
    assert version_of(Doubler()) == "1.2"


def test_a_model_predicts_by_the_batch_when_it_has_predict_batch() -> None:
    assert isinstance(Doubler(), BatchModel)
    assert not isinstance(DoublesOneByOne(), BatchModel)
