"""What people see: the only importer of rich, fed by plain rows and the reports of `rnncli.training`.

output             standard output as UTF-8 whatever the locale; nothing printed drives the terminal
notes              sentences on stderr
working            a word on stderr about what takes its time
training_view      the live display of a run, or plain lines
generated_text     text as it is made
results            rows as table, CSV, JSON or JSON lines
scores             a score beside its floors
sentences          prose as wide as the terminal
gradient_tables    inspect-grads
comparison_tables  inspect-grads of several networks
reach_table        how far gradients reach, a row a layer
ruler_chart        how much of a gradient comes k steps back, on a terminal and as an SVG file
log_bars           bars on a logarithmic scale, with a rule at 1%
forecast_chart     a forecast after its history, on a terminal and as an SVG file
value_axis         the range of a chart and its round tick labels
dot_canvas         lines as dots of braille
svg_file           rich's text as an SVG file
"""
