"""English. The answer, its title and the decision asked."""

from planner.report.words.language import AnswerWords

ANSWER = AnswerWords(
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
        "which would narrow the question.",
    },
    next_step={
        "REACHABLE": "Fine-tune once, measure the loss on held-out studies, and compare it with the band of the "
        "curve before the second trial is paid for.",
        "UNREACHABLE": "Ask for a target above the floor, or calibrate another configuration (larger images, "
        "more adapted layers, another model); more examples of this one do not help.",
        "NOT_ENOUGH_DATA": "Gather more different studies, or ask for a target that the studies at hand allow; "
        "seeing the same studies more often does not replace new ones.",
        "UNDECIDED": "Run a budget twice as large as the largest one so far and plan again; until then every "
        "cost of reaching the target is conditional.",
    },
    next_blocked="First settle what blocks: {finding}",
    decision_illustration="None. This paper shows the way with a small stand-in model. No decision may rest on "
    "its figures; calibrate PaliGemma on a GPU first.",
    decision_memory="Choose another GPU or another quantization: {memory}",
    blocked="What follows is arithmetic, not a forecast to rely on: the diagnosis of these runs blocks a verdict.",
    chance_blocked="not stated",
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
    not_costed_count="{count} lines that a board asks about have no figure yet and are in no total; they stand "
    "under “{heading}”.",
    nothing_left_out="Every line that this paper knows of has a figure.",
    verdict_of_adapters="{verdict} That holds for one adapter on all studies; an adapter for each modality has "
    "fewer studies, and the chance that all of them reach it is {chance}.",
    illustration="illustration, not PaliGemma-3B",
    quality_unknown="What this loss means in answers is not known: the calibration has no answers at two budgets "
    "or more around it.",
    curve_title={
        "IDENTIFIED": "More examples lower the loss, down to a floor between {low} and {high}",
        "NOT_IDENTIFIED": "More examples lower the loss; where that ends, these runs cannot tell",
        "BLOCKED": "Measured losses, and a forecast that the diagnosis does not trust",
    },
    total="The budget scenario adds up to {total} a year.",
    no_lines="No budget scenario is given, because no cost of reaching the target follows from these data.",
)
