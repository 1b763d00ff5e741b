"""The user interface, which draws plain rows and the reports of other packages; the only importer of rich and
matplotlib.

output             standard output and error as UTF-8 whatever the locale; nothing printed can control the terminal
training_view      the live display of a run, or plain lines; thinned: which lines of a long one are shown
tuning_view        a search for settings, and its table
prospect           what a training would be
verified           the checks of a run
coded              bytes for a file or a pipe
exported           what goes into and comes out of a model that was exported
results            rows as table, CSV, JSON or JSON lines; text as it is made
run_list           a list of runs
numbers            numbers as people read them
scores             a score beside its baselines, a backtest as a table
line_scores        lines of a text with how surprising they are
heat               a text coloured by how surprising it is, on a terminal or in HTML
label_tables       what labels are taken for: few as a matrix, many as lists
gradient_tables    the report of inspect-grads
comparison_tables  the reports of inspect-grads on several networks
lag_lines          gradients by lag as lines of braille
reach_table        how far gradients reach, one row per layer
lag_chart          the gradient by lag, on a terminal
forecast_chart     a forecast after its history, on a terminal
axes               drawing tools of charts: dots of braille, round tick labels, bars on a logarithmic scale
pictures           the same and more as files, drawn by matplotlib
page               a page on runs in HTML
manual             the manual on a terminal or in a pipe
"""
