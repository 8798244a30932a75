"""Nederlands. The dashboard."""

from planner.report.words.nl import planning, review
from planner.report.words.screen import ScreenWords

SCREEN = ScreenWords(
    pages=planning.PAGES,
    frame=planning.FRAME,
    link=planning.LINK,
    inputs=planning.INPUTS,
    plan=planning.PLAN,
    years=planning.YEARS,
    options=planning.OPTIONS,
    front=planning.FRONT,
    charts=planning.CHARTS,
    downloads=planning.DOWNLOADS,
    library=planning.LIBRARY,
    compare=review.COMPARE,
    configurations=review.CONFIGURATIONS,
    calibration=review.CALIBRATION,
    answers=review.ANSWERS,
    assumptions=review.ASSUMPTIONS,
    given=review.GIVEN,
    board=review.BOARD,
    upload=review.UPLOAD,
)
