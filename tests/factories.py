"""Complete made-up values for tests: a plan whose lines add up, one for every verdict, and a calibration.

Nothing here is measured. `example_plan` is written by hand rather than computed, so that the paper, the screen and the
terminal can be tested without the law and the cost model.
"""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np

from planner.cost.plan import (
    Assumption,
    Basis,
    CostQuantiles,
    IfReached,
    Influence,
    LedgerLine,
    NotCosted,
    Option,
    Plan,
    PlanAsymptote,
    PlanCalibration,
    PlanCurve,
    PlanMemory,
    PlanVerdict,
)
from planner.cost.scenario import Scenario, Tenure
from planner.outcome import (
    AsymptoteStatus,
    CurveBand,
    Finding,
    Interval,
    Quality,
    Quantiles,
    Severity,
    VerdictName,
)
from planner.record import (
    Answers,
    Calibration,
    CalibrationHeader,
    Configuration,
    Dataset,
    Eval,
    Event,
    Finished,
    Hardware,
    LossKind,
    Probe,
    Run,
    Schedule,
    Started,
    XUnit,
)

BUDGETS = (64, 128, 256, 512, 1024, 2048, 4096)
HORIZON = 38_400.0
A, B, C = 9.0, 0.42, 1.10
WOBBLE = (1.006, 0.994, 1.003, 0.998, 1.002, 0.997, 1.001)


def example_plan(**changes: Any) -> Plan:
    """A plan to reach a loss of 1.30 with a rented GPU; `changes` replace fields of the plan."""
    lines = _lines()
    plan = Plan(
        plateau_version="0.1.0",
        created="2026-11-24",
        seed=0,
        draws=4000,
        illustration=False,
        marks=[],
        scenario=Scenario(
            target_loss=1.30,
            gpu="L4",
            quantization="bf16",
            tenure=Tenure.ON_DEMAND,
            budget_eur=5000.0,
            unique_studies=9600.0,
            studies_per_day=120.0,
            staff_hours_per_year=48.0,
            staff_eur_per_hour=62.0,
            storage_gib=300.0,
        ),
        calibration=PlanCalibration(
            calibration_id="example-0001",
            created="2026-11-20",
            model="google/paligemma-3b-pt-224",
            device="cuda",
            loss_kind="held_out",
            x_unit="examples",
            points=len(BUDGETS),
        ),
        verdict=PlanVerdict(
            name=VerdictName.REACHABLE,
            probability=0.93,
            sentence="A loss of 1.3 is reachable within 38,400 examples (9,600 different studies, each seen at most 4 "
            "times): 93 %.",
        ),
        asymptote=PlanAsymptote(
            status=AsymptoteStatus.IDENTIFIED,
            p05=1.02,
            p50=1.10,
            p95=1.17,
            sentence="The asymptote lies between 1.02 and 1.17 nats (90 %), most likely near 1.10.",
        ),
        curve=_curve(spread=0.02),
        findings=[
            Finding(
                code="few_points",
                severity=Severity.NOTE,
                sentence="Seven budgets over a factor of 64: enough for a level, little for an exponent.",
            )
        ],
        quality=[
            Quality(
                metric="token_f1",
                at_target_low=0.38,
                at_target=0.42,
                at_target_high=0.46,
                sentence="At a loss of 1.3: answers share 38 to 46 % (90 %) of their words with the radiologist's.",
            )
        ],
        examples=Quantiles(p10=5600.0, p50=8900.0, p90=19_000.0),
        hours=Quantiles(p10=0.46, p50=0.74, p90=1.71),
        hours_basis=Basis.EXTRAPOLATED,
        hours_sentence="Seconds measured on an L4 at two shapes; the interval covers other batch sizes.",
        hours_per_year=Quantiles(p10=118.0, p50=134.0, p90=171.0),
        cost_per_year=CostQuantiles(p10=3140.0, p50=3390.0, p90=4870.0),
        if_reached=IfReached(
            probability=0.93,
            examples=Quantiles(p10=5500.0, p50=8600.0, p90=15_000.0),
            hours=Quantiles(p10=0.45, p50=0.71, p90=1.32),
            cost_per_year=CostQuantiles(p10=3120.0, p50=3370.0, p90=4490.0),
            spent_if_missed_eur=2180.0,
            sentence="If the target is reached, likely €3,100 to €4,500 a year, 8 in 10.",
        ),
        probability_within_budget=0.91,
        memory=PlanMemory(
            gib_p50=15.2,
            gib_p95=17.9,
            usable_gib=21.6,
            fits=True,
            micro_batch_size=4,
            components_gib={"weights": 5.5, "adapters": 0.4, "activations": 6.1, "logits": 2.2, "runtime": 1.0},
            basis=Basis.EXTRAPOLATED,
            sentence="Training needs 15.2 GiB, at most 17.9 GiB (P95), of the 21.6 GiB that an L4 can use: it fits.",
        ),
        budget_scenario="Budget scenario: the median of every input, three trials, one re-tuning, 21 % VAT that is not "
        "recovered",
        lines=lines,
        total_eur=round(sum(line.amount_eur for line in lines), 2),
        assumptions=_assumptions(),
        not_costed=[
            NotCosted(code="deidentification", label="De-identification", remedy="Ask the privacy officer"),
            NotCosted(code="labelling", label="Labelling and report review", remedy="Count hours of radiologists"),
            NotCosted(code="clinical_validation", label="Clinical validation", remedy="Ask the study office"),
            NotCosted(code="compliance", label="MDR, AI Act, DPIA, security", remedy="Ask legal and security"),
            NotCosted(code="pacs_integration", label="PACS integration", remedy="Ask the PACS vendor for a quote"),
            NotCosted(code="downtime", label="Downtime", remedy="State hours a year and what an hour costs"),
            NotCosted(code="decommissioning", label="Decommissioning", remedy="State the cost at the end of life"),
        ],
        options=_options(),
        influences=[
            Influence(code="answer_tokens", label="Tokens of an answer", cost_low_eur=3220.0, cost_high_eur=4180.0),
            Influence(code="hours", label="Speed of the GPU", cost_low_eur=3290.0, cost_high_eur=3740.0),
            Influence(code="price", label="Price of a GPU-hour", cost_low_eur=3310.0, cost_high_eur=3480.0),
            Influence(code="examples", label="Examples to the target", cost_low_eur=3380.0, cost_high_eur=3410.0),
            Influence(code="usd_per_eur", label="Dollar rate", cost_low_eur=3384.0, cost_high_eur=3399.0),
        ],
    )
    return msgspec.structs.replace(plan, **changes)


