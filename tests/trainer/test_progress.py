"""No estimate before there is something to estimate from."""

from __future__ import annotations

from trainer.progress import Pace


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_slow_first_step_promises_nothing_and_spoils_nothing() -> None:
    """The first of 600 took 2.3 s, the others 10 ms: no "23 min left"."""
    clock = Clock()
    pace = Pace(600, clock)
    clock.now += 2.3
    pace.advance(1)
    assert pace.sentence() == ""
    for _ in range(40):
        clock.now += 0.01
        pace.advance(1)
    assert pace.rate is not None
    assert abs(pace.rate - 100) < 1
    assert pace.sentence() == "100 a second, 6 s left"


def test_nothing_is_said_after_one_or_two_steps() -> None:
    clock = Clock()
    pace = Pace(10, clock)
    for _ in range(5):
        clock.now += 1
        pace.advance(1)
        assert pace.sentence() == ""


def test_what_an_earlier_call_did_is_done_and_says_nothing_about_the_pace() -> None:
    clock = Clock()
    pace = Pace(1000, clock)
    pace.skip(900)
    for _ in range(20):
        clock.now += 1
        pace.advance(1)
    assert pace.done == 920
    assert pace.seconds_left == 80


def test_a_change_of_speed_is_forgotten_after_a_while() -> None:
    clock = Clock()
    pace = Pace(10_000, clock)
    for seconds in [1.0] * 300 + [0.1] * 300:
        clock.now += seconds
        pace.advance(1)
    assert pace.rate is not None
    assert abs(pace.rate - 10) < 0.1
