"""The predictor of a language model: next tokens, texts, and reading step by step."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from rnncli.config.sections import Config
from rnncli.data.encodings import UTF_8
from rnncli.data.lines import Line, Opened
from rnncli.data.source import Source
from rnncli.data.text import BYTES, WORDS, Detokenizer
from rnncli.data.vocabulary import UNKNOWN_NUMBER, Vocabulary, describe_unseen
from rnncli.errors import DataError, UsageError, shown
from rnncli.nn.network import Network
from rnncli.notes import note
from rnncli.tasks.answers import Piece, Pieces
from rnncli.tasks.headers import config_in
from rnncli.tasks.language_model import copies, mixture
from rnncli.tasks.language_model.bad_words import BadWords
from rnncli.tasks.language_model.config import LanguageModelConfig
from rnncli.tasks.language_model.decoding import Barred, Decoder, Sampling
from rnncli.tasks.language_model.following import Following
from rnncli.tasks.language_model.items import BETWEEN, LINES, STREAM, note_own_bytes
from rnncli.tasks.language_model.kneser_ney import KneserNey
from rnncli.tasks.language_model.mixture import MixedReading
from rnncli.tasks.language_model.reading import ItemsReading, Reading, StreamReading
from rnncli.tasks.language_model.scoring import LONGEST, Cut, in_larger_lists, scored_text
from rnncli.tasks.language_model.shape import network_shape
from rnncli.tasks.language_model.whole_items import Wanted, items_of, written
from rnncli.tasks.line_by_line import Faults, line_by_line
from rnncli.tasks.scored import ScoredText
from rnncli.tasks.task import Asked, Experiment, Options, Predictor
from rnncli.training.backpropagation import ThreadPool

if TYPE_CHECKING:
    from rnncli.tasks.exported import InOnnx, InTorch
    from rnncli.tasks.language_model.compression import Codec
    from rnncli.tasks.language_model.experiment import TextExperiment

TOP = 5  # next tokens
_COLUMNS = ("line", "rank", "token", "probability")
TOGETHER = 32  # texts that are written at once; more rows than that no longer make the weights' way pay
MOST_KEPT = 4_000_000  # tokens of theirs that are kept until their turn comes


class LanguageModel(Predictor):
    """A trained language model: continues a text, and names the most probable next tokens."""

    def __init__(self, header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]):
        self.vocabulary = self._reader = Vocabulary.from_header(header["vocabulary"])
        config = config_in(header, LanguageModelConfig)
        self.encoding, self.items = config.data.encoding, config.data.items
        self.reads_bytes = self.vocabulary.kind in BYTES
        self._known: frozenset[bytes] | None = None
        self._noted: set[str] = set()
        self.network = Network(network_shape(config, len(self.vocabulary)))
        self.network.load(arrays)
        self._shares, self._counted = mixture.kept(header, arrays, len(self.vocabulary))
        self._mixed_with = cache(self._counted_ngram)  # one for all copies of this predictor

    @property
    def _ngram(self) -> KneserNey | None:
        """The 5-gram that the network is mixed with, if it is."""
        return self._mixed_with()

    def _counted_ngram(self) -> KneserNey | None:
        if self._counted is None:
            return None
        return KneserNey(self._counted.astype(np.int32), len(self.vocabulary), self.vocabulary.end)

    def _take(self, options: Options) -> None:
        """Read tokens that the model does not know as the option `unknown` says."""
        if read_as := options.get("unknown"):
            self._reader = self.vocabulary.reading(dict(read_as))

    def _mixed(self, reading: Reading, first: int | None) -> Reading:
        if self._ngram is None:
            return reading
        return MixedReading(reading, self._ngram, self._shares, first)

    def predict(self, asked: Asked) -> Pieces:
        """Return the most probable next tokens after each line of the data, as the lines come."""
        self._take(asked.options)
        if asked.data is None:
            raise UsageError("a language model predicts after given lines; name a file of them, or - for a pipe")
        lists, faults = self._lines(asked)
        answers = line_by_line(lists, _Lines(self, asked.options.get("top", TOP)), faults)
        return Pieces(answers, columns=_COLUMNS)

    def _lines(self, asked: Asked, cut_at: int | None = None) -> tuple[Iterator[list[Line]], Faults]:
        """Return the lines that are asked about, and what tells of those that cannot be read. cut_at: characters,
        beyond which a line comes in parts; without it a line that is too long has an error."""
        assert asked.data is not None
        opened, encoding = Opened(asked.data), asked.reading.get("encoding", self.encoding)
        if self.vocabulary.kind == "byte":
            note_own_bytes(asked.reading.get("encoding", UTF_8))
            encoding = None
        if cut_at is None:
            lists = opened.lines(encoding, takes_bytes=self.reads_bytes)
        else:
            lists = opened.cut_lines(encoding, cut_at, takes_bytes=self.reads_bytes)
        return lists, Faults(opened.name, asked)

    def score(self, asked: Asked) -> ScoredText:
        """Return the lines of the data with the bits of each token, as the lines come; the text begins as a prime does.

        With the option `adapt` a copy of the network reads them too, which learns from what it has read.
        """
        self._take(asked.options)
        pool = ThreadPool(None)
        first, end = self.vocabulary.boundary, self.vocabulary.end
        reading: Reading
        learning = None
        if end is not None:
            self._require_lines(asked.options)
            reading = ItemsReading(self.network, pool, end)
        else:
            reading = StreamReading(self.network, pool, first)
            if asked.options.get("adapt"):
                from rnncli.tasks.language_model.learning import LearningReading

                copy = Network(self.network.shape)
                copy.load(self.network.parameters.export())
                learning = self._mixed(LearningReading(copy, pool, first), first)
        lists, faults = self._lines(asked, LONGEST)
        if asked.data != "-":
            lists = in_larger_lists(lists)
        return scored_text(lists, faults, Cut(self._reader), self._mixed(reading, first), learning)

    def _require_lines(self, options: Options) -> None:
        if self.items != LINES:
            raise UsageError(f"score reads lines, and this is a model of {self.items}; use rnncli evaluate RUN DATA")
        if options.get("adapt"):
            raise UsageError("--adapt: lines that have nothing to do with each other teach nothing; leave it out")

    @property
    def between_texts(self) -> str | None:
        return None if self.items == STREAM else BETWEEN[self.items]

    def following(self, symbols: Sequence[str], kind: str) -> Callable[[], Following]:
        if self.vocabulary.kind != kind:
            raise UsageError(f"--lm: reads {self.vocabulary.kind} tokens, and the transcripts have {kind} ones")
        tokens = self.vocabulary.numbers(symbols).astype(int)
        if unknown := [one for one, token in zip(symbols[1:], tokens[1:].tolist(), strict=True) if not token]:
            count = f"{len(unknown):,} of {len(symbols) - 1:,} symbols"
            note(f"--lm: {count} are unknown to it, {shown(unknown[0])} the first")
        boundary = self.vocabulary.boundary
        return lambda: Following(self.network, tokens, boundary, boundary)

    def know(self, config: Config, source: Source) -> None:
        if self.items == STREAM:
            raise UsageError(
                "--novel: this model writes a stream, not items that could be new; leave it out, or train with --set "
                "data.items=lines"
            )
        assert isinstance(config, LanguageModelConfig)
        self._known = items_of(source, config, self.vocabulary)

    def generate(
        self, prime: str, options: Options, experiment: Experiment | None = None
    ) -> Iterator[tuple[int, Iterator[str]]]:
        """Return `count` texts of `length` tokens after `prime`, each as pieces, from seeds seed, seed + 1, …

        A model of items writes whole ones, prime included, of up to `length` tokens after it.
        """
        self._take(options)
        prime = self._reader.as_read(prime)
        others = ("length", "count", "novel", "unknown")
        sampling = {name: value for name, value in options.items() if name not in others}
        how, length, count = Sampling(**sampling), options["length"], options.get("count", 1)
        trained = None if experiment is None else cast("TextExperiment", experiment).train_ids
        if self.items == STREAM:
            return enumerate(self.continued(prime, how, length, count, trained))
        return ((number, iter([text])) for number, text in self._whole(prime, how, length, count, trained))

    def _whole(
        self, prime: str, how: Sampling, length: int, count: int, trained: np.ndarray | None
    ) -> Iterator[tuple[int, str]]:
        """Yield `count` items that begin with `prime`, each with its number."""
        prime = prime.removesuffix("\n").removesuffix("\r")  # of the last line of a file
        if self.items == LINES and ("\n" in prime or "\r" in prime):
            raise UsageError("the prime has several lines, and an item of this model is one; give its beginning")
        decoder = Decoder(self.network, UNKNOWN_NUMBER)
        begun, barred = self.encode(prime, "the prime"), self._barred(how, prime, trained)
        logits = decoder.read(self.beginning(prime, "the prime"))

        def draw(first: int, wanted: int) -> list[Iterator[int]]:
            batch = min(_together(length), wanted)
            sequences = decoder.write(logits, replace(how, seed=how.seed + first), batch, barred)
            return [sequences.sequence(b) for b in range(batch)]

        return written(self.vocabulary, begun, draw, Wanted(self.items, count, length, self._known))

    def _barred(self, how: Sampling, prime: str, trained: np.ndarray | None) -> Barred:
        """Return what texts after `prime` must not have; see `continued`."""
        bad = BadWords(self.vocabulary, how.bad_words)
        barred = Barred(bad.after, bad.place_after(prime))
        if not how.max_copy:
            return barred
        assert trained is not None
        return replace(barred, seen=copies.filter_of(trained, how.max_copy + 1), read=self._reader.encode(prime))

    def copied(self, texts: Sequence[str], experiment: Experiment) -> str:
        trained = cast("TextExperiment", experiment).train_ids
        found = copies.copied([self.vocabulary.encode(text) for text in texts], trained)
        return (
            f"of {found.tokens:,} tokens the longest run that is copied from the training text has {found.longest:,}; "
            f"{found.share:.1%} of the sequences of {copies.N} tokens occur in it"
        )

    def continued(
        self, prime: str, how: Sampling, length: int, count: int = 1, trained: np.ndarray | None = None
    ) -> Iterator[Iterator[str]]:
        """Yield `count` texts of `length` tokens after `prime`, each as pieces, from seeds how.seed, how.seed + 1, …
        `trained` is needed where how.max_copy is set: the tokens that are not copied.

        Texts are written several at a time, and read in order. A character may take several bytes, so the piece of a
        token may be empty.
        """
        decoder = Decoder(self.network, UNKNOWN_NUMBER)
        barred = self._barred(how, prime, trained)
        logits = decoder.read(self.beginning(prime, "the prime"))
        together = _together(length)
        for start in range(0, count, together):
            batch = min(together, count - start)
            written = decoder.write(logits, replace(how, seed=how.seed + start), batch, barred)
            for b in range(batch):
                yield self._pieces(prime, itertools.islice(written.sequence(b), length))

    def codec(self, threads: int | None) -> Codec:
        """Return what codes one text by this network; UsageError for words, which do not spell every text."""
        from rnncli.tasks.language_model.compression import of_model

        kind = self.vocabulary.kind
        if self.vocabulary.end is not None:
            raise UsageError("a model of items, and a file is a stream; name a run of data.items: stream")
        if kind not in ("char", "byte"):
            raise UsageError(f"its tokens are of the kind {kind}; name a run of data.tokens: char or byte")
        return of_model(self.network, self.vocabulary, threads)

    @property
    def is_mixed(self) -> bool:
        """True if it answers by a 5-gram too."""
        return self._counted is not None

    def in_onnx(self) -> InOnnx:
        from rnncli.tasks.language_model import exported

        return exported.in_onnx(self)

    def in_torch(self) -> InTorch:
        from rnncli.tasks.language_model import exported

        return exported.in_torch(self)

    def _pieces(self, prime: str, tokens: Iterator[int]) -> Iterator[str]:
        """Yield the text of each token as it goes on after `prime`, whose last space is not written again."""
        # Bytes that are no UTF-8 become surrogates, and bytes again where they are written.
        detokenizer = Detokenizer(self.vocabulary.kind, errors="surrogateescape")
        for token in self.vocabulary.decode(self._reader.encode(prime)):
            detokenizer.push(token)
        is_spaced = self.vocabulary.kind in WORDS and prime[-1:].isspace()
        for number in tokens:
            token = self.vocabulary.tokens[number]
            piece = detokenizer.push(token)
            yield token if is_spaced else piece
            is_spaced = False
        yield detokenizer.flush()

    def next_tokens(self, ids: np.ndarray, top: int) -> list[tuple[str, float]]:
        """Return the `top` most probable tokens after `ids`, with their probabilities; `<unk>` is none of them."""
        decoder = Decoder(self.network, UNKNOWN_NUMBER)
        chances = decoder.probabilities(decoder.read(ids))
        if self._ngram is not None:
            chances = mixture.together(chances, self._ngram, self._shares, ids, UNKNOWN_NUMBER)
        best = np.argsort(-chances, kind="stable")[:top]
        return [(self.vocabulary.written(v), float(chances[v])) for v in best if v != UNKNOWN_NUMBER]

    def encode(self, text: str, where: str) -> np.ndarray:
        """Return the token numbers of `text`. A word that the model has never seen is read as <unk>, with a note;
        unseen characters or bytes raise DataError, which names them.
        """
        unseen = self._reader.unseen(text)
        if unseen and self.vocabulary.kind in WORDS:
            message = f"{where}: {describe_unseen(unseen, self.vocabulary.kind)} is read as <unk>"
            if message not in self._noted:
                note(message)
            self._noted.add(message)
        elif unseen:
            as_another = "" if self.reads_bytes else " read it as another (--unknown),"  # which is for characters
            raise DataError(
                f"{where}: {describe_unseen(unseen, self.vocabulary.kind)} does not occur in what the model was "
                f"trained on; remove it,{as_another} or train on a text that has it"
            )
        return self._reader.encode(text)

    def beginning(self, text: str, where: str) -> np.ndarray:
        """Return the tokens of `text` as the beginning of an item, or else of a line, or the first known token if there
        are none."""
        ids, before = self.encode(text, where), self.vocabulary.boundary
        if before is not None:
            return np.append(before, ids)
        return ids if len(ids) else np.ones(1, np.int32)


def _together(length: int) -> int:
    """Return the number of texts of this length that are written at once."""
    return max(1, min(TOGETHER, MOST_KEPT // max(length, 1)))


class _Lines:
    """The next tokens after lines, blank ones too."""

    def __init__(self, model: LanguageModel, top: int):
        self.model, self.top = model, top

    def read(self, line: Line) -> np.ndarray:
        return self.model.beginning(line.text, line.where)

    def answers(self, lines: Sequence[Line], inputs: Sequence[np.ndarray]) -> list[Piece]:
        return [
            self._piece(line, self.model.next_tokens(ids, self.top)) for line, ids in zip(lines, inputs, strict=True)
        ]

    def nothing(self, line: Line) -> Piece:
        return Piece({"line": line.text, "next": None}, [dict.fromkeys(_COLUMNS) | {"line": line.text}])

    def _piece(self, line: Line, following: list[tuple[str, float]]) -> Piece:
        return Piece(
            {"line": line.text, "next": [{"token": token, "probability": p} for token, p in following]},
            [
                {"line": line.text, "rank": rank, "token": token, "probability": p}
                for rank, (token, p) in enumerate(following, start=1)
            ],
        )
