"""Where a figure of seconds or bytes comes from."""

from __future__ import annotations

from enum import StrEnum


class TimingBasis(StrEnum):
    """Measured here, carried over from another machine or setting, or from the model alone."""

    MEASURED = "measured"
    EXTRAPOLATED = "extrapolated"
    UNPROBED = "unprobed"
