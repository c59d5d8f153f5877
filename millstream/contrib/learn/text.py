"""`tf.contrib.learn.preprocessing`: words to numbers."""

from __future__ import annotations

import pickle
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from millstream.base.export import export, export_constant
from millstream.formats.file_object import GFile

# A word begins with a letter or digit and may have apostrophes and hyphens inside.
TOKENIZER_RE = re.compile(r"[A-Z]{2,}(?![a-z])|[A-Z][a-z]+(?=[A-Z])|[\'\w\-]+", re.UNICODE)
export_constant("contrib.learn.preprocessing.TOKENIZER_RE", TOKENIZER_RE)


@export("contrib.learn.preprocessing.tokenizer", "contrib.learn.preprocessing.text.tokenizer")
def tokenizer(iterator: Iterable[str]) -> Iterator[list[str]]:
    """Gives the words of each document."""
    for document in iterator:
        yield TOKENIZER_RE.findall(document)


@export(
    "contrib.learn.preprocessing.ByteProcessor", "contrib.learn.preprocessing.text.ByteProcessor"
)
class ByteProcessor:
    """Maps documents to the bytes of their UTF-8 form.

    Args:
      max_document_length: how many bytes; shorter documents are filled with zeros.
    """

    def __init__(self, max_document_length: int) -> None:
        self.max_document_length = max_document_length

    def fit(self, x: Any) -> ByteProcessor:
        """Returns itself; there is nothing to learn."""
        return self

    def fit_transform(self, x: Any) -> Iterator[np.ndarray]:
        """Gives the bytes of each document."""
        return self.transform(x)

    def reverse(self, x: Any) -> Iterator[str]:
        """Gives the document of each array of bytes."""
        for row in x:
            data = np.trim_zeros(np.asarray(row, np.uint8), "b").tobytes()
            yield data.decode("utf-8", errors="ignore")

    def transform(self, x: Any) -> Iterator[np.ndarray]:
        """Gives the bytes of each document."""
        for document in x:
            data = document.encode() if isinstance(document, str) else document
            found = np.zeros(self.max_document_length, np.uint8)
            used = np.frombuffer(data, np.uint8)[: self.max_document_length]
            found[: len(used)] = used
            yield found


@export(
    "contrib.learn.preprocessing.CategoricalVocabulary",
    "contrib.learn.preprocessing.categorical_vocabulary.CategoricalVocabulary",
)
class CategoricalVocabulary:
    """Numbers words; 0 stands for all that are unknown.

    Args:
      unknown_token: what 0 is in words.
      support_reverse: whether numbers can be turned into words again.
    """

    def __init__(self, unknown_token: str = "<UNK>", support_reverse: bool = True) -> None:
        self._unknown_token = unknown_token
        self._mapping = {unknown_token: 0}
        self._support_reverse = support_reverse
        self._reverse_mapping = [unknown_token]
        self._freq: Counter[str] = Counter()
        self._frozen = False

    def __len__(self) -> int:
        return len(self._mapping)

    def freeze(self, freeze: bool = True) -> None:
        """Makes new words unknown from now on, or numbers them again."""
        self._frozen = freeze

    def get(self, category: str) -> int:
        """Returns the number of a word, a new one if need be."""
        if category not in self._mapping:
            if self._frozen:
                return 0
            self._mapping[category] = len(self._mapping)
            self._reverse_mapping.append(category)
        return self._mapping[category]

    def add(self, category: str, count: int = 1) -> None:
        """Counts a word."""
        if self.get(category) > 0:
            self._freq[category] += count

    def trim(self, min_frequency: int, max_frequency: float = -1) -> None:
        """Drops words that are as rare as `min_frequency` or as frequent as `max_frequency`."""
        kept = sorted(self._freq.items(), key=lambda pair: (-pair[1], pair[0]))
        self._mapping = {self._unknown_token: 0}
        self._reverse_mapping = [self._unknown_token]
        for word, count in kept:
            if count > min_frequency and not 0 < max_frequency <= count:
                self._mapping[word] = len(self._mapping)
                self._reverse_mapping.append(word)
        self._freq = Counter({w: c for w, c in kept if w in self._mapping})

    def reverse(self, class_id: int) -> str:
        """Returns the word of a number.

        Raises:
          ValueError: if words were not kept.
        """
        if not self._support_reverse:
            raise ValueError("This vocabulary wasn't initialized with support_reverse.")
        return self._reverse_mapping[class_id]


@export(
    "contrib.learn.preprocessing.VocabularyProcessor",
    "contrib.learn.preprocessing.text.VocabularyProcessor",
)
class VocabularyProcessor:
    """Maps documents to the numbers of their words.

    Args:
      max_document_length: how many words; shorter documents are filled with zeros.
      min_frequency: words as rare as that are unknown.
      vocabulary: a `CategoricalVocabulary`.
      tokenizer_fn: a function of documents that gives their words.

    Example:
      >>> processor = VocabularyProcessor(4)
      >>> list(processor.fit_transform(["a b c", "b c"]))
      [array([1, 2, 3, 0]), array([2, 3, 0, 0])]
    """

    def __init__(
        self,
        max_document_length: int,
        min_frequency: int = 0,
        vocabulary: CategoricalVocabulary | None = None,
        tokenizer_fn: Callable[[Any], Any] | None = None,
    ) -> None:
        self.max_document_length = max_document_length
        self.min_frequency = min_frequency
        self.vocabulary_ = vocabulary or CategoricalVocabulary()
        self._tokenizer = tokenizer_fn or tokenizer

    def fit(self, raw_documents: Iterable[str], unused_y: Any = None) -> VocabularyProcessor:
        """Learns the words of documents."""
        for words in self._tokenizer(raw_documents):
            for word in words:
                self.vocabulary_.add(word)
        if self.min_frequency > 0:
            self.vocabulary_.trim(self.min_frequency)
        self.vocabulary_.freeze()
        return self

    def fit_transform(
        self, raw_documents: Iterable[str], unused_y: Any = None
    ) -> Iterator[np.ndarray]:
        """Learns the words of documents and gives their numbers."""
        documents = list(raw_documents)
        self.fit(documents)
        return self.transform(documents)

    def transform(self, raw_documents: Iterable[str]) -> Iterator[np.ndarray]:
        """Gives the numbers of each document's words."""
        for words in self._tokenizer(raw_documents):
            found = np.zeros(self.max_document_length, np.int64)
            for place, word in enumerate(words[: self.max_document_length]):
                found[place] = self.vocabulary_.get(word)
            yield found

    def reverse(self, documents: Iterable[Any]) -> Iterator[str]:
        """Gives the words of each array of numbers."""
        for numbers in documents:
            yield " ".join(self.vocabulary_.reverse(number) for number in numbers)

    def save(self, filename: Any) -> None:
        """Writes the processor to a file, for `restore`."""
        with GFile(filename, "wb") as file:
            file.write(pickle.dumps(self))

    @classmethod
    def restore(cls, filename: Any) -> VocabularyProcessor:
        """Reads a processor that `save` wrote; like all pickles, only from a source you trust."""
        with GFile(filename, "rb") as file:
            return pickle.loads(file.read())
