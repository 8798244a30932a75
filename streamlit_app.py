"""The dashboard's router: page settings, navigation, run. Start it with `plateau dashboard`."""

import streamlit as st

from planner.dashboard import assumptions_page, board_page, calibration_page, plan_page
from planner.dashboard.frame import LOGO

st.set_page_config(page_title="Plateau", page_icon="📉", layout="wide")
st.logo(LOGO, size="large")
st.navigation(
    [
        st.Page(plan_page.show, title="Plan", url_path="plan", default=True),
        st.Page(calibration_page.show, title="Calibration", url_path="calibration"),
        st.Page(assumptions_page.show, title="Assumptions", url_path="assumptions"),
        st.Page(board_page.show, title="Board paper", url_path="board-paper"),
    ],
    position="top",
).run()
