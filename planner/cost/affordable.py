"""How far money carries a fine-tuning: the yearly formula along a grid of examples, read backwards."""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from planner.catalog import Catalog
from planner.cost.options import Candidate
from planner.cost.scenario import Scenario
from planner.cost.yearly import Work, yearly_cost

FloatArray = NDArray[np.float64]


def total_along(
    candidate: Candidate, scenario: Scenario, catalog: Catalog, work: Work, examples_q: FloatArray
) -> FloatArray:
    """Yearly cost of every draw of a candidate at every number of examples, shape (m, q)."""
    columns = msgspec.structs.replace(candidate.drivers.columns(), examples=np.reshape(examples_q, (1, -1)))
    return yearly_cost(columns, scenario, candidate.gpu, catalog, work).total


def affordable_examples(total_mq: FloatArray, examples_q: FloatArray, money_m: FloatArray) -> FloatArray:
    """Most examples that cost no more than the money, shape (m,); 0 where even the fewest of the grid cost more.

    Between two points of the grid the cost is taken to grow evenly; it never falls (`total_mq` ascends along q).
    """
    money = np.broadcast_to(money_m, total_mq.shape[:1])
    within = total_mq <= money[:, None]
    last = within.sum(axis=1) - 1
    rows = np.arange(len(total_mq))
    low = np.clip(last, 0, len(examples_q) - 1)
    high = np.minimum(low + 1, len(examples_q) - 1)
    step = total_mq[rows, high] - total_mq[rows, low]
    share = np.where(step > 0, (money - total_mq[rows, low]) / np.where(step > 0, step, 1.0), 0.0)
    examples = examples_q[low] + np.clip(share, 0.0, 1.0) * (examples_q[high] - examples_q[low])
    return np.where(last < 0, 0.0, examples)