def illustration_plan() -> Plan:
    """The example plan as the small model gives it: marked wherever it is shown."""
    plan = example_plan(illustration=True, marks=["illustration, not PaliGemma-3B"])
    return msgspec.structs.replace(
        plan, calibration=msgspec.structs.replace(plan.calibration, model="tiny", device="cpu")
    )


def unreachable_plan() -> Plan:
    """The floor lies above the target: no quantile of examples, hours or cost is finite."""
    never = Quantiles(p10=None, p50=None, p90=None)
    plan = example_plan()
    return msgspec.structs.replace(
        plan,
        scenario=msgspec.structs.replace(plan.scenario, target_loss=0.80),
        verdict=PlanVerdict(
            name=VerdictName.UNREACHABLE,
            probability=0.002,
            sentence="A loss of 0.8 is out of reach for this configuration: the floor lies at 1.020 to 1.170 nats, "
            "above the target with over 99 %. More examples do not help; another configuration might.",
        ),
        quality=[],
        examples=never,
        hours=never,
        hours_per_year=never,
        cost_per_year=CostQuantiles(p10=None, p50=None, p90=None),
        if_reached=_missed(0.002, 2410.0),
        probability_within_budget=0.002,
        options=[_unreached(option) for option in plan.options],
        influences=[],
    )


def not_enough_data_plan() -> Plan:
    """The floor allows the target, the studies do not."""
    plan = example_plan()
    return msgspec.structs.replace(
        plan,
        scenario=msgspec.structs.replace(plan.scenario, target_loss=1.15),
        verdict=PlanVerdict(
            name=VerdictName.NOT_ENOUGH_DATA,
            probability=0.06,
            sentence="The floor allows a loss of 1.15, the studies do not: 6 % within 38,400 examples (9,600 different "
            "studies, each seen at most 4 times). More different studies would be needed.",
        ),
        examples=Quantiles(p10=52_000.0, p50=310_000.0, p90=None),
        hours=Quantiles(p10=4.3, p50=26.0, p90=None),
        hours_per_year=Quantiles(p10=140.0, p50=270.0, p90=None),
        cost_per_year=CostQuantiles(p10=3400.0, p50=4900.0, p90=None),
        if_reached=msgspec.structs.replace(
            _missed(0.06, 2790.0), cost_per_year=CostQuantiles(p10=3300.0, p50=3500.0, p90=3900.0)
        ),
        probability_within_budget=0.04,
    )


