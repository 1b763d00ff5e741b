"""forecast: the next rows of numeric series (many-to-many, `horizon` steps at once).

Networks read windows of `context` rows, each scaled by itself, and correct a naive forecast: one that has learnt
nothing forecasts exactly what that baseline does.

    settings      what a config leaves open and the data decides
    parts         which rows are trained on, chosen by, scored on
    features      a panel as what windows are cut from
    fitted        all that the training rows decide beyond the networks
    members       the networks of a forecast, and what they say together
    trainee       series and fresh networks for them
    backtest      networks beside baselines, over rolling origins
    calibration   intervals from the errors of a backtest
    report        a backtest as figures, and row by row
    forecaster    a trained forecast at work
    follower      the same row by row, as they come
"""

from rnncli.tasks.forecast.forecaster import Forecaster as load
from rnncli.tasks.forecast.trainee import Trainee as prepare

__all__ = ["load", "name", "prepare"]

name = "forecast"
