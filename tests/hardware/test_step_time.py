"""Step time: terms scale with their own rates, and probes correct the side that they show."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.catalog import read_catalog
from planner.hardware.architecture import architecture_from_numbers
from planner.hardware.memory import TrainingShape
from planner.hardware.step_time import micro_step_time, ratios_from_probes
from planner.hardware.throughput import (
    TimingBasis,
    answering_seconds_per_study,
    training_seconds_per_example,
)
from planner.record import Hardware, Probe, Run
from tests.factories import example_calibration

CATALOG = read_catalog()
FACTORS = {row.name: row.value for row in CATALOG.parameters}
ROW = CATALOG.architecture("google/paligemma-3b-pt-224")
PALIGEMMA = architecture_from_numbers(ROW)
SHAPE = TrainingShape(prompt_tokens=16, suffix_tokens=64, lora_parameters=9_805_824, micro_batch_size=4)
BF16 = CATALOG.quantization("bf16")
A100, H100, L4, T4 = (CATALOG.gpu(name) for name in ("A100-80GB-SXM", "H100-SXM", "L4", "T4"))


def step(gpu=A100, quantization=BF16, **changes):
    return micro_step_time(PALIGEMMA, quantization, msgspec.structs.replace(SHAPE, **changes), gpu, FACTORS)


@given(st.sampled_from(CATALOG.gpus), st.sampled_from(CATALOG.quantizations), st.integers(1, 16), st.integers(1, 512))
def test_every_term_is_positive_and_no_gpu_beats_its_dense_rate(gpu, quantization, batch: int, suffix: int) -> None:
    found = step(gpu, quantization, micro_batch_size=batch, suffix_tokens=suffix)
    assert found.seconds >= max(found.device_s, found.host_s) > 0.0
    assert 0.0 < found.flops / (found.seconds * gpu.training_tflops * 1e12) < 1.0


def test_twice_the_rate_halves_arithmetic_and_nothing_else() -> None:
    twice = msgspec.structs.replace(A100, bf16_dense_tflops=2 * A100.training_tflops)
    slow, fast = step(A100), step(twice)
    assert fast.arithmetic_s == pytest.approx(slow.arithmetic_s / 2)
    assert (fast.traffic_s, fast.host_s) == (slow.traffic_s, slow.host_s)


def test_twice_the_bandwidth_halves_traffic_and_dequantization_and_nothing_else() -> None:
    nf4 = CATALOG.quantization("nf4")
    slow = step(A100, nf4)
    fast = step(msgspec.structs.replace(A100, bandwidth_gb_s=2 * A100.bandwidth_gb_s), nf4)
    assert fast.traffic_s == pytest.approx(slow.traffic_s / 2)
    assert fast.dequantization_s == pytest.approx(slow.dequantization_s / 2) != 0.0
    assert (fast.arithmetic_s, fast.host_s) == (slow.arithmetic_s, slow.host_s)


def test_launching_kernels_takes_as_long_for_one_example_as_for_eight_except_for_the_images() -> None:
    one, eight = step(micro_batch_size=1), step(micro_batch_size=8)
    assert eight.host_s - one.host_s == pytest.approx(7 * FACTORS["host_s_per_image"])


@given(st.floats(0.4, 2.5), st.floats(0.4, 2.5))
def test_probes_that_show_both_sides_recover_them(device: float, host: float) -> None:
    shapes = [step(L4, micro_batch_size=size, suffix_tokens=suffix) for size, suffix in ((1, 4), (1, 200), (8, 500))]
    shapes.append(msgspec.structs.replace(shapes[0], arithmetic_s=1e-4, traffic_s=1e-5))
    measured = [shape.corrected(device, host) for shape in shapes]
    found = ratios_from_probes(shapes, measured, FACTORS | {"probe_log_sd": 0.005})
    assert found == pytest.approx((device, host), rel=0.05)


def test_long_probes_leave_the_host_near_the_model() -> None:
    long = [step(T4, micro_batch_size=8, suffix_tokens=size) for size in (500, 1000)]
    device, host = ratios_from_probes(long, [1.5 * shape.device_s for shape in long], FACTORS)
    assert device == pytest.approx(1.5, rel=0.1)
    assert 0.5 < host < 1.5


def seconds(calibration, gpu, quantization=BF16, draws: int = 4000):
    return training_seconds_per_example(
        calibration, PALIGEMMA, SHAPE, gpu, quantization, CATALOG, np.random.default_rng(0), draws
    )


def probed_on(name: str, ratio: float):
    """A real calibration whose probes take `ratio` times what the model expects of that GPU."""
    calibration = example_calibration(illustration=False)
    gpu = CATALOG.gpu(name)
    probes = tuple(
        Probe(
            run="probes",
            kind="train",
            micro_batch_size=size,
            image_tokens=256,
            prompt_tokens=16,
            suffix_tokens=suffix,
            seconds_median=ratio * step(gpu, micro_batch_size=size, suffix_tokens=suffix).seconds,
            seconds_p10=0.1,
            seconds_p90=9.0,
            repeats=5,
            quantization="bf16",
        )
        for size, suffix in ((1, 16), (8, 128))
    )
    header = msgspec.structs.replace(calibration.header, hardware=Hardware(device="cuda", gpu=name))
    return msgspec.structs.replace(calibration, header=header, runs=(Run(id="probes", events=probes),))


def test_probes_on_the_same_gpu_are_measured() -> None:
    found = seconds(probed_on("L4", 1.4), L4)
    assert found.basis is TimingBasis.MEASURED
    assert np.median(found.seconds_m) == pytest.approx(1.4 * step(L4).seconds / 4, rel=0.05)


def test_probes_on_another_gpu_are_extrapolated_with_a_wider_interval() -> None:
    here, there = seconds(probed_on("L4", 1.4), L4), seconds(probed_on("L4", 1.4), H100)
    assert there.basis is TimingBasis.EXTRAPOLATED
    assert "L4" in there.sentence and "H100-SXM" in there.sentence
    assert np.median(there.seconds_m) < np.median(here.seconds_m)
    assert np.std(np.log(there.seconds_m)) > 2 * np.std(np.log(here.seconds_m))


def test_seconds_of_a_cpu_are_never_transferred() -> None:
    slow, fast = example_calibration(illustration=False), example_calibration(illustration=False)
    runs = tuple(
        msgspec.structs.replace(
            run,
            events=tuple(
                msgspec.structs.replace(event, seconds_median=1000 * event.seconds_median)
                if isinstance(event, Probe)
                else event
                for event in run.events
            ),
        )
        for run in slow.runs
    )
    slow = msgspec.structs.replace(slow, runs=runs)
    assert (seconds(slow, L4).seconds_m == seconds(fast, L4).seconds_m).all()
    assert seconds(slow, L4).basis is TimingBasis.UNPROBED
    assert "CPU" in seconds(slow, L4).sentence


def test_probes_of_a_stand_in_model_or_of_other_bits_count_as_none() -> None:
    probed = probed_on("L4", 1.4)
    stand_in = msgspec.structs.replace(probed, header=msgspec.structs.replace(probed.header, illustration=True))
    assert seconds(stand_in, L4).basis is TimingBasis.UNPROBED
    assert seconds(probed, L4, CATALOG.quantization("nf4")).basis is TimingBasis.UNPROBED


def test_the_unprobed_interval_is_the_spread_that_published_runs_left() -> None:
    found = seconds(example_calibration(), A100, draws=40_000).seconds_m
    low, high = np.quantile(found, [0.1, 0.9])
    assert high / low == pytest.approx(np.exp(2 * 1.2816 * FACTORS["unprobed_log_sd"]), rel=0.05)


def answered(calibration, gpu, answer_tokens: int = 64):
    return answering_seconds_per_study(
        calibration, PALIGEMMA, 16, answer_tokens, gpu, BF16, CATALOG, np.random.default_rng(0), draws=4001
    )


def answering(gpu, answer_tokens: int = 64) -> float:
    return float(np.median(answered(example_calibration(), gpu, answer_tokens).seconds_m))


def test_answering_that_was_timed_on_a_gpu_is_measured_there_and_extrapolated_elsewhere() -> None:
    calibration = example_calibration(illustration=False)
    header = msgspec.structs.replace(calibration.header, hardware=Hardware(device="cuda", gpu="NVIDIA L4"))
    timed = msgspec.structs.replace(calibration, header=header)
    here = answered(timed, L4)
    assert here.basis is TimingBasis.MEASURED
    # The factory's largest probes: 8 studies read in 0.26 s, a token of all of them in 0.019 s.
    assert np.median(here.seconds_m) == pytest.approx(0.26 / 8 + 64 * 0.019 / 8, rel=0.2)
    assert answered(timed, H100).basis is TimingBasis.EXTRAPOLATED
    assert answered(calibration, L4).basis is TimingBasis.UNPROBED


def test_answering_takes_longer_for_longer_answers_and_never_less_than_launching_its_kernels() -> None:
    batch = FACTORS["serving_batch"]
    for gpu in CATALOG.gpus:
        a_token = (answering(gpu, 128) - answering(gpu, 64)) / 64
        assert a_token * batch >= 0.95 * PALIGEMMA.layers * FACTORS["host_s_per_layer"]
    assert answering(CATALOG.gpu("H200-SXM")) < answering(T4)


def test_shares_of_the_peak_lie_where_published_runs_lie() -> None:
    """`data/utilisation.csv` is what sources measured; the step model must not leave that range on a common card."""
    lowest = min(row.mfu_p10 for row in CATALOG.utilisation)
    highest = max(row.mfu_p90 for row in CATALOG.utilisation)
    for gpu in (A100, L4, CATALOG.gpu("L40S"), CATALOG.gpu("RTX-4090"), T4):
        found = step(gpu)
        assert lowest < found.flops / (found.seconds * gpu.training_tflops * 1e12) < highest


@pytest.mark.parametrize(
    ("driver", "gpu"),
    [
        ("NVIDIA L4", "L4"),
        ("NVIDIA A100-SXM4-80GB", "A100-80GB-SXM"),
        ("NVIDIA H100 80GB HBM3", "H100-SXM"),
        ("nvidia h200", "H200-SXM"),
        ("Tesla T4", "T4"),
        ("RTX-4090", "RTX-4090"),
    ],
)
def test_a_gpu_is_known_by_the_name_that_its_driver_gives_a_calibration(driver: str, gpu: str) -> None:
    probed = probed_on(gpu, 1.2)
    header = msgspec.structs.replace(probed.header, hardware=Hardware(device="cuda", gpu=driver))
    named = msgspec.structs.replace(probed, header=header)
    assert seconds(named, CATALOG.gpu(gpu)).basis is TimingBasis.MEASURED


def test_no_two_gpus_share_a_driver_name_and_an_unknown_one_is_none() -> None:
    names = [name for spec in CATALOG.gpus for name in (spec.driver_names or "").split("|") if name]
    assert len(names) == len(set(names)) >= len(CATALOG.gpus)
    assert CATALOG.gpu_of_driver("NVIDIA L") is None
    assert CATALOG.gpu_of_driver(None) is None
    assert CATALOG.gpu_of_driver("") is None