def undecided_plan() -> Plan:
    """The asymptote is not identified and the chance lies in between; one finding blocks."""
    plan = example_plan()
    return msgspec.structs.replace(
        plan,
        verdict=PlanVerdict(
            name=VerdictName.UNDECIDED,
            probability=0.54,
            sentence="Undecided: a loss of 1.3 is reached with 54 % within 38,400 examples (9,600 different studies, "
            "each seen at most 4 times). A further budget of about 8,200 examples would narrow this.",
        ),
        asymptote=PlanAsymptote(
            status=AsymptoteStatus.NOT_IDENTIFIED,
            p05=None,
            p50=None,
            p95=None,
            sentence="These runs do not pin down an asymptote: anything from 0.1 to 1.3 nats fits them.",
        ),
        curve=_curve(spread=0.09),
        findings=[
            Finding(
                code="training_loss_only",
                severity=Severity.BLOCKING,
                sentence="The log holds training loss only: it falls below the held-out loss as images repeat. Add a "
                "held-out evaluation.",
            ),
            *plan.findings,
        ],
        quality=[],
        examples=Quantiles(p10=5100.0, p50=21_000.0, p90=None),
        hours=Quantiles(p10=0.42, p50=1.7, p90=None),
        hours_per_year=Quantiles(p10=116.0, p50=151.0, p90=None),
        cost_per_year=CostQuantiles(p10=3100.0, p50=3900.0, p90=None),
        if_reached=msgspec.structs.replace(
            plan.if_reached, probability=0.54, sentence="If the target is reached, likely €3,100 to €4,500 a year."
        ),
        probability_within_budget=0.49,
    )


def every_verdict() -> dict[VerdictName, Plan]:
    """One plan for every verdict."""
    plans = (example_plan(), unreachable_plan(), not_enough_data_plan(), undecided_plan())
    return {plan.verdict.name: plan for plan in plans}


def example_calibration(*, seed: int = 0, illustration: bool = True) -> Calibration:
    """Seven separate budgets with per-case sums of 40 held-out cases, answers, and CPU probes of two shapes.

    The true law is 6 t^(-0.35) + 1.2 with a 1 % error a run and a shared difficulty of every case.
    """
    random = np.random.default_rng(seed)
    tokens_k = random.integers(8, 40, size=40)
    difficulty_k = random.lognormal(0.0, 0.25, size=40)
    difficulty_k /= np.average(difficulty_k, weights=tokens_k)
    runs = [_run(budget, random, tokens_k, difficulty_k) for budget in BUDGETS]
    return Calibration(
        header=CalibrationHeader(
            calibration_id="example-0001",
            created="2026-11-20",
            illustration=illustration,
            loss_kind=LossKind.HELD_OUT,
            x_unit=XUnit.EXAMPLES,
            configuration=Configuration(
                model="tiny" if illustration else "google/paligemma-3b-pt-224",
                image_size_px=224,
                image_tokens=256,
                context_length_tokens=128,
                quantization="bf16",
                precision="float32",
                lora_targets="attention",
                lora_parameters=65_536,
                lora_rank=8,
                lora_alpha=16.0,
                effective_batch_size=8,
                learning_rate=1e-3,
                schedule=Schedule.SEPARATE,
                loss_mask="suffix",
                dataset_digest="0123456789abcdef",
            ),
            dataset=Dataset(
                format="csv",
                training_examples=1_800,
                training_cases=600,
                held_out_examples=80,
                held_out_cases=40,
                held_out_tokens=int(tokens_k.sum()),
                suffix_tokens_mean=22.0,
                prompt_tokens_mean=6.0,
                truncated_share=0.0,
                duplicate_answers=3,
            ),
            hardware=Hardware(device="cpu", cpu_cores=2, memory_gib=8.0),
            suffix_unigram_entropy_nats=4.9,
            vocabulary_size=1_024,
            environment={"plateau": "0.1.0", "python": "3.11"},
            budgets_planned=[float(budget) for budget in BUDGETS],
        ),
        runs=(_probes(), *runs),
    )


