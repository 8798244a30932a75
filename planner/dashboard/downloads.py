"""temporary"""
import streamlit as st
from planner.cost.plan import Plan, encode_plan
def downloads(plan: Plan) -> None:
    st.download_button("JSON", lambda: encode_plan(plan), "plan.json", on_click="ignore", key='json')
