"""Predicts a pandas frame, for the peers whose unit of work is one."""

import numpy as np
import pandas as pd
from served_model import MODELS, predict


def with_predictions(frame: pd.DataFrame, model_name: str) -> pd.DataFrame:
    """Return the frame with the prediction's columns added."""
    model = MODELS[model_name]
    numbers = frame[list(model.numbers)].to_numpy(np.float32)
    texts = frame[list(model.texts)].fillna("").to_numpy(np.object_)
    return frame.assign(**predict(model_name, numbers, texts))
