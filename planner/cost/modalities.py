"""How many examples the adapters of several modalities take, against one joint adapter.

A joint fine-tuning of E examples holds the share w of every modality. Without transfer (x = 0) an adapter of its own
needs those w E examples alone; if every study teaches all modalities alike (x = 1) it needs all E again, of its own
kind. In between: (w + (1 - w) x) E. Over n modalities that is (1 + (n - 1) x) E. What x is, the calibration of a joint
adapter cannot say; it is typed, or drawn evenly and printed as an assumption.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from planner.cost.scenario import Layout, Scenario

FloatArray = NDArray[np.float64]


def shares_of(scenario: Scenario) -> tuple[float, ...]:
    """Share of every modality in the studies."""
    if scenario.modalities:
        return tuple(modality.share for modality in scenario.modalities)
    return (1.0 / scenario.modality_count,) * scenario.modality_count


def adapters_effort(scenario: Scenario, transfer: FloatArray) -> FloatArray:
    """Examples of one fine-tuning of all adapters over those of one joint adapter."""
    if scenario.layout is Layout.JOINT:
        return np.ones_like(transfer)
    return np.asarray(1.0 + (len(shares_of(scenario)) - 1) * transfer)


def retuning_effort(scenario: Scenario, transfer: FloatArray) -> FloatArray:
    """The same for one re-tuning: it touches the whole joint adapter, but only one of several, whichever it is."""
    if scenario.layout is Layout.JOINT:
        return np.ones_like(transfer)
    return np.asarray(adapters_effort(scenario, transfer) / len(shares_of(scenario)))
