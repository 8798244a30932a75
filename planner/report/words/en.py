"""English."""

from planner.report.words.language import AnswerWords, NumberWords, PaperWords, Words

WORDS = Words(
    locale="en_GB",
    language="en",
    numbers=NumberWords(
        not_reached="not reached",
        unknown="unknown",
        under="under {}",
        over="over {}",
        or_more="{} or more",
        to="{} to {}",
        about="about {}",
    ),
    answer=AnswerWords(
        headline={
            "REACHABLE": "A loss of {target} can be reached, likely for {cost} a year",
            "UNREACHABLE": "A loss of {target} is out of reach; {lowest} is about the lowest these data support",
            "NOT_ENOUGH_DATA": "A loss of {target} needs more studies than there will be",
            "UNDECIDED": "These runs cannot tell yet whether a loss of {target} can be reached",
        },
        decision={
            "REACHABLE": "Approve {total} a year, the budget scenario of this paper, to fine-tune {model} on the "
            "department's own images ({setup}), knowing that the year may cost up to {p90} (9 in 10).",
            "UNREACHABLE": "Do not fund this target with this configuration. Choose between a target that these data "
            "support and a calibration of another configuration.",
            "NOT_ENOUGH_DATA": "Do not fund this target yet. Decide whether more different studies can be had.",
            "UNDECIDED": "Do not decide on a yearly budget yet. Decide whether to fund one more calibration run, "
            "which "
            "would narrow the question.",
        },
        next_step={
            "REACHABLE": "Fine-tune once, measure the loss on held-out studies, and compare it with the band of the "
            "curve before the second trial is paid for.",
            "UNREACHABLE": "Ask for a target above the floor, or calibrate another configuration (larger images, "
            "more "
            "adapted layers, another model); more examples of this one do not help.",
            "NOT_ENOUGH_DATA": "Gather more different studies, or ask for a target that the studies at hand allow; "
            "seeing the same studies more often does not replace new ones.",
            "UNDECIDED": "Run a budget twice as large as the largest one so far and plan again; until "
            "then every cost of reaching the target is conditional.",
        },
        next_blocked="First settle what blocks: {finding}",
        decision_illustration="None. This paper shows the way with a small stand-in model. No decision may rest on "
        "its "
        "figures; calibrate PaliGemma on a GPU first.",
        decision_memory="Choose another GPU or another quantization: {memory}",
        blocked="What follows is arithmetic, not a forecast to rely on: the diagnosis of these runs blocks a verdict.",
        chance="Reaching a loss of {target} within {horizon} {unit}: {chance}.",
        cost="If reached, likely {cost} a year, 8 in 10; if not, {spent}.",
        cost_never="What reaching it would cost cannot be said, because hardly any forecast reaches it; {spent}.",
        cost_unbounded="If reached, {cost} a year, without an upper end that these data support; if not, {spent}.",
        spent="at most {spent} is spent before we know",
        spent_unbounded="what is spent before we know has no bound",
        within_budget="The chance to stay within {budget} a year is {chance}.",
        lowest="The lowest loss these data support within {horizon} {unit} is about {p50} (9 in 10: {p05} to {p95}).",
        no_p90="not reached in at least 1 of 10 draws: no P90",
        no_p50="not reached in at least half of the draws: no P50",
        no_p10="not reached in at least 9 of 10 draws: no P10",
        not_costed="{count} lines that a board asks about have no figure yet and are in no total: {labels}.",
        not_costed_one="One line that a board asks about has no figure yet and is in no total: {labels}.",
        nothing_left_out="Every line that this paper knows of has a figure.",
        illustration="illustration, not PaliGemma-3B",
        quality_unknown="What this loss means in answers is not known: the calibration has no answers at two budgets "
        "or more around it.",
        curve_title={
            "IDENTIFIED": "More examples lower the loss, down to a floor that the runs pin down",
            "NOT_IDENTIFIED": "More examples lower the loss; where that ends, these runs cannot tell",
        },
        total="The budget scenario adds up to {total} a year.",
        no_lines="No budget scenario is given, because no cost of reaching the target follows from these data.",
    ),
    paper=PaperWords(
        illustration_title="Illustration. {title}",
        overline="Paper for the finance board",
        subject="Fine-tuning a vision-language model for radiology: chance, yearly cost and what they rest on",
        header="Yearly cost of a radiology model",
        footer="Plan of {created} · calibration {calibration} of {measured} · Plateau {version}",
        page="Page {} of {}",
        decision_title="Decision asked",
        tile_chance="Chance to reach it",
        tile_chance_note="within {horizon} {unit}",
        tile_cost="Cost a year, if reached",
        tile_cost_note="8 in 10 · typically {p50}",
        tile_missed="Spent if it is missed",
        tile_missed_note="at most (9 in 10), before we know",
        tile_budget="Chance within budget",
        tile_budget_note="of {budget} a year",
        tile_left_out="Lines not costed",
        tile_left_out_note="in none of these figures",
        verdict_title="Verdict",
        asymptote_title="Floor of the loss",
        quality_title="What the target means in answers",
        next_title="What to do next",
        left_out_title="Not costed",
        curve_alt="Chart of {kind} against {unit}, measured and forecast. {count} measured points go from {first} at "
        "{first_x} to {last} at {last_x}. The forecast at {horizon} {unit} is {p50}, 9 in 10 between {p05} and "
        "{p95}. "
        "The target is {target}. {asymptote}",
        curve_loss={
            "held_out": "Held-out loss, nats per suffix token",
            "training": "Training loss, nats per suffix token",
            "unknown": "Loss (of unknown kind), nats per suffix token",
        },
        curve_x={
            "examples": "examples",
            "steps": "optimizer steps",
            "unknown": "units of the log's x",
        },
        curve_axis={"examples": "Examples", "steps": "Optimizer steps", "unknown": "x of the log"},
        curve_measured="measured",
        curve_line="forecast, middle",
        curve_band="forecast, 9 in 10",
        curve_target="target {target}",
        curve_asymptote="floor, 9 in 10",
        curve_horizon="horizon",
        cost_heading="What a year costs",
        cost_lead="{scenario}. Every line is a product of stated numbers, and the lines add up to the cent.",
        cost_columns=["Line", "How it is computed", "Figure is", "€ a year"],
        cost_total="Total of the budget scenario",
        cost_caption="Cost lines of the budget scenario",
        totals_lead="The range comes from {draws} draws of all uncertain inputs together. Its totals are not "
        "additive: "
        "the P90 of a sum is not the sum of the P90s. They stand beside the budget scenario and replace none of its "
        "lines. Two significant digits.",
        totals_caption="Range of the yearly total (not additive)",
        totals_columns=["Figure", "P10", "P50", "P90"],
        totals_all="€ a year, over all draws",
        totals_reached="€ a year, if the target is reached",
        totals_hours="GPU-hours a year, over all draws",
        left_out_heading="What is not costed",
        left_out_lead="Nobody has given a figure for what follows ({count}). It is in no total and in no range of "
        "this "
        "paper; each says how to get its figure.",
        options_heading="Options compared",
        options_lead="The same target on other GPUs, each with its cheapest quantization and way of having it. GiB "
        "is "
        "the P95 of memory, GPU-hours the median of one fine-tuning ({basis}).",
        options_none="On every GPU the target is missed in at least 9 of 10 draws, so no cost can be compared.",
        options_caption="Yearly cost by GPU, quantization and way of having it",
        options_columns=["GPU", "Quantization", "Rent or buy", "GiB", "GPU-hours", "€ a year, 8 in 10"],
        options_bars="Range",
        options_this="this plan",
        options_infeasible="Not feasible: {options}.",
        options_more="More options in the attached plan: {count}.",
        options_budget="Within budget",
        risks_heading="Risks and what would change the decision",
        risk_missed="The target is missed",
        risk_missed_text="Chance {chance}; then {spent}.",
        risk_hours="GPU-hours are {basis}",
        risk_memory="Memory",
        risk_left_out="Costs outside every range",
        risk_left_out_text="Without a figure: {count} (see above).",
        influence_title="{label} moves the yearly cost most: {low} to {high}",
        influence_lead="Yearly cost with one input at its P10 and at its P90, all others at their median.",
        influence_alt="Bar chart of the yearly cost with one input at its P10 and P90. {bars}.",
        influence_small="No single uncertain input moves the yearly cost by more than its rounding.",
        influence_none="No single input is shown, because no finite cost follows from these data.",
        assumptions_heading="Assumptions, with sources and dates",
        assumptions_lead="Inputs that the figures rest on. A default is a choice of Plateau that is not drawn: "
        "replace it by your own figure. The attached plan holds every input with its full source.",
        assumptions_caption="Inputs of the plan",
        assumptions_columns=["Input", "Value", "How sure", "Basis", "Source and date"],
        assumptions_more="More inputs in the attached plan: {count}.",
        method_heading="Method",
        method=[
            (
                "Calibration",
                "A few short fine-tunings (budgets) of the model with low-rank adapters (LoRA), each with its "
                "learning "
                "rate brought to its end, are measured on held-out studies that no run trains on.",
            ),
            (
                "Law",
                "The final losses follow loss = a · examples^(−b) + c. Exponent, floor c and noise are not one fit: "
                "thousands of curves that the points allow are kept, and every later figure is drawn from them. "
                "Where the points do not pin down the floor, this paper says so and gives none.",
            ),
            (
                "Horizon",
                "A statement reaches no farther than the validated extrapolation (64 times the largest budget), the "
                "studies there will be, and what money allows. The verdict is the share of curves that reach the "
                "target within it: reachable from 90 %, unreachable at 10 % or less when the floor is the reason.",
            ),
            (
                "Hours and memory",
                "Operations and bytes of a step are counted in closed form; timed probes turn them into seconds. "
                '"Measured" figures come from this very GPU, "extrapolated" ones from another GPU, "unprobed" ones '
                "from published utilisation, with wider intervals in that order.",
            ),
            (
                "Money",
                "Every draw takes examples, speed, price, exchange rate and answer length together, and adds trials, "
                "re-tunings, answering, staff and the calibration. Draws that never reach the target count as "
                "infinitely expensive, so a quantile is missing rather than flattering.",
            ),
        ],
        method_facts="This plan: {points} measured points, {draws} draws, seed {seed}; {model} measured on {device}.",
        glossary_heading="Glossary",
        glossary=[
            ("Budget (of a run)", "The examples a calibration run may process."),
            ("Example", "One image with its text, seen once in training."),
            ("Floor, asymptote", "The loss that more examples of the same kind do not go below."),
            ("GPU-hour", "One graphics processor for one hour."),
            ("Held-out", "Set aside by patient or case; never trained on."),
            ("Loss", "How surprised the model is by the right answer, in nats per token; lower is better."),
            ("P10, P50, P90", "One, five and nine in ten draws lie below."),
            ("Quantization", "Storing the frozen model in fewer bits (bf16: 16, nf4: 4)."),
            ("Re-tuning", "A fine-tuning after the first, on newer studies."),
            ("Trial", "A complete fine-tuning, accepted or not."),
        ],
        signature=["Decided", "Name", "Date and signature"],
        as_of="{date}",
        basis={
            "measured": "measured",
            "extrapolated": "extrapolated",
            "unprobed": "unprobed",
            "catalog": "dated catalog",
            "datasheet": "datasheet",
            "typed": "typed in",
            "default": "default",
            "assumption": "assumption",
        },
        tenure={
            "on_demand": "on demand",
            "spot": "spot",
            "commitment_1_year": "1-year rent",
            "commitment_3_years": "3-year rent",
            "buy": "bought",
        },
        severity={"note": "Note", "warning": "Warning", "blocking": "Blocking"},
        attachment="The plan that this paper was written from (JSON)",
        risk_dates="Dated inputs",
        risk_dates_text="The oldest is {label}, of {date}.",
        plan_language="",
    ),
    labels={},
)
