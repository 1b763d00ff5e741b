"""forecast: the next rows of numeric series (many-to-many, `horizon` steps at once).

Networks read windows of `context` rows, each scaled by itself, and correct a naive forecast: an untrained network
forecasts exactly what that baseline does.

    config, task        the config; the task
    recognition         whether a data file without a config has series
    panel               several series in one table, with covariates; rows put in their places; storage in a file
    panel_columns, panel_times   the roles of columns; the column of times, or the columns that tell it together
    panel_targets       the columns to forecast, where none is named
    panel_keys          the columns that tell series apart, where none is named
    panel_tables, panel_steps    panels from a CSV; from a table with a row for each step
    hierarchy           sums of series by region and shop: which there are, and their series
    settings            config values that the data decide where they are left open; detection of the season
    splits              the rows for training, for validation and for testing
    features            covariates as features; all else that is fitted to the training rows
    calendar_features   the place of a row in the day, the week and the year, and holidays, as features
    windows             windows of series, transformed and scaled by their contexts
    padding             contexts that begin before their series: what is left of them, and scales of few values
    decoders, recursive   the ways in which a network gets from a context to the rows after it
    losses              the losses of forecasts, and how outputs are read
    members             the networks and their windows; the forecasts of each network and of all together
    learner             learns from shuffled windows of series
    experiment          series and untrained networks for them
    baselines           the forecasts that need no training; a network may correct some of them
    metrics             measures of errors; the probability that one forecast is better than another
    backtest            networks beside baselines, over rolling origins
    reconciliation, reconciliation_choice   forecasts of sums and leaves made to add up; how, by a backtest
    error_quantiles     quantiles of errors, of which some are few, depend on each other, or are of counts
    calibration         intervals from the errors of a backtest
    averaging           the average of the networks' forecast and a baseline's
    paths               forecasts that go on beyond the trained horizon, and drawn paths
    validated           what the validation split tells: intervals, and whether a naive forecast is better
    reports             the results that are shown beside the score: backtests, charts, intervals
    report              a backtest as figures, and row by row; the checks that end in exit code 7
    continuation        rows that go on where others end
    forecaster          the predictor: forecasts from a trained model
    exported            the networks for other programs; exported_rows, exported_features: what happens to rows
    worst               the windows of a backtest that were forecast worst, as charts
    read_back           a forecast that was written as rows, as charts again
    answers, explanation, totals   as rows and charts; what moved them; their sums over the horizon
    follower            forecasts row by row as rows arrive
    follow              a stream that is followed until it ends, and its state in a file
    stream_lines, stream_places, stream_answers   its lines; the rows before its first answer; the answers
"""
