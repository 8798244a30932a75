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
    head_on_all_tokens=st.booleans(),
    upcast=st.booleans(),
    eager_attention=st.booleans(),
    compiled=st.booleans(),
)


@given(quantizations, shapes)
def test_components_add_up_to_the_expected_peak_and_none_is_negative(quantization, shape) -> None:
    estimate = training_memory(PALIGEMMA, quantization, shape, CATALOG)
    assert all(math.isfinite(size) and size >= 0.0 for size in estimate.components_gib.values())
    bias = math.exp(CATALOG.parameter("memory_log_bias").value)
    assert sum(estimate.components_gib.values()) * bias == pytest.approx(estimate.gib_p50)
    assert estimate.gib_p95 > estimate.gib_p50


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

    assert weights("bf16") == pytest.approx(5.445, abs=0.001)
    assert weights("nf4") == pytest.approx(5.445 - 1.981 * (2 - 0.5625) / 1.0737, abs=0.005)


def test_checkpointing_saves_activations_and_nothing_else() -> None:
    bf16 = CATALOG.quantization("bf16")
    kept = training_memory(PALIGEMMA, bf16, SHAPE, CATALOG).components_gib
    again = training_memory(PALIGEMMA, bf16, msgspec.structs.replace(SHAPE, checkpointing=True), CATALOG).components_gib
    assert again["activations"] < kept["activations"] / 4
    assert {name for name in kept if kept[name] != again[name]} <= {
        "activations",
        "allocator reserve",
        "evaluation beyond training",
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
    shape, _, _ = largest_fitting_shape(PALIGEMMA, bf16, SHAPE, h100, CATALOG, effective_batch_size=2)
    assert shape.micro_batch_size == 2


def test_published_paligemma_anchors_are_reproduced() -> None:
    """LoRA ran at batch 8 on an L4 (24 GB) and at batch 2 on a T4 (16 GB): jinho-choi123/PaliGemma-ImageCaptioning."""
    bf16 = CATALOG.quantization("bf16")
    for gpu, batch in (("L4", 8), ("T4", 2)):
        shape = msgspec.structs.replace(SHAPE, micro_batch_size=batch, checkpointing=True)
        assert training_memory(PALIGEMMA, bf16, shape, CATALOG).gib_p50 <= usable_gib(CATALOG.gpu(gpu), CATALOG)
