"""`calibrate run --timing-only`: seconds, bytes and joules of a shape on this machine, and no curve.

Seconds do not depend on what the weights are, so where a model's weights are not here, random ones of its shape are
timed. Loss checks are left out; adapters, quantised layers and gradients are checked as always.
"""

from __future__ import annotations

import datetime
import json
import secrets
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec import Struct, structs

from planner.errors import MissingPartError, Mistake, RecordError, shown_name
from planner.hardware.architecture import architecture_from_config
from planner.record import (
    Calibration,
    CalibrationHeader,
    Configuration,
    Dataset,
    Finished,
    LossKind,
    Probe,
    RunLog,
    Started,
    XUnit,
    create_record,
    read_calibration,
)
from trainer import preflight, private
from trainer.config import Settings
from trainer.header import configuration_of, environment, hardware_of
from trainer.lora import add_lora, remove_lora
from trainer.made_up import made_up_examples, made_up_features
from trainer.memory import Memory, set_checkpointing
from trainer.micro_batch import memory_limit_gib
from trainer.model import LoadedModel, choose_device, load_model, parameter_counts
from trainer.peak import peak_memory_gib
from trainer.probe import Prober
from trainer.progress import say
from trainer.quantize import default_quantization, precision_remark
from trainer.random_weights import PlaceholderTokenizer, write_random_weights
from trainer.shape import CONFIGS, TinyShape
from trainer.step import micro_batches
from trainer.stopping import StopFlag
from trainer.tokens import encode
from trainer.variation import Variant, variants_of

PROMPT_TOKENS, SUFFIX_TOKENS = 16, 64
REPEATS = 5


class Lengths(Struct, frozen=True, kw_only=True):
    """Tokens of an example; of the dataset where one is given, else 16 and 64."""

    prompt_tokens: int = PROMPT_TOKENS
    suffix_tokens: int = SUFFIX_TOKENS


def time_only(settings: Settings, stop: StopFlag) -> Calibration:
    """Time every configuration at every micro-batch up to the effective batch, into a record without a curve.

    Raises:
        PlannerError: Bad input, a missing part, or a set-up that the gate refuses.
        StoppedEarlyError: A signal, or the time limit; what was timed is kept.
    """
    work = private.work_folder(settings.out)
    with private.only_writer(settings.out):
        exists = (settings.out / "calibration.json").exists()
        if exists and not settings.resume:
            raise RecordError(
                Mistake(
                    file=shown_name(settings.out),
                    reason="there is a calibration here already",
                    remedy="Use --resume to time what is left, or name another directory",
                )
            )
        done = {run.id for run in read_calibration(settings.out).runs if run.finished} if exists else set()
        model: LoadedModel | None = None
        held: str | None = None
        for variant in variants_of(settings):
            if run_of(variant) in done:
                continue
            if model is None or held != variant.settings.quantization:
                model = None
                model, held = _load(variant.settings, work, stop), variant.settings.quantization
            _time(variant, model, settings, stop)
        return read_calibration(settings.out)


def run_of(variant: Variant) -> str:
    """Run id of a configuration's probes."""
    return f"{variant.prefix}timing"


def _time(variant: Variant, model: LoadedModel, settings: Settings, stop: StopFlag) -> None:
    options = variant.settings
    remove_lora(model.network)
    add_lora(
        model.network,
        targets=options.lora_targets,
        rank=options.lora_rank,
        alpha=options.lora_alpha(),
        seed=options.seed,
        dtype=model.dtype,
    )
    trainable, total = parameter_counts(model.network)
    say(f"LoRA {options.lora_targets}, rank {options.lora_rank}: {trainable:,} of {total:,} parameters "
        f"({trainable / total:.3%}) would be trained.")  # fmt: skip
    lengths = _lengths(options, model)
    _check(model, lengths)
    configuration = configuration_of(options, model, None)
    if not (settings.out / "calibration.json").exists():
        create_record(settings.out, _header(options, model, configuration))
    memory = Memory(micro_batch_size=options.effective_batch(), checkpointing=options.checkpointing == "on")
    set_checkpointing(model.network, memory.checkpointing)
    run = run_of(variant)
    prober = Prober(
        model=model,
        settings=options,
        memory=memory,
        run=run,
        prompt_tokens=lengths.prompt_tokens,
        suffix_tokens=lengths.suffix_tokens,
        repeats=REPEATS,
        check=stop.check,
    )
    with RunLog(settings.out, run) as log:
        log.append(
            Started(
                run=run,
                seed=options.seed,
                configuration=configuration if variant.tag else None,
                checkpointing=memory.checkpointing,
            )
        )
        for event in _events(prober, options):
            log.append(event)
            say(sentence(event))
        log.append(Finished(run=run, status="done", examples=0.0))


