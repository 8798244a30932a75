"""English."""

from planner.report.words.en.answer import ANSWER
from planner.report.words.en.paper import PAPER
from planner.report.words.en.screen import SCREEN
from planner.report.words.language import NumberWords, Words

WORDS = Words(
    locale="en_GB",
    language="en",
    numbers=NumberWords(
        not_reached="not reached",
        unknown="unknown",
        under="under {}",
        over="over {}",
        or_more="{} or more",
        to="{} to {}",
        about="about {}",
    ),
    answer=ANSWER,
    paper=PAPER,
    screen=SCREEN,
    labels={},
)
