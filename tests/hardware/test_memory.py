"""Memory is a visible sum, grows with what is held, and P95 decides."""

from __future__ import annotations

import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.catalog import read_catalog
from planner.hardware.architecture import architecture_from_numbers
from planner.hardware.memory import TrainingShape, largest_fitting_shape, training_memory, usable_gib
from planner.hardware.memory_components import GIB, MemoryMetric, memory_components
from planner.hardware.memory_probes import fit_correction, probed_peaks
from planner.hardware.throughput import TimingBasis
from planner.hardware.training_shape import Head
from planner.record import Hardware, Probe, Run
from tests.factories import example_calibration

CATALOG = read_catalog()
ROW = CATALOG.architecture("google/paligemma-3b-pt-224")
PALIGEMMA = architecture_from_numbers(ROW)
SHAPE = TrainingShape(prompt_tokens=16, suffix_tokens=64, lora_parameters=9_805_824)
NAMES = [row.quantization for row in CATALOG.quantizations]

quantizations = st.sampled_from(CATALOG.quantizations)
shapes = st.builds(
    TrainingShape,
    prompt_tokens=st.integers(1, 256),
    suffix_tokens=st.integers(1, 512),
    lora_parameters=st.integers(0, 50_000_000),
    micro_batch_size=st.integers(1, 16),
    checkpointing=st.booleans(),
    full=st.booleans(),
    head=st.sampled_from(Head),
    head_on_all_tokens=st.booleans(),
    copied_inputs=st.booleans(),
    wide_activations=st.booleans(),
    eager_attention=st.booleans(),
    compiled=st.booleans(),
)


@given(quantizations, shapes)
def test_components_add_up_to_the_expected_peak_and_none_is_negative(quantization, shape) -> None:
    estimate = training_memory(PALIGEMMA, quantization, shape, CATALOG)
    assert all(math.isfinite(size) and size >= 0.0 for size in estimate.components_gib.values())
    assert sum(estimate.components_gib.values()) == pytest.approx(estimate.gib_p50)
    assert estimate.gib_p95 > estimate.gib_p50


@given(quantizations, shapes)
def test_the_driver_sees_more_than_the_allocator_and_that_more_than_the_tensors(quantization, shape) -> None:
    factors = {row.name: row.value for row in CATALOG.parameters}
    sizes = [
        sum(memory_components(PALIGEMMA, quantization, shape, factors, metric).values()) for metric in MemoryMetric
    ]
    assert sizes == sorted(set(sizes))


@given(quantizations, shapes)
def test_a_larger_micro_batch_never_needs_less(quantization, shape) -> None:
    larger = msgspec.structs.replace(shape, micro_batch_size=shape.micro_batch_size + 1)
    smaller = training_memory(PALIGEMMA, quantization, shape, CATALOG).gib_p95
    assert training_memory(PALIGEMMA, quantization, larger, CATALOG).gib_p95 > smaller


@given(shapes)
def test_fewer_bits_never_need_more_weights(shape) -> None:
    weights = [
        training_memory(PALIGEMMA, CATALOG.quantization(name), shape, CATALOG).components_gib["weights"]
        for name in ("fp32", "bf16", "int8", "nf4")
    ]
    assert weights == sorted(weights, reverse=True)


def test_weights_of_paligemma_are_those_of_its_parameters() -> None:
    def weights(name: str) -> float:
        return training_memory(PALIGEMMA, CATALOG.quantization(name), SHAPE, CATALOG).components_gib["weights"]

    shift = math.exp(CATALOG.parameter("memory_log_bias").value)
    assert weights("bf16") == pytest.approx(5.445 * shift, abs=0.001)
    assert weights("nf4") == pytest.approx((5.445 - 1.981 * (2 - 0.5625) / 1.0737) * shift, abs=0.005)


def test_checkpointing_saves_activations_and_nothing_else() -> None:
    bf16 = CATALOG.quantization("bf16")
    kept = training_memory(PALIGEMMA, bf16, SHAPE, CATALOG).components_gib
    again = training_memory(PALIGEMMA, bf16, msgspec.structs.replace(SHAPE, checkpointing=True), CATALOG).components_gib
    assert again["activations"] < kept["activations"] / 4
    assert kept.keys() == again.keys()
    assert {name for name in kept if kept[name] != again[name]} <= {
        "activations",
        "backward pass of a layer, beyond the logits",
        "allocator reserve",
        "evaluation, beyond training",
        "answers, beyond training and evaluation",
    }


