"""Reading what people have: bytes in, checked values out; errors name file, line and column.

source       bytes from a file, a pipe or standard input, and their decoding
text         characters, bytes or words, and back
vocabulary   tokens and their numbers
csv_table    records with the physical line each starts on
numeric      columns of numbers, by a strict grammar, and what they are scaled by
splits       a training part, and those held out of it
stamps       time stamps as text and as numbers
timeline     a regular time column and what follows it
time_column  from a table's column to timelines, or a reason why not
"""
