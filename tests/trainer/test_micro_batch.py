"""The micro-batch is found by trying; the timing-only mode; a rate check that sees no held-out example."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from msgspec import structs

from planner.curve import loss_curves
from planner.errors import CurveError, MissingPartError
from planner.record import Probe, pack, parse_packed, read_calibration
from tests.trainer.conftest import small
from tests.trainer.models import random_model
from trainer import micro_batch, tiny
from trainer.cli import main
from trainer.micro_batch import choose_memory

CALLS: list[tuple[int, bool]] = []


def settings(**options: object):  # type: ignore[no-untyped-def]
    made = small(Path("x"), Path("y"), effective_batch_size=16, micro_batch_size=None, budgets=None, **options)
    return structs.replace(made, model="google/paligemma-3b-pt-224")


def machine(monkeypatch: pytest.MonkeyPatch, *, fits: int, fits_checkpointed: int, pays: int) -> None:
    """A machine on which so many examples fit, and on which more than `pays` at once are no faster."""
    CALLS.clear()

    def step(model, optimizer, examples, features, *, micro_batch_size: int, **_: object) -> None:  # type: ignore[no-untyped-def]
        on = model.network.model.language_model.layers[0].gradient_checkpointing
        CALLS.append((micro_batch_size, on))
        if micro_batch_size > (fits_checkpointed if on else fits):
            raise torch.OutOfMemoryError("planted")
        clock[0] += 1.0 if micro_batch_size <= pays else micro_batch_size / pays

    clock = [0.0]
    monkeypatch.setattr(micro_batch, "training_step", step)
    monkeypatch.setattr(micro_batch.time, "perf_counter", lambda: clock[0])
    monkeypatch.setattr(micro_batch, "peak_memory_gib", lambda _: 0.0)
    monkeypatch.setattr(micro_batch, "memory_limit_gib", lambda _: 1.0)


@pytest.mark.parametrize(
    ("fits", "checkpointed", "pays", "expected"),
    [(64, 64, 64, (16, False)), (5, 64, 64, (4, False)), (64, 64, 2, (2, False)), (0, 3, 64, (2, True))],
)
def test_the_largest_micro_batch_that_fits_and_pays_and_checkpointing_only_when_nothing_else_fits(
    monkeypatch: pytest.MonkeyPatch, fits: int, checkpointed: int, pays: int, expected: tuple[int, bool]
) -> None:
    machine(monkeypatch, fits=fits, fits_checkpointed=checkpointed, pays=pays)
    memory = choose_memory(random_model(), settings(), prompt_tokens=4, suffix_tokens=6, check=lambda: None)
    assert (memory.micro_batch_size, memory.checkpointing) == expected
    assert 16 % memory.micro_batch_size == 0


def test_when_nothing_fits_it_says_what_to_try(monkeypatch: pytest.MonkeyPatch) -> None:
    machine(monkeypatch, fits=0, fits_checkpointed=0, pays=64)
    with pytest.raises(MissingPartError, match="nf4"):
        choose_memory(random_model(), settings(), prompt_tokens=4, suffix_tokens=6, check=lambda: None)
    assert {on for _, on in CALLS} == {False, True}


def test_without_checkpointing_it_is_not_turned_on(monkeypatch: pytest.MonkeyPatch) -> None:
    machine(monkeypatch, fits=0, fits_checkpointed=64, pays=64)
    with pytest.raises(MissingPartError):
        choose_memory(
            random_model(), settings(checkpointing="off"), prompt_tokens=4, suffix_tokens=6, check=lambda: None
        )


def test_a_given_size_is_taken_without_trying(monkeypatch: pytest.MonkeyPatch) -> None:
    machine(monkeypatch, fits=0, fits_checkpointed=0, pays=64)
    chosen = structs.replace(settings(), micro_batch_size=8)
    memory = choose_memory(random_model(), chosen, prompt_tokens=4, suffix_tokens=6, check=lambda: None)
    assert memory.micro_batch_size == 8
    assert not CALLS


def test_on_a_cpu_a_size_that_would_not_fit_is_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    machine(monkeypatch, fits=64, fits_checkpointed=64, pays=64)
    peaks = iter([1.0, 2.0, 4.0, 8.0, 16.0])
    monkeypatch.setattr(micro_batch, "peak_memory_gib", lambda _: next(peaks))
    monkeypatch.setattr(micro_batch, "memory_limit_gib", lambda _: 7.0)
    memory = choose_memory(random_model(), settings(), prompt_tokens=4, suffix_tokens=6, check=lambda: None)
    assert memory.micro_batch_size == 2
    assert max(size for size, _ in CALLS) == 2


@pytest.fixture(scope="module")
def timed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("timed") / "record"
    arguments = ["run", "--timing-only", "--model", "tiny", "--out", str(out), "--effective-batch-size", "2"]
    arguments += ["--vary", "targets=all-linear,attention", "--json"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    assert '"timing_only": true' in result.output or '"timing_only":true' in result.output
    return out


def test_timing_only_needs_no_data_and_writes_probes_and_no_curve(timed: Path) -> None:
    record = read_calibration(timed)
    assert record.header.timing_only
    assert {run.id for run in record.runs} == {"timing", "v.attention.timing"}
    for run in record.runs:
        kinds = [(p.kind, p.micro_batch_size) for p in run.of(Probe)]
        assert kinds[:2] == [("train", 1), ("train", 2)]
        assert {"prefill", "decode"} <= {kind for kind, _ in kinds}
        lengths = {p.suffix_tokens for p in run.of(Probe) if p.kind == "train"}
        assert len(lengths) == 2
        assert all((p.tflop or 0) > 0 for p in run.of(Probe))
    assert record.header.hardware.matmul_tflops_per_s
    with pytest.raises(CurveError):
        loss_curves(record)
    assert parse_packed(pack(record), file="x") == record
    assert not (timed / "work" / "random-weights").exists()


def test_timing_only_goes_on_where_it_stopped_and_refuses_to_overwrite(timed: Path) -> None:
    before = {path: path.read_bytes() for path in timed.rglob("*.jsonl")}
    arguments = ["run", "--timing-only", "--out", str(timed), "--effective-batch-size", "2"]
    assert CliRunner().invoke(main, arguments).exit_code == 2
    again = CliRunner().invoke(main, [*arguments, "--resume", "--vary", "targets=all-linear,attention"])
    assert again.exit_code == 0
    assert before == {path: path.read_bytes() for path in timed.rglob("*.jsonl")}


def test_a_folder_without_weights_is_timed_with_random_ones(tmp_path: Path) -> None:
    model = random_model(targets=None)
    tiny.save(model, tmp_path / "shape")
    (tmp_path / "shape" / "model.safetensors").unlink()
    arguments = ["--timing-only", "--model", str(tmp_path / "shape"), "--out", str(tmp_path / "r")]
    result = CliRunner().invoke(main, [*arguments, "--effective-batch-size", "1", "--device", "cpu"])
    assert result.exit_code == 0, result.output
    assert "random ones of the same shape" in result.output
    header = read_calibration(tmp_path / "r").header
    assert header.configuration.model == "paligemma-local"
    assert not header.illustration
