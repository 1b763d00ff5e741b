"""What people see: the only importer of rich, fed by plain rows and the reports of `rnncli.training`.

output             standard output and error as UTF-8 whatever the locale; nothing printed drives the terminal
training_view      the live display of a run, or plain lines
results            rows as table, CSV, JSON or JSON lines; text as it is made
scores             a score beside its baselines, a backtest as a table
gradient_tables    inspect-grads
comparison_tables  inspect-grads of several networks
reach_table        how far gradients reach, a row a layer
lag_chart        how much of a gradient comes k steps back, on a terminal and as an SVG file
forecast_chart     a forecast after its history, on a terminal and as an SVG file
axes               what charts are drawn with: dots of braille, round tick labels, bars on a logarithmic scale
svg_file           rich's text as an SVG file
"""
