"""Makes churn.onnx and customers.csv: a pipeline, trained on made-up customers.

It imputes, scales and encodes.

It needs scikit-learn, pandas and skl2onnx; a run with the file needs none of them.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

HERE = Path(__file__).parent
NUMBERS = ["tenure_months", "monthly_fee", "support_calls"]
SHOWN = 12


def customers(count: int = 2000) -> pd.DataFrame:
    """Return customers, of whom some have no monthly fee, and whether they left."""
    generator = np.random.default_rng(11)
    table = pd.DataFrame(
        {
            "customer": np.arange(1001, 1001 + count),
            "tenure_months": generator.integers(1, 72, count),
            "monthly_fee": generator.normal(55, 20, count).clip(10).round(2),
            "support_calls": generator.poisson(1.5, count),
            "contract": generator.choice(["monthly", "yearly"], count, p=[0.6, 0.4]),
        }
    )
    monthly = table["contract"] == "monthly"
    risk = 0.6 * table["support_calls"] - 0.05 * table["tenure_months"] + monthly - 0.4
    table["churned"] = np.where(generator.random(count) < 1 / (1 + np.exp(-risk)), "leaves", "stays")
    table.loc[::7, "monthly_fee"] = np.nan
    return table


def trained(table: pd.DataFrame) -> Pipeline:
    """Return the fitted pipeline."""
    steps = ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), NUMBERS),
            ("contract", OneHotEncoder(handle_unknown="ignore"), ["contract"]),
        ]
    )
    return make_pipeline(steps, LogisticRegression()).fit(table[[*NUMBERS, "contract"]], table["churned"])


def main() -> None:
    """Write both files beside this one."""
    table = customers()
    inputs = [(name, FloatTensorType([None, 1])) for name in NUMBERS]
    inputs.append(("contract", StringTensorType([None, 1])))
    model = to_onnx(
        trained(table),
        name="churn",
        initial_types=inputs,
        options={"zipmap": False},
        target_opset={"": 15, "ai.onnx.ml": 3},
    )
    (HERE / "churn.onnx").write_bytes(model.SerializeToString())
    table.head(SHOWN).drop(columns="churned").to_csv(HERE / "customers.csv", index=False)


if __name__ == "__main__":
    main()
