"""A whole calibration: read, load, check, then every budget to its end, into one record."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from msgspec import Struct, structs

from planner.errors import Mistake, RecordError, shown_name
from planner.record import (
    Calibration,
    Configuration,
    Eval,
    Finished,
    LearningRateCheck,
    Run,
    RunLog,
    Started,
    create_record,
    read_calibration,
)
from trainer import checkpoint, feature_cache, private, samples
from trainer.answer_quality import Answer
from trainer.checkpoint import Progress
from trainer.conditioning import condition, record_counts, report
from trainer.config import Settings
from trainer.dataset import dataset_digest
from trainer.dataset.fingerprint import Gallery
from trainer.header import configuration_of, make_header, refuse_other_options, refuse_others
from trainer.learning_rate_check import RateCheck
from trainer.loop import Bench
from trainer.model import LoadedModel
from trainer.prepare import Material, Prepared, load, material_of, prepare
from trainer.progress import say, stage
from trainer.runs import Calibrator
from trainer.schedule import DataOrder, make_budgets
from trainer.series import Series, open_series, series_of
from trainer.stopping import StopFlag, StoppedEarlyError
from trainer.variation import Variant, variants_of


class Outcome(Struct, frozen=True, kw_only=True):
    """How a call ended.

    Attributes:
        interrupted: Reason of an early stop, None at the end.
        failed: Runs that diverged or ran out of memory.
    """

    calibration: Calibration
    interrupted: str | None
    failed: tuple[str, ...]
    exit_code: int


def calibrate(settings: Settings, stop: StopFlag) -> Outcome:
    """Run or go on with a calibration.

    Raises:
        PlannerError: Bad input, a missing part, or a set-up that the gate refuses.
        StoppedEarlyError: Stopped before the first run began; nothing was measured yet.
    """
    if settings.is_tiny:
        # Its matrices are too small to share out: a second thread gains little, and waits on a busy machine cost a lot.
        torch.set_num_threads(1)
    work = private.work_folder(settings.out)
    with private.only_writer(settings.out):
        return _Call(settings, work, stop).run()


class _Call:
    """One call of `calibrate run`, with the record's lock in its hand."""

    def __init__(self, settings: Settings, work: Path, stop: StopFlag) -> None:
        exists = (settings.out / "calibration.json").exists()
        if exists and not settings.resume:
            raise RecordError(
                Mistake(
                    file=shown_name(settings.out),
                    reason="there is a calibration here already",
                    remedy="Use --resume to go on with it, or name another directory",
                )
            )
        self.before = read_calibration(settings.out) if exists else None
        if self.before is not None and settings.budgets is None:
            planned = tuple(round(examples) for examples in self.before.header.budgets_planned)
            settings = structs.replace(settings, budgets=planned)
        self.settings, self.work, self.stop = settings, work, stop
        self.variants = variants_of(settings)

    def run(self) -> Outcome:
        """Everything that is left to do."""
        self.stop.check()
        dataset = self.settings.read_dataset()
        for note in dataset.notes:
            say(note)
        series = series_of(self.settings, self.variants, dataset.training)
        left = self._left(series)
        if not left:
            everything = (*dataset.training, *dataset.held_out)
            assert self.before is not None
            refuse_other_options(
                self.before.header.configuration,
                self.variants[0].settings,
                dataset_digest(everything, private.dataset_salt(self.work)),
            )
            say("This calibration is complete; nothing is left to do.")
            return self._outcome(None)
        self._say_of_subsets(series)
        material = material_of(dataset, self.variants, self.work, self.stop)
        self.held_out = material.dataset.held_out
        try:
            self._train(left, material)
        except StoppedEarlyError as stopped:
            if self.before is None:
                raise
            return self._outcome(stopped)
        feature_cache.forget(self.work)
        checkpoint.forget_all(self.work / "checkpoints")
        return self._outcome(None)

    def _say_of_subsets(self, series: Sequence[Series]) -> None:
        for share in self.settings.subsets:
            if not any(each.share == share for each in series):
                say(f"Subset of {share:.0%} of the cases: no budget goes through it more than once, so none is run.")

    def _left(self, series: Sequence[Series]) -> tuple[Series, ...]:
        finished = {run.id for run in self.before.runs if run.finished is not None} if self.before else set()
        return open_series(series, finished, trunk=self.settings.schedule == "trunk")

    def _train(self, left: Sequence[Series], material: Material) -> None:
        """Configuration by configuration; those that share the weights' precision share the loaded model."""
        model: LoadedModel | None = None
        held: str | None = None
        waiting = list(dict.fromkeys(each.variant for each in left))
        # The base comes first whatever it needs; a model is loaded once for all that share it.
        for quantization in dict.fromkeys(variant.settings.quantization for variant in waiting):
            for variant in [each for each in waiting if each.settings.quantization == quantization]:
                if model is None or held != quantization:
                    model = None
                    model, held = load(variant.settings, material.dataset, self.work, self.stop), quantization
                if variant.tag:
                    say(f"Configuration {variant.tag}.")
                self._configuration(variant, model, [each for each in left if each.variant == variant], material)

    def _configuration(
        self, variant: Variant, model: LoadedModel, series: Sequence[Series], material: Material
    ) -> None:
        """Prepare one configuration and train all its series."""
        prepared = prepare(variant, model, material, self.before)
        if self.before is None:
            counts = self._conditioning(prepared, material)
        rates = self._learning_rate(prepared)
        settings = prepared.variant.settings
        configuration = configuration_of(settings, model, material.digest)
        budgets = make_budgets(settings.budget_examples(), settings.effective_batch())
        if self.before is None:
            header = make_header(
                settings, model, material.dataset, prepared.training, prepared.held_out, material.digest, budgets
            )
            create_record(self.settings.out, structs.replace(header, dataset=structs.replace(header.dataset, **counts)))
        else:
            refuse_others(
                self.before.header,
                self._configuration_before(variant),
                configuration=configuration,
                held_out=prepared.held_out,
                budgets=budgets,
            )
        own = configuration if variant.tag else None
        _write_rates(self.settings.out, prepared, rates, own)
        for each in series:
            self.before = read_calibration(self.settings.out)
            self._series(each, prepared, own)

    def _conditioning(self, prepared: Prepared, material: Material) -> dict[str, Any]:
        """Count and say what is ill-conditioned about the dataset, before anything is trained; for the record."""
        with stage("Looking at the images", len(feature_cache.image_rows(material.everything))) as bar:

            def done(count: int) -> None:
                bar.advance(count)
                self.stop.check()

            gallery = Gallery(done)
            gallery.add(material.everything)
        found = condition(
            material.dataset,
            gallery,
            encode=prepared.model.tokenizer.encode,
            context_tokens=prepared.variant.settings.context(),
            image_size_px=prepared.model.image_size_px,
            budgets=prepared.variant.settings.budget_examples(),
        )
        say(report(found))
        return record_counts(found)

    def _configuration_before(self, variant: Variant) -> Configuration | None:
        """With which the record's runs of this configuration were made."""
        assert self.before is not None
        if not variant.tag:
            return self.before.header.configuration
        started = [run.started for run in self.before.runs if variant.of_run(run.id)]
        return next((event.configuration for event in started if event and event.configuration), None)

    def _learning_rate(self, prepared: Prepared) -> list[LearningRateCheck]:
        """Settle the rate: as given, as in the record, or by short runs, whose events are returned."""
        settings = prepared.variant.settings
        if settings.learning_rate is not None and not settings.learning_rate_check:
            return []
        before = self._configuration_before(prepared.variant) if self.before else None
        rate, events = before.learning_rate if before else None, []
        if rate is None and settings.checks_learning_rate:
            events = RateCheck(
                model=prepared.model,
                training=prepared.training,
                features=prepared.features,
                memory=prepared.memory,
                loss_mask=settings.loss_mask,
                batch=settings.effective_batch(),
                seed=settings.seed,
                check=self.stop.check,
            ).choose(settings.peak_learning_rate(), rates_run(prepared.variant))
            rate = next((event.learning_rate for event in events if event.chosen), None)
        if rate is not None:
            prepared.variant = structs.replace(prepared.variant, settings=structs.replace(settings, learning_rate=rate))
        return events

    def _series(self, series: Series, prepared: Prepared, configuration: Configuration | None) -> None:
        """Train one series to its end."""
        assert self.before is not None
        settings = prepared.variant.settings
        batch = settings.effective_batch()
        steps = series.steps(trunk=settings.schedule == "trunk")
        training = [prepared.training[index] for index in series.examples]
        first, last = series.budgets[0], series.budgets[-1]
        of = "" if series.share == 1.0 else f" on {series.share:.0%} of the cases ({len(training):,} examples)"
        say(
            f"{len(series.budgets)} budgets from {first.examples:,} to {last.examples:,} examples{of}, {steps:,} steps "
            f"of {batch}, seed {series.seed} ({last.examples / len(training):.1f} passes at the largest)."
        )

        def save(run: str, progress: Progress, tensors: dict[str, torch.Tensor]) -> None:
            checkpoint.write(self.work / "checkpoints", run, progress, tensors)

        def keep(run: str, examples: int, found: Sequence[Answer]) -> None:
            samples.keep(self.settings.out, run, examples, found, self.held_out)

        with stage("Training", steps * batch) as bar:
            bench = Bench(
                model=prepared.model,
                training=training,
                held_out=prepared.held_out,
                features=prepared.features,
                settings=settings,
                order=DataOrder(len(training), batch, series.seed),
                memory=prepared.memory,
                stop=self.stop,
                stage=bar,
                save=save,
                keep=keep if self.settings.keep_samples else None,
            )
            Calibrator(
                bench,
                series,
                record=self.settings.out,
                work=self.work,
                bar=bar,
                before={run.id: run for run in self.before.runs},
                configuration=configuration,
                start=prepared.start,
            ).train()

    def _outcome(self, stopped: StoppedEarlyError | None) -> Outcome:
        after = read_calibration(self.settings.out)
        failed = tuple(run.id for run in after.runs if run.finished is not None and run.finished.status != "done")
        return Outcome(
            calibration=after,
            interrupted=stopped.reason if stopped else None,
            failed=failed,
            exit_code=stopped.exit_code if stopped else 3 if failed else 0,
        )


def rates_run(variant: Variant) -> str:
    """Run id of a configuration's learning-rate check."""
    return f"{variant.prefix}rates"


def _write_rates(
    record: Path, prepared: Prepared, rates: Sequence[LearningRateCheck], configuration: Configuration | None
) -> None:
    if not rates:
        return
    run = rates_run(prepared.variant)
    with RunLog(record, run) as log:
        log.append(Started(run=run, seed=prepared.variant.settings.seed, configuration=configuration), durable=False)
        for event in rates:
            log.append(event, durable=False)
        log.append(Finished(run=run, status="done", examples=sum(event.examples for event in rates)))


def final_losses(calibration: Calibration) -> list[tuple[Run, Eval]]:
    """The annealed evaluation of every finished budget, by examples."""
    found = [(run, event) for run in calibration.runs for event in run.of(Eval) if event.annealed]
    return sorted(found, key=lambda pair: (pair[1].examples, pair[0].id))
