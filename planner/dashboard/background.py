"""What takes longer than a moved slider may: other GPUs, the front, comparisons, which run would settle the verdict.

One thread works on it beside the pages, so that a moved slider never waits for it. A job is shared by all sessions that
ask the same. When several sessions ask at once the desk says that it is busy, and the page offers a button instead of a
promise.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor

from planner.cost.plan import Plan

MOST_WAITING = 2
_MOST_KEPT = 64


class Job:
    """Two steps of one plan.

    Attributes:
        options: The plan with every GPU and quantization.
        whole: The plan with everything, made from the first.
    """

    def __init__(self) -> None:
        self.options: Future[Plan] = Future()
        self.whole: Future[Plan] = Future()

    @property
    def plan(self) -> Plan | None:
        """The fullest plan that is there, None while there is none or where it cannot be made."""
        for step in (self.whole, self.options):
            if step.done() and step.exception() is None:
                return step.result()
        return None


class Desk:
    """Takes jobs and does them one after the other."""

    def __init__(self) -> None:
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="plateau-details")
        self._jobs: OrderedDict[Hashable, Job] = OrderedDict()
        self._lock = threading.Lock()
        self._waiting = 0

    def ask(
        self, key: Hashable, options: Callable[[], Plan], whole: Callable[[Plan], Plan], *, urgent: bool
    ) -> Job | None:
        """The job of a key, begun if nobody has; None where others wait already and it is not urgent."""
        with self._lock:
            job = self._jobs.get(key)
            if job is not None:
                self._jobs.move_to_end(key)
                return job
            if self.is_crowded and not urgent:
                return None
            job = self._jobs[key] = Job()
            self._waiting += 1
            while len(self._jobs) > _MOST_KEPT:
                self._jobs.popitem(last=False)
        self._worker.submit(self._do, job, options, whole)
        return job

    @property
    def is_crowded(self) -> bool:
        """Whether those who are not urgent are turned away."""
        return self._waiting >= MOST_WAITING

    def _do(self, job: Job, options: Callable[[], Plan], whole: Callable[[Plan], Plan]) -> None:
        with self._lock:
            self._waiting -= 1
        try:
            job.options.set_result(options())
            job.whole.set_result(whole(job.options.result()))
        except Exception as problem:  # the outermost frame of this thread: whoever waits is told
            for step in (job.options, job.whole):
                if not step.done():
                    step.set_exception(problem)


DESK = Desk()
"""Of this process."""
