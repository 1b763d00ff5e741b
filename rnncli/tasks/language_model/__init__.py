"""language-model: the next character, byte or word of a text (many-to-many, aligned, state carried across windows).

config, task   the keys of the task; the task
corpus         a text of any size as token numbers
unknown        words that training takes for <unk>
streams        contiguous streams of tokens, and training on them with carried state
items          a text as lines, paragraphs or files that have nothing to do with each other
splits         the splits of a text, of several files, or of items
carried        states that training carries from window to window
texts          training on texts that do not see each other
whole_items    whole items, written one by one
shape          the network that a config describes
experiment     a text, its splits, and a new network for it
predictor      a trained network at work: next tokens, texts, step by step
exported       the network for other programs
compression    texts in few bytes, by a network that learns as it goes
ngram          the interpolated 5-gram of version 0.1, a baseline
kneser_ney     the 5-gram with modified Kneser–Ney smoothing, the baseline to beat
compressors    xz and bzip2 on the same text
following      what it says of texts that grow, for a search
reading        how probable each token of a text was, as the text comes
learning       the same by a model that learns as it reads
scoring        the lines of a text, scored one after the other
surprise       how surprising each token of a held-out text was, for a picture
"""
