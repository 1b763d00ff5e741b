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
timeline     a time column: its format, its step, the stamps that follow
seasonality  a season seen in the series itself
scaling      a window scaled by itself
"""
