"""language-model: the next character, byte or word of a text (many-to-many, aligned, state carried across windows).

corpus       a text of any size as numbers
streams      contiguous streams of tokens, learnt from with carried state
experiment   a text and a fresh network for it; a trained one at work
decoding     a token network step by step: priming, sampling
ngram        the interpolated 5-gram, the baseline
"""

from rnncli.tasks.language_model.experiment import LanguageModel as load
from rnncli.tasks.language_model.experiment import Trainee as prepare

__all__ = ["load", "name", "prepare"]

name = "language-model"
