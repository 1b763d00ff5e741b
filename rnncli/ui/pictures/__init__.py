"""Pictures for a mail or a report, drawn by matplotlib, the extra `plots`: one module for each kind.

attention   where a seq2seq model looked when it wrote
canvas      the look that all have in common; files in PNG, SVG or PDF, the same bytes for the same input
confusion   how often each label was predicted as which
curves      the course of a training, or of several
dates       an axis of dates
forecast    a series, its forecast with bands, and what came true
gradients   the gradient by lag of a network, or of several
inline      a picture as an element of a page
surprise    a text as a language model reads it

This package imports matplotlib when something is drawn and not before.
"""
