"""forecast: the next rows of numeric series (many-to-many, `horizon` steps at once).

Networks read windows of `context` rows, each scaled by itself, and correct a naive forecast: one that has learnt
nothing forecasts exactly what that baseline does.

    config, task  its keys; the task
    panel         many series, one under another, with covariates
    panel_columns, panel_tables, panel_file   which columns are what; from a CSV; in a model file
    panel_steps, panel_rows, panel_grid, gaps   a row for each step; for each series; rows at their places; gaps filled
    covariates, transforms, seasonality   columns beside the targets; log and the like, and back; a season seen
    settings      what a config leaves open and the data decides
    splits        which rows are trained on, chosen by, scored on
    features      a panel as what windows are cut from
    fitted        all that the training rows decide beyond the networks
    windows       windows of series, scaled by their contexts
    decoders, recursive   how a network gets from a context to the rows after it
    losses        the losses of forecasts, and how outputs are read
    member, members   one network, its windows and what it says of them; all of them together
    learner       learns from shuffled windows of series
    experiment    series and fresh networks for them
    baselines, theta   the forecasts that need no learning; a network may correct some of them
    metrics, bootstrap   what forecasts are judged by; whether one is better than another, or only luckier
    backtest      networks beside baselines, over rolling origins
    calibration   intervals from the errors of a backtest
    reports       what it reports: backtests, charts, intervals
    report        a backtest as figures, and row by row
    checks        what ends in exit code 7
    forecaster    a trained forecast at work
    follower, follow   the same row by row, as they come; with its state kept in a file
"""
