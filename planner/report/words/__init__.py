"""Words and numbers as people read them: on screen, on paper and in the terminal alike.

`numbers` formats figures, `sentences` says what a plan means, and one module a language holds the words.
"""

from planner.report.words.language import LANGUAGES, Words, words

__all__ = ["LANGUAGES", "Words", "words"]
