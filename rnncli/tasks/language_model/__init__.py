"""language-model: the next character, byte or word of a text (many-to-many, aligned, state carried across windows).

config, task   its keys; the task
corpus         a text of any size as numbers
streams        contiguous streams of tokens, learnt from with carried state
experiment     a text and a fresh network for it
predictor      a trained network at work: next tokens, texts, step by step
ngram          the interpolated 5-gram, the baseline
"""