def _run(budget: int, random: np.random.Generator, tokens_k: np.ndarray, difficulty_k: np.ndarray) -> Run:
    name = f"budget-{budget:05d}"
    truth = 6.0 * budget**-0.35 + 1.2
    mean_k = truth * difficulty_k * random.lognormal(0.0, 0.03, size=len(tokens_k)) * random.lognormal(0.0, 0.01)
    sums = [round(float(value), 6) for value in mean_k * tokens_k]
    loss = round(sum(sums) / int(tokens_k.sum()), 6)
    seen = float(min(budget, 1_800))
    events: tuple[Event, ...] = (
        Started(run=name, budget_examples=float(budget), unique_examples=1_800, seed=0),
        Eval(
            run=name,
            step=budget // 8,
            examples=float(budget),
            unique_examples=seen,
            loss=loss,
            annealed=True,
            case_loss_sums=sums,
            case_tokens=[int(value) for value in tokens_k],
            train_seconds=0.11 * budget,
            eval_seconds=2.0,
            peak_memory_gib=1.4,
        ),
        Answers(
            run=name,
            examples=float(budget),
            answers=16,
            token_f1=round(0.62 - 0.13 * loss, 4),
            degenerate_rate=round(min(0.9, 0.12 * loss), 4),
            loss=loss,
            generation_seconds=3.0,
        ),
        Finished(run=name, status="done", examples=float(budget), train_seconds=0.11 * budget, peak_memory_gib=1.4),
    )
    return Run(id=name, events=events)


def _probes() -> Run:
    def probe(kind: str, micro_batch_size: int, suffix_tokens: int, seconds: float) -> Probe:
        return Probe(
            run="probes",
            kind=kind,
            micro_batch_size=micro_batch_size,
            image_tokens=256,
            prompt_tokens=6,
            suffix_tokens=suffix_tokens,
            seconds_median=seconds,
            seconds_p10=0.95 * seconds,
            seconds_p90=1.08 * seconds,
            repeats=5,
            quantization="bf16",
            peak_memory_gib=1.0 + 0.05 * micro_batch_size,
        )

    events = (
        probe("train", 2, 16, 0.24),
        probe("train", 8, 32, 0.88),
        probe("prefill", 2, 16, 0.07),
        probe("prefill", 8, 32, 0.26),
        probe("decode", 2, 16, 0.012),
        probe("decode", 8, 32, 0.019),
    )
    return Run(id="probes", events=events)


def _curve(*, spread: float) -> PlanCurve:
    """The made-up law with a band that widens beyond the last budget."""
    grid = np.geomspace(BUDGETS[0], HORIZON, 60)
    middle = A * grid**-B + C
    width = 0.008 + spread * np.maximum(0.0, np.log(grid / BUDGETS[-1]))
    return PlanCurve(
        band=CurveBand(
            examples=[float(value) for value in grid],
            p05=[float(value) for value in middle * (1 - width)],
            p50=[float(value) for value in middle],
            p95=[float(value) for value in middle * (1 + width)],
        ),
        measured_examples=[float(budget) for budget in BUDGETS],
        measured_loss=[(A * budget**-B + C) * wobble for budget, wobble in zip(BUDGETS, WOBBLE, strict=True)],
        largest_examples=float(BUDGETS[-1]),
        horizon_examples=HORIZON,
        loss_at_horizon=Interval(
            p05=float(middle[-1] * (1 - width[-1])), p50=float(middle[-1]), p95=float(middle[-1] * (1 + width[-1]))
        ),
        sentence="loss = 9.0 examples^(-0.42) + 1.10",
    )


def _missed(probability: float, spent_eur: float) -> IfReached:
    never = Quantiles(p10=None, p50=None, p90=None)
    return IfReached(
        probability=probability,
        examples=never,
        hours=never,
        cost_per_year=CostQuantiles(p10=None, p50=None, p90=None),
        spent_if_missed_eur=spent_eur,
        sentence="The target is hardly ever reached, so no cost of reaching it is given.",
    )


def _line(code: str, label: str, quantity: float, unit: str, price: float, basis: Basis, source: str) -> LedgerLine:
    return LedgerLine(
        code=code,
        label=label,
        amount_eur=round(quantity * price, 2),
        quantity=quantity,
        unit=unit,
        unit_price_eur=price,
        formula=f"{quantity:g} {unit} x {price:,.2f} EUR",
        basis=basis,
        source=source,
        as_of="2026-11-02" if basis is Basis.CATALOG else None,
    )


