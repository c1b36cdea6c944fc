"""The whole offline reading of a grievance, as the classify task needs it.

Arguments and results can be pickled: the task runs this in a child process.
"""

from dataclasses import dataclass

from libs.language.categorising import Suggestion, suggest
from libs.language.detecting import Language, detect
from libs.language.resources import version
from libs.language.sensitivity import Sensitivity, triage
from libs.language.summarising import summarise

_CERTAIN = 1.0


@dataclass(frozen=True, slots=True)
class Reading:
    """What the offline engine made of a text, and which version of its data did."""

    language: Language
    categories: list[Suggestion]
    summary: str
    engine: str


def read(text: str) -> Reading:
    """Language, categories and summary of `text`; what triage calls SEAH is only ever SEAH."""
    seah = triage(text).sensitivity is Sensitivity.SEAH
    return Reading(
        language=detect(text),
        categories=[Suggestion("SEAH", _CERTAIN)] if seah else suggest(text),
        summary=summarise(text),
        engine=version(),
    )
