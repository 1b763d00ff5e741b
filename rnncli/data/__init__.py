"""Readers of the user's data: bytes in, checked values out; errors name file, line and column.

source       bytes from a file, a pipe or standard input, and their decoding
files        several files as one source: a folder, a pattern, a list
lines        the lines of a text, as they come
encodings    the encoding of data for which none is given
look         the beginning of a data file, by which tasks tell what it is; json_text whether it is JSON
text         text to tokens (characters, bytes or words) and back; words and spacing know the words of Unicode
vocabulary   tokens and their numbers
vectors      vectors of words from a file
cutting      sequences longer than data.max_length
csv_table    CSV records, each with the physical line that it starts on; table_header tells names from data
stray_rows   a row of a table, or JSON, where texts were awaited
csv_writer   rows as CSV
numeric      columns of numbers in a strict grammar, and their scaling
splits       the training split, and the splits that are held out
recordings   sound, steps of numbers and pictures as features, each with the text that it says
manifest     the files that are recordings: a list of them, a folder, a pattern
sounds       sound as steps, sound_stream as it comes; waves, resampling, mel: WAV files, other rates, log-mel features
step_files, archive, pictures   recordings that are numbers, those of .ts files; grey pictures, a step each column
frames       slopes beside features, several rows as one step, normalised
cell_cleaning   marks between thousands, words for missing values, signs of units
digits       how many digits numbers are written with
written      a number that knows how it is written
stamps       time stamps as text and as numbers, a column at once; stamp_templates those of variable width,
             strptime_format those of a format that the user names, decimal_times decimal years and seconds
zones, zoned_times   the clock of a place and UTC; times as they are written there
column_kinds   what a column tells of time; joined_columns those that tell one thing together
timeline     a regular time column, and the stamps that follow it
stamp_column   a column of stamps as values: its format, its zone, its order
time_column  a table's time column to timelines, or the reason for refusing it
"""