def _events(prober: Prober, settings: Settings) -> Iterator[Probe]:
    """Training at every micro-batch that fits, at one longer shape, and answering."""
    sizes = [settings.micro_batch_size] if settings.micro_batch_size else _doublings(settings.effective_batch())
    limit = memory_limit_gib(prober.model.device)
    before = peak_memory_gib(prober.model.device)
    fits = 0
    for size in sizes:
        found = prober.unless_too_large(prober.train, size, prober.suffix_tokens)
        yield from found
        if not found:
            break
        fits = size
        now = peak_memory_gib(prober.model.device)
        if prober.model.device.type == "cpu" and now + 2 * (now - before) > limit:
            break
        before = now
    if not fits:
        raise MissingPartError("Not one example fits into memory. Use --quantization nf4 or --checkpointing on.")
    yield from prober.unless_too_large(prober.train, max(1, fits // 2), prober.longer_suffix)
    for size in dict.fromkeys((1, fits)):
        yield from prober.unless_too_large(prober.answer, size)


def _doublings(largest: int) -> Sequence[int]:
    sizes = [1]
    while sizes[-1] < largest:
        sizes.append(min(2 * sizes[-1], largest))
    return sizes


def _load(settings: Settings, work: Path, stop: StopFlag) -> LoadedModel:
    device = choose_device(settings.device)
    quantization = settings.quantization or default_quantization(device)
    if remark := precision_remark(quantization, device):
        say(remark)
    named = settings.model
    is_folder = Path(named).is_dir()
    name = "paligemma-local" if is_folder else named
    if not settings.is_tiny:
        try:
            with stop.at_once():
                return load_model(named, name=name, quantization=quantization, device=device)
        except MissingPartError:
            if not (is_folder and (Path(named) / "config.json").is_file()) and named not in CONFIGS:
                raise
    if settings.is_tiny:
        config = TinyShape().config(TinyShape().vocabulary)
    elif is_folder:
        config = json.loads((Path(named) / "config.json").read_text(encoding="utf-8"))
    else:
        config = CONFIGS[named]
    say("The weights are not here: random ones of the same shape are timed.")
    folder = work / "random-weights"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    try:
        with stop.at_once():
            write_random_weights(config, folder)
            return load_model(
                str(folder), name=name, quantization=quantization, device=device, tokenizer=PlaceholderTokenizer()
            )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _check(model: LoadedModel, lengths: Lengths) -> None:
    """What does not depend on what the weights are."""
    preflight.check_modules(model)
    batch = micro_batches(model, made_up_examples(model, 1, lengths.prompt_tokens, lengths.suffix_tokens), 1)[0]
    features = made_up_features(model, 1)
    preflight.check_layout(model, batch)
    preflight.check_last_layer(model, batch, features)
    preflight.gradients(model, batch, features)


def _lengths(settings: Settings, model: LoadedModel) -> Lengths:
    if settings.data is None:
        return Lengths()
    training = settings.read_dataset().training
    rows = {str(example.image): 0 for example in training}
    encoded = encode(training, model.tokenizer, context_tokens=settings.context(), image_rows=rows)
    return Lengths(
        prompt_tokens=max(2, round(sum(len(example.prompt) for example in encoded) / len(encoded))),
        suffix_tokens=max(2, round(sum(len(example.suffix) for example in encoded) / len(encoded))),
    )


def _header(settings: Settings, model: LoadedModel, configuration: Configuration) -> CalibrationHeader:
    return CalibrationHeader(
        calibration_id=f"t{secrets.token_hex(6)}",
        created=datetime.datetime.now(datetime.UTC).date().isoformat(),
        illustration=settings.is_tiny,
        loss_kind=LossKind.UNKNOWN,
        x_unit=XUnit.EXAMPLES,
        configuration=configuration,
        dataset=Dataset(format="none"),
        hardware=hardware_of(model),
        architecture=structs.asdict(architecture_from_config(model.network.config.to_dict())),
        vocabulary_size=model.vocabulary_size,
        environment=environment(),
        timing_only=True,
    )


def sentence(event: Probe) -> str:
    """One probe in words."""
    tokens = event.image_tokens + event.prompt_tokens + event.suffix_tokens
    rate = (event.tflop or 0.0) / event.seconds_median
    what = {"train": "a step", "prefill": "reading", "decode": "a token of each"}[event.kind]
    memory = "" if event.peak_memory_gib is None else f", peak {event.peak_memory_gib:.2f} GiB"
    energy = "" if event.energy_joules is None else f", {event.energy_joules:,.1f} J"
    return (
        f"{event.kind}, {event.micro_batch_size} x {tokens} tokens: {event.seconds_median:.4g} s {what}, "
        f"{rate:.3g} TFLOP/s{memory}{energy}."
    )
