"""Which arithmetic a device has, and what is said when it has not."""

from __future__ import annotations

import pytest
import torch

from planner.catalog import read_catalog
from planner.errors import InputError, MissingPartError
from trainer import quantize
from trainer.model import choose_device
from trainer.quantize import compute_dtype, cpu_arithmetic, default_quantization, gpu_arithmetic, precision_remark

CPU, CUDA = torch.device("cpu"), torch.device("cuda")
OLD = "processor : 0\nflags\t\t: fpu vme sse4_2 avx2 avx512f\n"
NEW = "processor : 0\nflags\t\t: avx512f avx512_bf16 avx512_vnni amx_int8\n"
ARM = "processor : 0\nFeatures\t: fp asimd asimddp i8mm bf16\n"


@pytest.mark.parametrize(
    ("cpuinfo", "expected"), [(OLD, ()), (NEW, ("bf16", "int8")), (ARM, ("bf16", "int8")), ("Darwin", None)]
)
def test_a_processor_is_known_by_its_instructions(cpuinfo: str, expected: tuple[str, ...] | None) -> None:
    assert cpu_arithmetic(cpuinfo) == expected


@pytest.mark.parametrize(
    ("name", "capability", "expected"),
    [
        ("V100", (7, 0), ("fp16",)),
        ("T4", (7, 5), ("fp16", "int8")),
        ("A100", (8, 0), ("bf16", "fp16", "int8")),
        ("L4", (8, 9), ("bf16", "fp16", "int8")),
        ("H100", (9, 0), ("bf16", "fp16", "int8")),
    ],
)
def test_a_gpu_is_known_by_its_capability(name: str, capability: tuple[int, int], expected: tuple[str, ...]) -> None:
    assert gpu_arithmetic(capability) == expected


@pytest.mark.parametrize(
    ("quantization", "native", "said"),
    [
        ("fp32", (), None),
        ("bf16", ("bf16",), None),
        ("bf16", ("int8",), "no bf16 instructions"),
        ("nf4", (), "no bf16 instructions"),
        ("int8", ("bf16",), "no int8 instructions"),
        ("bf16", None, "unknown"),
    ],
)
def test_an_emulated_precision_is_said(
    monkeypatch: pytest.MonkeyPatch, quantization: str, native: tuple[str, ...] | None, said: str | None
) -> None:
    monkeypatch.setattr(quantize, "native_arithmetic", lambda _: native)
    remark = precision_remark(quantization, CPU)
    assert (remark is None) if said is None else (remark is not None and said in remark)


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _=None: request.param)


@pytest.mark.usefixtures("card")
@pytest.mark.parametrize("card", [(7, 0), (7, 5)], indirect=True)
def test_v100_and_t4_compute_in_float16_as_the_planner_counts_and_say_so() -> None:
    assert default_quantization(CUDA) == "bf16"
    assert {compute_dtype(name, CUDA) for name in ("bf16", "int8", "nf4")} == {torch.float16}
    assert compute_dtype("fp32", CUDA) == torch.float32
    assert "held in float16" in (precision_remark("bf16", CUDA) or "")
    assert "held in float16" not in (precision_remark("nf4", CUDA) or "")
    assert "loss is scaled" in (precision_remark("nf4", CUDA) or "")
    assert precision_remark("fp32", CUDA) is None


@pytest.mark.usefixtures("card")
@pytest.mark.parametrize("card", [(8, 0), (9, 0)], indirect=True)
def test_newer_cards_compute_in_bfloat16_and_nothing_is_said() -> None:
    assert default_quantization(CUDA) == "bf16"
    assert {compute_dtype(name, CUDA) for name in ("bf16", "int8", "nf4")} == {torch.bfloat16}
    assert precision_remark("nf4", CUDA) is None


@pytest.mark.usefixtures("card")
@pytest.mark.parametrize("card", [(6, 1)], indirect=True)
def test_a_card_without_tensor_cores_computes_in_float32() -> None:
    assert default_quantization(CUDA) == "fp32"
    assert {compute_dtype(name, CUDA) for name in ("fp32", "int8", "nf4")} == {torch.float32}
    with pytest.raises(MissingPartError, match="--quantization fp32"):
        compute_dtype("bf16", CUDA)
    assert "float32" in (precision_remark("nf4", CUDA) or "")


def test_the_class_of_every_card_of_the_catalog_is_the_one_that_the_trainer_computes_in() -> None:
    """`precision_class` of data/gpus.csv, by the year: tensor cores know bf16 from 2020 (Ampere) on."""
    for gpu in read_catalog().gpus:
        capability = (8, 0) if gpu.launch_year >= 2020 else (7, 0)
        assert gpu.precision_class == ("bf16" if "bf16" in gpu_arithmetic(capability) else "fp16"), gpu.gpu


def test_a_device_that_is_none_or_not_here_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="--device: not the name of a device"):
        choose_device("gpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert choose_device("cuda:1") == torch.device("cuda", 1)
    with pytest.raises(MissingPartError, match="has 2 GPUs"):
        choose_device("cuda:2")
