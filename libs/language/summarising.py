"""A short extract of a long message: its own sentences, none invented.

Two thirds of real grievances have at most two sentences, and then the opening is the summary.
Otherwise greetings and introductions are passed over, and the sentences that share most words
with the rest are kept, with a little favour for the first and for those with a number in them.
"""

import math
import re
from collections import Counter, defaultdict

from libs.language.normalising import INPUT_LIMIT, skeleton, tokens

_END = re.compile(
    r"(?<=।)\s*|(?<=[?!])\s+|\n+|(?<=[\w\u0900-\u097f]{2}\.)(?<!\b[NRDMnrdm][osr]\.)(?<!नं\.)\s+"
)
_NAME = re.compile(r"my name is|i am called|mero na+m |मेरो नाम|म .{1,40} (?:बस्ने|हुँ)", re.IGNORECASE)
_SHORTEST = 8
_KEPT = 2
_GREETING = 3
_COMPARED = 40
_LEAD = 0.3
_NUMBER = 0.1


def summarise(text: str, max_chars: int = 220) -> str:
    """The two most telling sentences of `text`, in their order, within `max_chars`.

    The letters are the writer's own; only what no database stores is left out.
    """
    plain = text[:INPUT_LIMIT].encode("utf-8", "ignore").decode().replace("\0", " ")
    parts = [" ".join(part.split()) for part in _END.split(plain)]
    sentences = [part for part in parts if len(part) > _SHORTEST] or [" ".join(plain.split())]
    if len(sentences) <= _KEPT:
        return _fitted(sentences, max_chars)
    telling = [
        line for line in sentences if len(line.split()) > _GREETING and not _NAME.match(line)
    ]
    compared = (telling if len(telling) >= _KEPT else sentences)[:_COMPARED]
    scores = _scores(compared)
    best = sorted(range(len(compared)), key=lambda at: (-scores[at], at))[:_KEPT]
    return _fitted([compared[at] for at in sorted(best)], max_chars)


def _scores(sentences: list[str]) -> list[float]:
    """How central each sentence is, by the cosine of its words with those of all the others."""
    counts = [
        Counter(skeleton(word) for word in tokens(line) if len(word) > _KEPT) for line in sentences
    ]
    spread = Counter(word for count in counts for word in count)
    vectors = [
        {word: number * math.log(1 + len(counts) / spread[word]) for word, number in count.items()}
        for count in counts
    ]
    lengths = [math.sqrt(sum(weight**2 for weight in vector.values())) or 1 for vector in vectors]
    whole: dict[str, float] = defaultdict(float)
    for vector, length in zip(vectors, lengths, strict=True):
        for word, weight in vector.items():
            whole[word] += weight / length
    return [
        (sum(weight * whole[word] for word, weight in vector.items()) / length - 1) / len(sentences)
        + (0 if at else _LEAD)
        + (_NUMBER if re.search(r"\d", sentences[at]) else 0)
        for at, (vector, length) in enumerate(zip(vectors, lengths, strict=True))
    ]


def _fitted(sentences: list[str], max_chars: int) -> str:
    """As many of `sentences` as fit; if not even the first does, it is cut at a word."""
    whole = " ".join(sentences)
    if len(whole) <= max_chars:
        return whole
    if len(sentences) > 1 and len(sentences[0]) <= max_chars:
        return sentences[0]
    cut = whole[: max(0, max_chars - 1)]
    return (cut.rpartition(" ")[0] or cut) + "…" if max_chars > 0 else ""
