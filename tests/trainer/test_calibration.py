"""Whole calibrations of the tiny model on a small drawn dataset."""

from __future__ import annotations

import errno
import json
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from planner.curve import loss_curves
from planner.errors import InputError, PlannerError
from planner.record import Answers, Eval, Finished, Interrupted, NonFinite, OutOfMemory, Probe, Train, read_calibration
from tests.trainer.conftest import Make, small
from trainer import checkpoint, loop, runs
from trainer.calibration import Outcome, calibrate, final_losses
from trainer.config import Settings
from trainer.sample import write_sample
from trainer.samples import Sample
from trainer.stopping import StopFlag, StoppedEarlyError

pytestmark = pytest.mark.training


class StopAfter(StopFlag):
    """Stops at the n-th look."""

    def __init__(self, looks: int) -> None:
        super().__init__()
        self.looks = looks

    def check(self, *_: object) -> None:
        self.looks -= 1
        if self.looks == 0:
            self.request("sigterm")
        super().check()


def losses(outcome: Outcome) -> dict[str, float]:
    return {run.id: event.loss for run, event in final_losses(outcome.calibration)}


def test_every_budget_ends_annealed_with_losses_by_case_and_answers(finished: Path) -> None:
    calibration = read_calibration(finished)
    header = calibration.header
    assert [run.id for run in calibration.runs] == ["b0000032-s0", "b0000064-s0", "b0000128-s0", "trunk-s0"]
    for run in calibration.runs[:3]:
        assert run.started is not None
        assert run.finished is not None
        (event,) = run.of(Eval)
        assert event.annealed
        assert event.examples == run.started.budget_examples == run.finished.examples
        assert event.loss == pytest.approx(sum(event.case_loss_sums) / sum(event.case_tokens))
        assert sum(event.case_tokens) == header.dataset.held_out_tokens
        assert len(event.case_tokens) == header.dataset.held_out_cases
        assert run.started.branch_of == "trunk-s0"
        assert run.of(Answers)[0].answers == 4
        assert run.of(Train)[-1].step == event.step
    assert header.illustration
    assert header.dataset.training_cases == 18
    assert header.architecture is not None
    assert header.suffix_unigram_entropy_nats is not None


def test_the_planner_reads_it_as_one_curve_of_final_losses(finished: Path) -> None:
    (curve,) = loss_curves(read_calibration(finished))
    assert curve.examples_n.tolist() == [32, 64, 128]
    assert set(curve.trunk_n) == {"trunk-s0"}
    assert curve.case_loss_sums_nk is not None
    assert curve.illustration


def test_seconds_grow_with_examples(finished: Path) -> None:
    seconds = [event.train_seconds or 0 for _, event in final_losses(read_calibration(finished))]
    assert 0 < seconds[0] < seconds[1] < seconds[2]


def test_two_training_shapes_and_answering_are_timed_before_the_first_step(finished: Path) -> None:
    trunk = read_calibration(finished).runs[-1]
    train = [p for p in trunk.of(Probe) if p.kind == "train"]
    lengths = [p.image_tokens + p.prompt_tokens + p.suffix_tokens for p in train]
    assert lengths[1] >= 1.5 * lengths[0]
    assert {p.kind for p in trunk.of(Probe)} == {"train", "prefill", "decode"}
    assert all(p.seconds_p10 <= p.seconds_median <= p.seconds_p90 for p in trunk.of(Probe))
    assert isinstance(trunk.events[1], Probe)


def test_only_the_owner_can_read_the_record_and_adapters_are_gone_at_the_end(finished: Path) -> None:
    for path in (finished, *finished.rglob("*")):
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode & 0o077 == 0, path.name
    assert not (finished / "work" / "features.bin").exists()
    assert not (finished / "work" / "checkpoints").exists()


def test_a_complete_calibration_is_left_alone_by_resume_and_refused_without(finished: Path, table: Path) -> None:
    before = {path: path.read_bytes() for path in finished.rglob("*.jsonl")}
    assert calibrate(small(table, finished, resume=True), StopFlag()).exit_code == 0
    assert before == {path: path.read_bytes() for path in finished.rglob("*.jsonl")}
    with pytest.raises(InputError, match="--resume"):
        calibrate(small(table, finished), StopFlag())


def test_a_complete_calibration_is_no_answer_to_other_options_or_data(
    finished: Path, table: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError) as caught:
        calibrate(small(table, finished, resume=True, lora_rank=4, loss_mask="full", learning_rate=0.5), StopFlag())
    assert {mistake.field for mistake in caught.value.mistakes} == {"lora_rank", "loss_mask", "learning_rate"}
    write_sample(tmp_path / "other", seed=6, studies=40, questions=1)
    with pytest.raises(InputError, match="dataset_digest"):
        calibrate(small(tmp_path / "other", finished, resume=True), StopFlag())


