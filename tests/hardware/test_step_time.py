"""Step time: terms scale with their own rates, and probes correct the side that they show."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.catalog import read_catalog
from planner.hardware.architecture import architecture_from_numbers, vision_flops
from planner.hardware.memory import TrainingShape
from planner.hardware.step_time import StepRatios, matmul_flops_per_s, micro_step_time, ratios_from_probes
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
NF4 = CATALOG.quantization("nf4")
PRECISE = FACTORS | {"probe_noise_log_sd": 0.0005}
A100, H100, L4, T4 = (CATALOG.gpu(name) for name in ("A100-80GB-SXM", "H100-SXM", "L4", "T4"))


def step(gpu=A100, quantization=BF16, **changes):
    return micro_step_time(PALIGEMMA, quantization, msgspec.structs.replace(SHAPE, **changes), gpu, FACTORS)


@given(st.sampled_from(CATALOG.gpus), st.sampled_from(CATALOG.quantizations), st.integers(1, 16), st.integers(1, 512))
def test_every_term_is_positive_and_no_gpu_beats_its_dense_rate(gpu, quantization, batch: int, suffix: int) -> None:
    found = step(gpu, quantization, micro_batch_size=batch, suffix_tokens=suffix)
    assert found.seconds >= max(found.device_s, found.host_s) > 0.0
    assert 0.0 < found.flops / (found.seconds * gpu.training_tflops * 1e12) < 1.0


def test_twice_the_rate_halves_arithmetic_and_nothing_else() -> None:
    twice = msgspec.structs.replace(A100, matmul_tflops=2 * A100.matmul_tflops)
    slow, fast = step(A100), step(twice)
    assert fast.arithmetic_s == pytest.approx(slow.arithmetic_s / 2)
    assert (fast.traffic_s, fast.weights_s, fast.host_s) == (slow.traffic_s, slow.weights_s, slow.host_s)


def test_a_card_whose_matrix_rate_was_not_measured_reaches_the_usual_share_of_its_datasheet() -> None:
    unmeasured = msgspec.structs.replace(A100, matmul_tflops=None)
    assert matmul_flops_per_s(unmeasured, FACTORS) == pytest.approx(312e12 * FACTORS["matmul_share"])
    assert matmul_flops_per_s(A100, FACTORS) == 271.2e12


def test_twice_the_bandwidth_halves_traffic_and_weights_and_nothing_else() -> None:
    slow = step(A100, NF4)
    fast = step(msgspec.structs.replace(A100, bandwidth_gb_s=2 * A100.bandwidth_gb_s), NF4)
    assert fast.traffic_s == pytest.approx(slow.traffic_s / 2)
    assert fast.weights_s == pytest.approx(slow.weights_s / 2) != 0.0
    assert (fast.arithmetic_s, fast.host_s) == (slow.arithmetic_s, slow.host_s)


def test_four_bit_weights_cost_unpacking_however_many_tokens_there_are() -> None:
    for size in (1, 8):
        assert step(A100, NF4, micro_batch_size=size).weights_s == step(A100, NF4).weights_s > 3 * step(A100).weights_s
    assert step(A100, NF4, checkpointing=True).weights_s == pytest.approx(1.5 * step(A100, NF4).weights_s)


def test_launching_kernels_takes_as_long_for_one_example_as_for_eight() -> None:
    assert step(micro_batch_size=1).host_s == step(micro_batch_size=8).host_s


def test_checkpointing_computes_the_forward_pass_again() -> None:
    plain, again = step(), step(checkpointing=True)
    assert again.flops / plain.flops == pytest.approx(3 / 2, rel=0.05)
    assert again.host_s > 1.3 * plain.host_s


def test_images_are_decoded_and_seen_by_the_tower_only_where_their_features_are_not_cached() -> None:
    cached, seen = step(), step(cached_features=False)
    trained = step(cached_features=False, adapters_in_tower=True)
    assert cached.loading_s == 0.0
    assert seen.loading_s == pytest.approx(4 * FACTORS["host_s_per_image"])
    assert (seen.flops - cached.flops) / 4 == pytest.approx(vision_flops(PALIGEMMA))
    assert trained.arithmetic_s > seen.arithmetic_s > cached.arithmetic_s
    assert trained.host_s > seen.host_s > cached.host_s


def test_capped_scores_are_materialised_and_move_more_bytes() -> None:
    capped = msgspec.structs.replace(PALIGEMMA, softcapped_attention=True)
    plain, more = (micro_step_time(model, BF16, SHAPE, A100, FACTORS) for model in (PALIGEMMA, capped))
    assert more.traffic_s > plain.traffic_s
    assert more.flops == plain.flops


def test_a_causal_mask_spares_half_of_attention_where_flash_attention_runs() -> None:
    full, causal = step(suffix_tokens=2000), step(suffix_tokens=2000, causal=True)
    assert causal.flops < full.flops
    assert step(T4, suffix_tokens=2000, causal=True) == step(T4, suffix_tokens=2000)


def test_gpus_that_train_together_wait_for_each_other_and_shards_more_than_gradients() -> None:
    one, two, eight = (step(gpus=number) for number in (1, 2, 8))
    assert one.exchange_s == 0.0 < two.exchange_s < eight.exchange_s
    assert step(gpus=8, sharded=True).exchange_s > 50 * eight.exchange_s
    assert (two.arithmetic_s, two.traffic_s, two.host_s) == (one.arithmetic_s, one.traffic_s, one.host_s)
    # Without links of its own a card goes through PCIe.
    assert step(L4, gpus=2).exchange_s > 10 * two.exchange_s


def test_full_fine_tuning_moves_all_weights_once_an_optimizer_step() -> None:
    often, seldom = step(full=True, accumulation=1.0), step(full=True, accumulation=8.0)
    assert often.traffic_s > seldom.traffic_s
    assert often.flops > step().flops


@given(st.floats(0.4, 2.5), st.floats(0.4, 2.5), st.floats(0.4, 2.5))
def test_probes_that_show_all_sides_recover_them(device: float, weights: float, host: float) -> None:
    shapes = [
        step(L4, NF4, micro_batch_size=size, suffix_tokens=suffix) for size, suffix in ((1, 4), (1, 300), (8, 500))
    ]
    shapes.append(msgspec.structs.replace(shapes[0], arithmetic_s=1e-4, traffic_s=1e-5, weights_s=1e-4))
    ratios = StepRatios(device=device, weights=weights, host=host)
    found = ratios_from_probes(shapes, [shape.corrected(ratios) for shape in shapes], PRECISE)
    for shape in shapes:
        assert shape.corrected(found) == pytest.approx(shape.corrected(ratios), rel=0.01)
    assert found.device == pytest.approx(device, rel=0.1)


@given(st.floats(0.2, 5.0), st.floats(0.2, 5.0))
def test_longer_steps_never_take_less_whatever_the_probes_say(one: float, other: float) -> None:
    shapes = [step(L4, suffix_tokens=size) for size in (64, 512)]
    found = ratios_from_probes(shapes, [one * shapes[0].seconds, other * shapes[1].seconds], FACTORS)
    taken = [step(L4, suffix_tokens=size).corrected(found) for size in (16, 64, 256, 1024)]
    assert taken == sorted(taken)


def test_long_probes_leave_the_host_near_the_model() -> None:
    long = [step(T4, micro_batch_size=8, suffix_tokens=size) for size in (500, 1000)]
    found = ratios_from_probes(long, [1.5 * shape.device_s for shape in long], FACTORS)
    assert found.device == pytest.approx(1.5, rel=0.1)
    assert 0.8 < found.host < 1.2


def test_probes_of_another_machine_move_less() -> None:
    shapes = [step(L4, suffix_tokens=size) for size in (64, 512)]
    measured = [2.0 * shape.seconds for shape in shapes]
    here, there = (ratios_from_probes(shapes, measured, FACTORS, same_machine=same) for same in (True, False))
    assert 1.0 < there.device < here.device


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


def test_probes_at_another_image_size_count_their_own_tokens() -> None:
    """The same seconds for more image tokens: the machine is faster than it looked."""
    probed = probed_on("L4", 1.4)
    larger = [msgspec.structs.replace(probe, image_tokens=1024) for probe in probed.runs[0].events]
    longer = msgspec.structs.replace(probed, runs=(Run(id="probes", events=tuple(larger)),))
    assert np.median(seconds(longer, L4).seconds_m) < 0.7 * np.median(seconds(probed, L4).seconds_m)


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


def test_probes_of_a_stand_in_model_count_as_none() -> None:
    probed = probed_on("L4", 1.4)
    stand_in = msgspec.structs.replace(probed, header=msgspec.structs.replace(probed.header, illustration=True))
    assert seconds(stand_in, L4).basis is TimingBasis.UNPROBED


def test_probes_of_other_bits_are_extrapolated_and_say_so() -> None:
    probed = probed_on("L4", 1.4)
    here, there = seconds(probed, L4), seconds(probed, L4, NF4)
    assert there.basis is TimingBasis.EXTRAPOLATED
    assert "in bf16" in there.sentence and "in nf4" in there.sentence
    assert np.std(np.log(there.seconds_m)) > 2 * np.std(np.log(here.seconds_m))


def test_arithmetic_in_other_bits_takes_its_time_whether_probed_or_not() -> None:
    """float32 and int8 are slower than the probes in bf16 were, and float32 most where it has no tensor cores."""
    int8, fp32 = CATALOG.quantization("int8"), CATALOG.quantization("fp32")
    for calibration in (probed_on("L4", 1.4), example_calibration(illustration=False)):
        plain = np.median(seconds(calibration, L4).seconds_m)
        assert 1.1 < np.median(seconds(calibration, L4, int8).seconds_m) / plain < 1.6
        assert 2.0 < np.median(seconds(calibration, L4, fp32).seconds_m) / plain < 4.0
        on_t4 = np.median(seconds(calibration, T4).seconds_m)
        assert 4.0 < np.median(seconds(calibration, T4, fp32).seconds_m) / on_t4 < 8.0


def test_gpus_that_train_together_are_never_measured_by_one() -> None:
    probed = probed_on("L4", 1.4)
    together = training_seconds_per_example(
        probed, PALIGEMMA, msgspec.structs.replace(SHAPE, gpus=2), L4, BF16, CATALOG, np.random.default_rng(0), 4000
    )
    assert together.basis is TimingBasis.EXTRAPOLATED
    assert "not measured on 2 x L4" in together.sentence
    assert np.median(together.seconds_m) > np.median(seconds(probed, L4).seconds_m)


def test_the_unprobed_interval_is_the_spread_that_published_runs_left() -> None:
    found = seconds(example_calibration(), A100, draws=40_000).seconds_m
    low, middle, high = np.quantile(found, [0.1, 0.5, 0.9])
    assert low / middle == pytest.approx(np.exp(FACTORS["unprobed_log_p10"]), rel=0.03)
    assert high / middle == pytest.approx(np.exp(FACTORS["unprobed_log_p90"]), rel=0.03)


def test_an_image_is_decoded_and_seen_by_the_tower_once() -> None:
    slow, fast = (seconds(example_calibration(), gpu).once_per_image_s for gpu in (T4, H100))
    assert slow > fast > FACTORS["host_s_per_image"]
    assert fast == pytest.approx(FACTORS["host_s_per_image"], rel=0.05)


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