@pytest.mark.parametrize("gpu", CATALOG.gpus, ids=lambda gpu: gpu.gpu)
@pytest.mark.parametrize("name", NAMES)
def test_every_gpu_has_a_verdict_for_every_quantization(gpu, name: str) -> None:
    shape, estimate, fits = largest_fitting_shape(PALIGEMMA, CATALOG.quantization(name), SHAPE, gpu, CATALOG)
    assert fits == (estimate.gib_p95 <= usable_gib(gpu, CATALOG))
    assert 1 <= shape.micro_batch_size <= 8
    if not fits:
        assert (shape.micro_batch_size, shape.checkpointing) == (1, True)


def test_the_micro_batch_never_exceeds_the_effective_batch() -> None:
    h100, bf16 = CATALOG.gpu("H100-SXM"), CATALOG.quantization("bf16")
    for effective, micro in ((1, 1), (2, 2), (24, 16), (32, 32)):
        shape, _, fits = largest_fitting_shape(PALIGEMMA, bf16, SHAPE, h100, CATALOG, effective_batch_size=effective)
        assert fits
        assert shape.micro_batch_size == micro


def test_published_paligemma_anchors_are_reproduced() -> None:
    """LoRA ran at batch 8 on an L4 (24 GB) and at batch 2 on a T4 (16 GB): jinho-choi123/PaliGemma-ImageCaptioning."""
    bf16 = CATALOG.quantization("bf16")
    for gpu, batch in (("L4", 8), ("T4", 2)):
        shape = msgspec.structs.replace(SHAPE, micro_batch_size=batch, checkpointing=True)
        assert training_memory(PALIGEMMA, bf16, shape, CATALOG).gib_p50 <= usable_gib(CATALOG.gpu(gpu), CATALOG)


def test_logits_of_the_own_trainer_are_bounded_whatever_the_batch() -> None:
    bf16 = CATALOG.quantization("bf16")
    large = msgspec.structs.replace(SHAPE, micro_batch_size=64, head_on_all_tokens=True)
    bounded = training_memory(PALIGEMMA, bf16, large, CATALOG).components_gib["logits"]
    plain = msgspec.structs.replace(large, head=Head.PLAIN)
    assert bounded < 1.1 < 50.0 < training_memory(PALIGEMMA, bf16, plain, CATALOG).components_gib["logits"]


def test_shards_spread_weights_and_optimizer_and_copies_do_not() -> None:
    bf16 = CATALOG.quantization("bf16")

    def parts(**changes):
        return training_memory(PALIGEMMA, bf16, msgspec.structs.replace(SHAPE, **changes), CATALOG).components_gib

    alone, copies, shards = parts(), parts(gpus=4), parts(gpus=4, sharded=True)
    assert copies == alone
    assert alone["weights"] / 4 < shards["weights"] < alone["weights"] / 2
    assert shards["adapters and optimizer"] == pytest.approx(alone["adapters and optimizer"] / 4)
    assert shards["activations"] == alone["activations"]


def test_full_fine_tuning_holds_gradients_and_two_moments_of_every_weight() -> None:
    bf16 = CATALOG.quantization("bf16")
    full = msgspec.structs.replace(SHAPE, full=True, checkpointing=True)
    more = (
        training_memory(PALIGEMMA, bf16, full, CATALOG).gib_p50
        - training_memory(PALIGEMMA, bf16, msgspec.structs.replace(SHAPE, checkpointing=True), CATALOG).gib_p50
    )
    assert more == pytest.approx(6.0 * PALIGEMMA.parameters / GIB, rel=0.15)


# Probes.


@given(
    st.lists(st.tuples(st.floats(1.0, 80.0), st.floats(1.0, 80.0)), min_size=1, max_size=6),
    st.booleans(),
    st.floats(1.0, 80.0),
    st.floats(0.0, 40.0),
)
def test_corrected_peaks_are_positive_and_never_fall_with_what_is_counted(pairs, same: bool, counted, more) -> None:
    correction = fit_correction([c for c, _ in pairs], [m for _, m in pairs], same_settings=same)
    assert correction.slope >= 0.0
    assert 0.0 < correction.expected_gib(counted) <= correction.expected_gib(counted + more)


@given(st.floats(0.5, 2.0), st.floats(-2.0, 4.0))
def test_two_probes_of_the_same_settings_are_met(slope: float, intercept: float) -> None:
    counted = [10.0, 20.0]
    measured = [slope * size + intercept for size in counted]
    correction = fit_correction(counted, measured, same_settings=True)
    for size, peak in zip(counted, measured, strict=True):
        assert correction.expected_gib(size) == pytest.approx(peak, rel=0.03)