def test_separate_runs_and_branches_of_a_trunk_are_the_same_computation(settings: Make, finished: Path) -> None:
    outcome = calibrate(settings("separate", schedule="separate"), StopFlag())
    branch = final_losses(read_calibration(finished))[0][1]
    assert final_losses(outcome.calibration)[0][1].loss == branch.loss
    assert [run.started.branch_of for run in outcome.calibration.runs if run.started] == [None] * 3
    assert loss_curves(outcome.calibration)[0].configuration.schedule == "separate"


class Counting(StopFlag):
    """Counts the looks, and those before the record was there."""

    def __init__(self, out: Path) -> None:
        super().__init__()
        self.out, self.looks, self.before = out, 0, 0

    def check(self, *_: object) -> None:
        self.looks += 1
        if not (self.out / "calibration.json").exists():
            self.before = self.looks


@pytest.fixture(scope="module")
def looks(table: Path, finished: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[int, int]:
    """How often a whole calibration looks whether to stop: (before there is a record, in all)."""
    out = tmp_path_factory.mktemp("counted") / "record"
    shutil.copytree(finished / "work" / "tiny", out / "work" / "tiny")
    flag = Counting(out)
    assert calibrate(small(table, out), flag).exit_code == 0
    return flag.before, flag.looks


@pytest.mark.parametrize("share", [0.001, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0])
def test_a_resumed_calibration_ends_exactly_like_one_that_never_stopped(
    settings: Make, finished: Path, looks: tuple[int, int], share: float
) -> None:
    before, total = looks
    first = calibrate(settings(), StopAfter(before + max(1, round(share * (total - before)))))
    assert (first.interrupted, first.exit_code) == ("sigterm", 75)
    assert [e for run in first.calibration.runs for e in run.of(Interrupted)]
    second = calibrate(settings(resume=True), StopFlag())
    assert second.exit_code == 0
    straight = {run.id: event for run, event in final_losses(read_calibration(finished))}
    resumed = {run.id: event for run, event in final_losses(second.calibration)}
    assert resumed.keys() == straight.keys()
    for run, event in resumed.items():
        assert event.loss == straight[run].loss
        assert event.case_loss_sums == straight[run].case_loss_sums


def test_a_stop_before_the_first_run_has_measured_nothing_and_the_same_call_starts_again(settings: Make) -> None:
    with pytest.raises(StoppedEarlyError):
        calibrate(settings(), StopAfter(1))
    assert calibrate(settings(budgets=(16, 32)), StopFlag()).exit_code == 0


def test_the_time_limit_is_a_stop_that_can_go_on(settings: Make) -> None:
    flag = StopFlag(max_hours=1e-9)
    with pytest.raises(StoppedEarlyError) as caught:
        calibrate(settings(), flag)
    assert (caught.value.reason, caught.value.exit_code) == ("time_limit", 75)


def test_another_seed_adds_replicates_to_the_same_configuration(settings: Make) -> None:
    calibrate(settings(budgets=(16, 32)), StopFlag())
    outcome = calibrate(settings(seed=1, resume=True, budgets=(16, 32)), StopFlag())
    assert set(losses(outcome)) == {"b0000016-s0", "b0000032-s0", "b0000016-s1", "b0000032-s1"}
    (curve,) = loss_curves(outcome.calibration)
    assert len(curve.examples_n) == 4


def test_resume_refuses_another_configuration_and_names_what_differs(settings: Make, looks: tuple[int, int]) -> None:
    assert calibrate(settings(), StopAfter(looks[0] + 5)).exit_code == 75
    with pytest.raises(InputError) as caught:
        calibrate(settings(resume=True, learning_rate=0.5, lora_rank=4, budgets=(16, 32)), StopFlag())
    fields = {mistake.field for mistake in caught.value.mistakes}
    assert {"learning_rate", "lora_rank", "budgets_planned"} <= fields


def poison(monkeypatch: pytest.MonkeyPatch, at: Callable[[int], bool]) -> None:
    """Make some steps see a feature that is not a number."""
    real = loop.training_step
    calls = iter(range(10**9))

    def step(model, optimizer, examples, features, **options):  # type: ignore[no-untyped-def]
        bad = at(next(calls))
        return real(
            model, optimizer, examples, (lambda rows: features(rows) * float("nan")) if bad else features, **options
        )

    monkeypatch.setattr(loop, "training_step", step)


def test_single_bad_steps_are_skipped_recorded_and_never_a_number(
    settings: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    poison(monkeypatch, lambda call: call in (2, 3, 7))
    outcome = calibrate(settings(budgets=(32, 64)), StopFlag())
    assert outcome.exit_code == 0
    found = [event for run in outcome.calibration.runs for event in run.of(NonFinite)]
    assert len(found) == 3
    assert "NaN" not in "".join(path.read_text() for path in (settings().out / "runs").iterdir())


def test_three_bad_steps_in_a_row_end_the_run_and_keep_what_was_measured(
    settings: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    poison(monkeypatch, lambda call: call >= 6)
    outcome = calibrate(settings(), StopFlag())
    assert outcome.exit_code == 3
    assert outcome.failed == ("trunk-s0",)
    assert outcome.calibration.runs[-1].finished == Finished(
        run="trunk-s0",
        **{
            name: getattr(outcome.calibration.runs[-1].finished, name)
            for name in ("examples", "suffix_tokens", "train_seconds", "wall_seconds", "peak_memory_gib")
        },
        status="diverged",
    )
    assert "b0000032-s0" in losses(outcome)


def test_when_memory_does_not_suffice_micro_batches_halve_and_the_effective_batch_stays(
    settings: Make, monkeypatch: pytest.MonkeyPatch, finished: Path
) -> None:
    real = loop.training_step

    def step(*args, micro_batch_size: int, **options):  # type: ignore[no-untyped-def]
        if micro_batch_size > 2:
            raise torch.OutOfMemoryError("planted")
        return real(*args, micro_batch_size=micro_batch_size, **options)

    monkeypatch.setattr(loop, "training_step", step)
    outcome = calibrate(settings(), StopFlag())
    (event,) = [event for run in outcome.calibration.runs for event in run.of(OutOfMemory)]
    assert (event.micro_batch_size, event.next_micro_batch_size) == (4, 2)
    straight = final_losses(read_calibration(finished))[0][1]
    assert final_losses(outcome.calibration)[0][1].loss == pytest.approx(straight.loss, rel=1e-4)


def test_a_full_disk_keeps_what_was_measured_and_goes_on_when_there_is_room(
    settings: Make, monkeypatch: pytest.MonkeyPatch, finished: Path
) -> None:
    real = checkpoint.write
    writes = iter(range(10**9))

    def write(*args):  # type: ignore[no-untyped-def]
        if next(writes) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(*args)

    monkeypatch.setattr(checkpoint, "write", write)
    monkeypatch.setattr(runs, "SECONDS_WORTH_SAVING", 0.0)
    first = calibrate(settings(), StopFlag())
    assert (first.interrupted, first.exit_code) == ("disk_full", 75)
    assert "b0000032-s0" in losses(first)
    second = calibrate(settings(resume=True), StopFlag())
    assert losses(second) == {run.id: event.loss for run, event in final_losses(read_calibration(finished))}


def test_an_evaluation_that_does_not_fit_is_done_in_smaller_batches(
    settings: Make, monkeypatch: pytest.MonkeyPatch, finished: Path
) -> None:
    real = loop.evaluate

    def evaluate(*args, batch_size: int, **options):  # type: ignore[no-untyped-def]
        if batch_size > 4:
            raise torch.OutOfMemoryError("planted")
        return real(*args, batch_size=batch_size, **options)

    monkeypatch.setattr(loop, "evaluate", evaluate)
    outcome = calibrate(settings(), StopFlag())
    assert losses(outcome)["b0000032-s0"] == pytest.approx(
        final_losses(read_calibration(finished))[0][1].loss, rel=1e-5
    )


def test_when_not_even_one_example_fits_the_run_says_so(settings: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def step(*_, **__):  # type: ignore[no-untyped-def]
        raise torch.OutOfMemoryError("planted")

    monkeypatch.setattr(loop, "training_step", step)
    outcome = calibrate(settings(), StopFlag())
    assert outcome.exit_code == 3
    assert outcome.calibration.runs[-1].finished.status == "out_of_memory"  # type: ignore[union-attr]


def test_a_second_writer_is_refused_and_told_who_writes(settings: Make) -> None:
    import os

    from trainer.private import only_writer, work_folder

    first = settings()
    work_folder(first.out)
    with only_writer(first.out), pytest.raises(InputError, match=f"process {os.getpid()} is writing"):
        calibrate(first, StopFlag())


def test_a_folder_with_other_files_is_not_written_into(table: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(InputError, match="holds 1 other files"):
        calibrate(small(table, tmp_path), StopFlag())


def test_damaged_images_are_reported_together_before_anything_is_trained(
    table: Path, settings: Make, tmp_path: Path
) -> None:
    import shutil

    data = tmp_path / "data"
    shutil.copytree(table, data)
    for number in (3, 17):
        path = data / "images" / f"film{number:03d}.png"
        path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(InputError) as caught:
        calibrate(settings(data=data), StopFlag())
    assert len(caught.value.mistakes) == 2
    assert all(m.file == "samples.csv" and m.field == "image" and m.row for m in caught.value.mistakes)
    assert not (settings().out / "calibration.json").exists()


CANARIES = {
    "file": "canaryfile", "folder": "canaryfolder", "caption": "canarycaption", "case": "canarycase",
    "text": "canarytext", "prompt": "canaryprompt", "user": "canaryuser", "host": "canaryhost",
}  # fmt: skip


def planted(folder: Path) -> Path:
    data = folder / CANARIES["folder"]
    write_sample(data, seed=5, studies=40, questions=1)
    info = PngInfo()
    info.add_text("PatientName", CANARIES["text"])
    Image.new("L", (56, 56), 90).save(data / "images" / f"{CANARIES['file']}.png", pnginfo=info)
    with (data / "samples.csv").open("a") as file:
        for n in range(30):
            file.write(
                f"images/{CANARIES['file']}.png,{CANARIES['prompt']}?,{CANARIES['caption']} {n},{CANARIES['case']}{n}\n"
            )
    return data


@pytest.mark.parametrize("keep", [False, True])
def test_nothing_of_a_patient_reaches_record_or_screen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], keep: bool
) -> None:
    from planner.record import pack

    monkeypatch.setenv("USER", CANARIES["user"])
    monkeypatch.setenv("HOSTNAME", CANARIES["host"])
    data = planted(tmp_path)
    options = small(data, tmp_path / "record", keep_samples=keep, budgets=(16, 32), pretraining_steps=3, answers=8)
    outcome = calibrate(options, StopFlag())
    texts = [path.read_text() for path in (tmp_path / "record").rglob("*.json*") if "work" not in path.parts]
    samples = tmp_path / "record" / "samples.jsonl"
    assert samples.exists() == keep
    if keep:
        assert stat.S_IMODE(samples.stat().st_mode) == 0o600
        assert set(Sample.__struct_fields__) == set(json.loads(samples.read_text().splitlines()[0]))
        texts.remove(samples.read_text())
    screen = capfd.readouterr()
    everything = "".join(texts) + screen.out + screen.err + pack(outcome.calibration).decode()
    assert [canary for canary in (*CANARIES.values(), str(tmp_path)) if canary in everything] == []


def test_errors_name_the_row_and_no_path(tmp_path: Path) -> None:
    data = planted(tmp_path)
    with (data / "samples.csv").open("a") as file:
        file.write("images/gone.png,q,a,c\n")
    with pytest.raises(InputError) as caught:
        calibrate(small(data, tmp_path / "record"), StopFlag())
    assert "samples.csv line" in str(caught.value)
    assert [canary for canary in (*CANARIES.values(), str(tmp_path)) if canary in str(caught.value)] == []


def test_a_caption_of_two_thousand_words_is_cut_and_counted(
    tmp_path: Path, table: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    import shutil

    data = tmp_path / "data"
    shutil.copytree(table, data)
    with (data / "samples.csv").open("a") as file:
        file.write(f"images/film000.png,what,{'word ' * 1_900},case000\n")
    outcome = calibrate(small(data, tmp_path / "record", budgets=(16, 32), pretraining_steps=3), StopFlag())
    assert outcome.exit_code == 0
    assert "longer than 32 tokens and were cut there" in capfd.readouterr().err
    share = outcome.calibration.header.dataset.truncated_share
    assert share is not None
    assert share > 0


def test_the_real_loading_code_calibrates_a_paligemma_from_a_folder(
    table: Path, finished: Path, tmp_path: Path
) -> None:
    """The gate may refuse it (a hardly pretrained model starts above guessing): then with its sentence."""
    options = small(table, tmp_path / "record", model=str(finished / "work" / "tiny"), quantization="fp32")
    try:
        outcome = calibrate(options, StopFlag())
    except PlannerError as refusal:
        assert "guessing by frequency" in str(refusal)
    else:
        assert outcome.calibration.header.configuration.model == "paligemma-local"
        assert not outcome.calibration.header.illustration


@pytest.mark.parametrize(
    "options",
    [{"micro_batch_size": 3}, {"budgets": (8,)}, {"budgets": (1, 64)}],
)
def test_settings_that_contradict_each_other_are_sentences(options: dict[str, object]) -> None:
    with pytest.raises(InputError, match="calibrate run"):
        small(Path("x"), Path("y"), **options)
    assert isinstance(small(Path("x"), Path("y")), Settings)
