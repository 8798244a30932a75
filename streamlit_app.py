"""The dashboard's router: page settings, navigation, run. Start it with `plateau dashboard`."""

import streamlit as st

from planner.dashboard import assumptions_page, board_page, calibration_page, compare_page, plan_page
from planner.dashboard.frame import LOGO
from planner.dashboard.session import session

st.set_page_config(page_title="Plateau", page_icon="📉", layout="wide")
st.logo(LOGO, size="large")
say = session().words.pages
st.navigation(
    [
        st.Page(plan_page.show, title=say.plan, default=True),
        st.Page(calibration_page.show, title=say.calibration, url_path="calibration"),
        st.Page(compare_page.show, title=say.compare, url_path="compare"),
        st.Page(assumptions_page.show, title=say.assumptions, url_path="assumptions"),
        st.Page(board_page.show, title=say.board_paper, url_path="board-paper"),
        # The first page has the empty path; who types /plan or has it in a bookmark shall find it as well.
        st.Page(plan_page.show, title=say.plan, url_path="plan", visibility="hidden"),
    ],
    position="top",
).run()