def _lines() -> list[LedgerLine]:
    cloud = "https://example.com/prices/l4"
    lines = [
        _line("staff", "Staff", 48.0, "h", 62.00, Basis.TYPED, "scenario"),
        _line("serving_rent", "Answering studies", 126.4, "GPU-h", 0.85, Basis.CATALOG, cloud),
        _line("tuning_rent", "Fine-tuning, three trials", 2.22, "GPU-h", 0.85, Basis.CATALOG, cloud),
        _line("retuning_rent", "One re-tuning", 2.22, "GPU-h", 0.85, Basis.CATALOG, cloud),
        _line("calibration_rent", "The calibration itself", 3.7, "GPU-h", 0.85, Basis.CATALOG, cloud),
        _line("storage", "Storage of images and adapters", 3600.0, "GiB-month", 0.02, Basis.CATALOG, cloud),
    ]
    bought = round(sum(line.amount_eur for line in lines[1:]), 2)
    vat = LedgerLine(
        code="vat",
        label="VAT that is not recovered",
        amount_eur=round(0.21 * bought, 2),
        formula=f"{bought:,.2f} EUR x 21%",
        basis=Basis.DEFAULT,
        source="scenario",
    )
    return [*lines, vat]


def _assumptions() -> list[Assumption]:
    def assumption(
        code: str, label: str, value: str, unit: str, uncertainty: str, basis: Basis, source: str, as_of: str | None
    ) -> Assumption:
        return Assumption(
            code=code,
            label=label,
            value=value,
            unit=unit,
            uncertainty=uncertainty,
            basis=basis,
            source=source,
            as_of=as_of,
        )

    return [
        assumption("price", "Price of a GPU-hour, without VAT", "0.85", "EUR/h", "10 % either way", Basis.CATALOG,
                   "https://example.com/prices/l4", "2026-11-02"),
        assumption("usd_per_eur", "Dollar rate", "1.16", "USD/EUR", "6 % a year", Basis.CATALOG,
                   "European Central Bank", "2026-11-20"),
        assumption("hours", "Seconds of a step", "0.31", "s", "15 % either way", Basis.EXTRAPOLATED,
                   "probes of calibration example-0001", "2026-11-20"),
        assumption("trials", "Complete fine-tunings until one is accepted", "3", "runs", "none given", Basis.DEFAULT,
                   "scenario", None),
        assumption("vat_rate", "VAT on everything that is bought", "21", "%", "none", Basis.DEFAULT, "scenario", None),
        assumption("staff_hours_per_year", "Staff hours a year", "48", "h", "none", Basis.TYPED, "scenario", None),
        assumption("answer_tokens", "Tokens of an answer", "64", "tokens", "40 to 110", Basis.ASSUMPTION,
                   "lengths of the reports in the calibration", "2026-11-20"),
    ]  # fmt: skip


def _options() -> list[Option]:
    def option(
        gpu: str, quantization: str, tenure: Tenure, gib: float, hours: float, eur: float, reason: str | None
    ) -> Option:
        return Option(
            gpu=gpu,
            quantization=quantization,
            tenure=tenure.value,
            fits=reason is None,
            memory_gib_p95=gib,
            hours=Quantiles(p10=0.62 * hours, p50=hours, p90=2.3 * hours),
            hours_basis=Basis.EXTRAPOLATED,
            cost_per_year=CostQuantiles(p10=0.93 * eur, p50=eur, p90=1.44 * eur),
            probability_within_budget=0.93 if eur < 4000 else 0.41,
            reason=reason,
            source="https://example.com/prices",
            as_of="2026-11-02",
        )

    return [
        option("L4", "bf16", Tenure.ON_DEMAND, 17.9, 0.74, 3390.0, None),
        option("L4", "nf4", Tenure.ON_DEMAND, 12.2, 0.98, 3480.0, None),
        option("A10G", "bf16", Tenure.ON_DEMAND, 17.9, 0.61, 3520.0, None),
        option("L40S", "bf16", Tenure.ON_DEMAND, 18.4, 0.29, 3610.0, None),
        option("A100 80GB", "bf16", Tenure.SPOT, 18.6, 0.22, 3700.0, None),
        option("H100 SXM", "bf16", Tenure.ON_DEMAND, 18.9, 0.11, 3920.0, None),
        option("L4", "bf16", Tenure.BUY, 17.9, 0.74, 6180.0, None),
        option("T4", "bf16", Tenure.ON_DEMAND, 17.9, 2.6, 3450.0, "needs 17.9 GiB, 14.6 GiB can be used; no bf16"),
    ]


def _unreached(option: Option) -> Option:
    never = Quantiles(p10=None, p50=None, p90=None)
    return msgspec.structs.replace(
        option,
        hours=never,
        cost_per_year=CostQuantiles(p10=None, p50=None, p90=None),
        probability_within_budget=0.002,
    )