def probed(ratio: float, gpu: str = "L4", quantization: str = "bf16", shapes=((1, 16), (8, 128))):
    """A calibration whose probes held `ratio` times what is counted of them."""
    calibration = example_calibration(illustration=False)
    factors = {row.name: row.value for row in CATALOG.parameters}
    probes = []
    for size, suffix in shapes:
        at = msgspec.structs.replace(SHAPE, micro_batch_size=size, suffix_tokens=suffix)
        counted = memory_components(
            PALIGEMMA, CATALOG.quantization(quantization), at, factors, MemoryMetric.RESERVED
        ).values()
        probes.append(
            Probe(
                run="probes", kind="train", micro_batch_size=size, image_tokens=256, prompt_tokens=16,
                suffix_tokens=suffix, seconds_median=1.0, seconds_p10=0.9, seconds_p90=1.1, repeats=5,
                quantization=quantization, peak_memory_gib=ratio * sum(counted) / GIB,
            )
        )  # fmt: skip
    header = msgspec.structs.replace(calibration.header, hardware=Hardware(device="cuda", gpu=gpu))
    calibration = msgspec.structs.replace(calibration, header=header, runs=(Run(id="probes", events=tuple(probes)),))
    return probed_peaks(calibration, PALIGEMMA, SHAPE, CATALOG)


@pytest.mark.parametrize("ratio", [0.8, 1.3])
def test_probes_scale_the_sum_and_narrow_what_decides(ratio: float) -> None:
    bf16 = CATALOG.quantization("bf16")
    shape = msgspec.structs.replace(SHAPE, micro_batch_size=4)
    alone = training_memory(PALIGEMMA, bf16, shape, CATALOG)
    here = training_memory(PALIGEMMA, bf16, shape, CATALOG, probed=probed(ratio), gpu=CATALOG.gpu("L4"))
    context = alone.components_gib["CUDA context"]
    shift = math.exp(CATALOG.parameter("memory_log_bias").value)
    assert here.gib_p50 - context == pytest.approx(ratio * (alone.gib_p50 - context) / shift, rel=0.03)
    assert sum(here.components_gib.values()) == pytest.approx(here.gib_p50)
    assert here.basis is TimingBasis.MEASURED
    assert here.gib_p95 / here.gib_p50 < alone.gib_p95 / alone.gib_p50


def test_other_bits_checkpointing_or_gpu_than_the_probes_are_extrapolated_and_wider() -> None:
    bf16, nf4 = CATALOG.quantization("bf16"), CATALOG.quantization("nf4")
    measured, l4 = probed(1.2), CATALOG.gpu("L4")
    recomputed = msgspec.structs.replace(SHAPE, checkpointing=True)
    here = training_memory(PALIGEMMA, bf16, SHAPE, CATALOG, probed=measured, gpu=l4)
    for quantization, shape, gpu in (
        (nf4, SHAPE, l4), (bf16, recomputed, l4), (bf16, SHAPE, CATALOG.gpu("H100-SXM"))
    ):  # fmt: skip
        there = training_memory(PALIGEMMA, quantization, shape, CATALOG, probed=measured, gpu=gpu)
        assert there.basis is TimingBasis.EXTRAPOLATED
        assert there.gib_p95 / there.gib_p50 > here.gib_p95 / here.gib_p50


def test_one_probe_or_a_stand_ins_probes_correct_nothing() -> None:
    bf16 = CATALOG.quantization("bf16")
    alone = training_memory(PALIGEMMA, bf16, SHAPE, CATALOG)
    assert training_memory(PALIGEMMA, bf16, SHAPE, CATALOG, probed=probed(1.5, shapes=((1, 16),))) == alone
    assert probed_peaks(example_calibration(), PALIGEMMA, SHAPE, CATALOG) is None


def test_a_shape_that_probes_show_to_fit_is_chosen_larger() -> None:
    bf16, l4 = CATALOG.quantization("bf16"), CATALOG.gpu("L4")
    lean, heavy = (largest_fitting_shape(PALIGEMMA, bf16, SHAPE, l4, CATALOG, probed=probed(ratio))[0]
                   for ratio in (0.7, 1.8))  # fmt: skip
    assert lean.micro_batch_size > heavy.micro_batch_size
