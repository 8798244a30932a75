"""temporary"""
from planner.cost.plan import Plan
from planner.outcome import Quantiles, VerdictName


def two(v):
    if v == 0: return 0.0
    import math
    d = -int(math.floor(math.log10(abs(v)))) + 1
    return round(v, d)


def euro(v):
    return "beyond any figure" if v is None else f"€{two(v):,.0f}" if v >= 10 else f"€{v:,.2f}"


def count(v):
    return "never" if v is None else f"{two(v):,.0f}" if v >= 10 else f"{two(v):g}"


def hours(v):
    return count(v)


def percent(p):
    return "over 99 %" if p > .99 else "under 1 %" if p < .01 else f"{p * 100:.0f} %"


def span(q, f, unit=""):
    if q.p10 is None: return "not reached"
    return f"{f(q.p10)} to {f(q.p90)}{unit}" if q.p90 is not None else f"{f(q.p10)} or more{unit}"


def headline(plan: Plan) -> str:
    n = plan.verdict.name
    t = f"{plan.scenario.target_loss:.2f}"
    if n is VerdictName.REACHABLE:
        return f"A loss of {t} can be reached for {span(plan.if_reached.cost_per_year, euro)} a year"
    if n is VerdictName.UNREACHABLE:
        return f"A loss of {t} cannot be reached: these data support {plan.curve.loss_at_horizon.p50:.2f} at best"
    if n is VerdictName.NOT_ENOUGH_DATA:
        return f"A loss of {t} needs more studies than there are"
    return f"Whether a loss of {t} can be reached is open: {percent(plan.verdict.probability)}"


def answer(plan: Plan) -> list[str]:
    r = plan.if_reached
    out = [plan.verdict.sentence]
    out.append(f"If it is reached: likely {span(r.cost_per_year, euro)} a year (8 in 10). If not, at most {euro(r.spent_if_missed_eur)} is spent before we know.")
    return out
