"""English, Nepali, and Nepali in Latin letters."""

import pytest

from libs.language.detecting import Language, detect


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The bridge near the mill has been shut since March", Language.ENGLISH),
        ("When will somebody repair this?", Language.ENGLISH),
        ("पुल नजिकको बाटो भत्किएको छ", Language.NEPALI),
        ("Itahari को अस्पतालमा doctor छैन", Language.NEPALI),
        ("pul najik ko bato bhatkiyeko cha", Language.ROMANISED),
        ("school ko toilet ma pani chaina", Language.ROMANISED),
        ("dhanyabad hajur", Language.ROMANISED),
    ],
)
def test_the_language_of_a_message_is_recognised(text: str, language: Language) -> None:
    """S3-03b: Romanised Nepali is a language of its own, also when English nouns are mixed in."""
    assert detect(text) is language


@pytest.mark.parametrize("text", ["", "👍", "123", "।", "\ud800"])
def test_nothing_to_go_by_is_called_english(text: str) -> None:
    assert detect(text) is Language.ENGLISH
