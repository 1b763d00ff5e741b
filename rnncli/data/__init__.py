"""Reading what people have: bytes in, checked values out; errors name file, line and column.

source       bytes from a file, a pipe or standard input, and their decoding
corpus       a text of any size as numbers
text         characters, bytes or words, and back
vocabulary   tokens and their numbers
csv_table    records with the physical line each starts on
examples     labelled sequences
example_files, example_tables, archive   every form of file that they come in
tagged       sequences with a tag for every step
pairs        what is given and what is written for it
numeric      columns of numbers, by a strict grammar
panel        many series, one under another, with covariates
panel_columns, panel_tables, panel_file   which columns are what; from a CSV; in a model file
panel_steps, panel_rows, panel_grid       a row for each step; for each series; rows at their places
gaps         missing values filled
stamps       time stamps as text and as numbers
timeline     a regular time column and what follows it
time_column  from a table's column to timelines, or a reason why not
calendar     features of the calendar
covariates   columns beside the targets as features
transforms   log, Box-Cox and the like, and back
seasonality  a season seen in the series itself
scaling      a window scaled by itself
"""
