"""English."""

from planner.report.words.language import Words

WORDS = Words(
    locale="en_GB",
    language="en",
    not_reached="not reached",
    unknown="unknown",
    under="under {}",
    over="over {}",
    or_more="{} or more",
    to="{} to {}",
)
