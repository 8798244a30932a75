"""The words of the dashboard, a struct a part of it: a translation that lacks a word does not load."""

from __future__ import annotations

from msgspec import Struct

from planner.report.words.screen.planning import (
    ChartWords,
    DownloadWords,
    FrameWords,
    FrontWords,
    InputWords,
    LibraryWords,
    LinkWords,
    OptionWords,
    PageWords,
    PlanWords,
    YearWords,
)
from planner.report.words.screen.review import (
    AnswersWords,
    AssumptionsWords,
    BoardWords,
    CalibrationWords,
    CompareWords,
    ConfigurationsWords,
    GivenWords,
    UploadWords,
)

__all__ = [
    "AnswersWords",
    "AssumptionsWords",
    "BoardWords",
    "CalibrationWords",
    "ChartWords",
    "CompareWords",
    "ConfigurationsWords",
    "DownloadWords",
    "FrameWords",
    "FrontWords",
    "GivenWords",
    "InputWords",
    "LibraryWords",
    "LinkWords",
    "OptionWords",
    "PageWords",
    "PlanWords",
    "ScreenWords",
    "UploadWords",
    "YearWords",
]


class ScreenWords(Struct, frozen=True, kw_only=True):
    """All words of the dashboard in one language; texts are Markdown, figures are filled in escaped."""

    pages: PageWords
    frame: FrameWords
    link: LinkWords
    inputs: InputWords
    plan: PlanWords
    years: YearWords
    options: OptionWords
    front: FrontWords
    charts: ChartWords
    downloads: DownloadWords
    library: LibraryWords
    compare: CompareWords
    configurations: ConfigurationsWords
    calibration: CalibrationWords
    answers: AnswersWords
    assumptions: AssumptionsWords
    given: GivenWords
    board: BoardWords
    upload: UploadWords
