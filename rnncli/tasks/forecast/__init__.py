"""forecast: the next rows of numeric series (many-to-many, `horizon` steps at once).

Networks read windows of `context` rows, each scaled by itself, and correct a naive forecast: one that has learnt
nothing forecasts exactly what that baseline does.

    config, task        its keys; the task
    panel               many series, one under another, with covariates; rows at their places; in a model file
    panel_columns, panel_tables, panel_steps   which columns are what; from a CSV; one with a row for each step
    settings            what a config leaves open and the data decides; a season seen
    splits              which rows are trained on, chosen by, scored on
    features            covariates and the calendar as features; all that the training rows decide beyond the networks
    windows             windows of series, transformed and scaled by their contexts
    decoders, recursive   how a network gets from a context to the rows after it
    losses              the losses of forecasts, and how outputs are read
    members             the networks, their windows and what they say, each by itself and all together
    learner             learns from shuffled windows of series
    experiment          series and fresh networks for them
    baselines           the forecasts that need no learning; a network may correct some of them
    metrics             what forecasts are judged by; whether one is better than another, or only luckier
    backtest            networks beside baselines, over rolling origins
    calibration         intervals from the errors of a backtest
    reports             what it reports: backtests, charts, intervals
    report              a backtest as figures, and row by row; what ends in exit code 7
    forecaster          a trained forecast at work
    follower, follow    the same row by row, as they come; with its state kept in a file
"""
