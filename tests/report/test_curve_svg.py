"""The picture of a curve: well-formed, complete, and silent where the data forbid a forecast."""

from xml.etree import ElementTree

import msgspec
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.curve import curve_from_arrays
from planner.law import fit_law
from planner.record import LossKind
from planner.report.curve_svg import HEIGHT_PX, WIDTH_PX, curve_svg

SVG = "{http://www.w3.org/2000/svg}"
T = 256 * 2.0 ** np.arange(8)
CURVE = curve_from_arrays(T, 5 * T**-0.4 + 1)


def test_every_point_the_band_and_the_target_are_drawn() -> None:
    picture = ElementTree.fromstring(curve_svg(fit_law(CURVE), target_loss=1.1))
    assert len(picture.findall(f"{SVG}circle")) == len(T)
    assert len(picture.findall(f"{SVG}polygon")) == 1
    assert any("target 1.1" in (text.text or "") for text in picture.iter(f"{SVG}text"))


def test_a_blocked_curve_shows_its_points_and_no_forecast() -> None:
    blocked = fit_law(msgspec.structs.replace(CURVE, loss_kind=LossKind.TRAINING))
    picture = ElementTree.fromstring(curve_svg(blocked))
    assert len(picture.findall(f"{SVG}circle")) == len(T)
    assert not picture.findall(f"{SVG}polygon")
    assert "forbids a forecast" in (picture.find(f"{SVG}text").text or "")  # type: ignore[union-attr]


@settings(max_examples=15, deadline=None)
@given(st.lists(st.floats(0.01, 50), min_size=1, max_size=9), st.floats(0.01, 60))
def test_any_curve_gives_a_picture_within_its_frame(losses: list[float], target: float) -> None:
    t = 100 * 2.0 ** np.arange(len(losses))
    picture = ElementTree.fromstring(curve_svg(fit_law(curve_from_arrays(t, np.array(losses))), target_loss=target))
    for circle in picture.findall(f"{SVG}circle"):
        assert 0 <= float(circle.get("cx", "nan")) <= WIDTH_PX
        assert 0 <= float(circle.get("cy", "nan")) <= HEIGHT_PX
