"""Which arithmetic a device has, and what is said when it has not."""

from __future__ import annotations

import pytest
import torch

from planner.errors import MissingPartError
from trainer import quantize
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
def volta(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: False)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _=None: (7, 0))


@pytest.mark.usefixtures("volta")
def test_v100_and_t4_compute_in_float32_and_say_so() -> None:
    assert default_quantization(CUDA) == "fp32"
    assert {compute_dtype(name, CUDA) for name in ("fp32", "int8", "nf4")} == {torch.float32}
    with pytest.raises(MissingPartError, match="no bfloat16"):
        compute_dtype("bf16", CUDA)
    remark = precision_remark("nf4", CUDA)
    assert remark is not None
    assert "float32" in remark
