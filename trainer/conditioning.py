"""Is the dataset ill-conditioned? What can be counted before training, and a sentence for everything that will show.

A loss curve can flatten because the model cannot learn more, or because of the data: answers that are cut, copied over
several images or contradict each other, patients on both sides of the split, too few held-out cases to tell two losses
apart, a corpus that is repeated many times. The second kind is counted here, in numbers; no text leaves the machine.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from math import log, sqrt
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct

from trainer.dataset import Dataset, Example
from trainer.dataset.fingerprint import Gallery
from trainer.dataset.language import languages

CONTEXTS = (76, 128, 256, 512)
# Without a tokenizer. Every figure made from it is called assumed.
TOKENS_PER_WORD = 1.4

# From here on a count becomes a concern. They are conventions of this report, not laws.
_CUT_SHARE = 0.05
_COPIED_SHARE = 0.2
_CONTRADICTORY_SHARE = 0.01
_OTHER_LANGUAGE_SHARE = 0.1
_SMALL_IMAGE_SHARE = 0.5
_LARGEST_CASE_SHARE = 0.1
_COMMONEST_CLOSED_SHARE = 0.8
_FEW_HELD_OUT_CASES = 50
_SHIFT_SHARE = 0.1
# Up to about four passes, repeated data are worth almost as much as new ones (Muennighoff et al. 2023, section 5).
_MANY_PASSES = 4.0

Encode = Callable[[str], Sequence[int]]


class Conditioning(Struct, frozen=True, kw_only=True):
    """Counts of a dataset. Tokens include the end of an answer; None: unknown without the model's tokenizer.

    Attributes:
        near_duplicate_images: Images that look like an earlier one, of the same case or of another.
        near_duplicate_images_of_other_cases: Those that look like one of another case.
        held_out_images_in_training: Held-out images that look like a training image.
        small_images: Images whose longer side has fewer pixels than the model sees.
        duplicate_answers: Training answers that stand there already, word for word.
        copied_captions: Training captions that another image of the same case has too, word for word.
        contradictory_answers: Training examples whose image and prompt have another answer elsewhere.
        kept_tokens_mean: Of the training answers, after the cut.
        tokens_measured: Whether answers were tokenised; False: assumed from their words.
        lost_token_share: Share of all answer tokens that the context cuts off.
        commonest_closed_share: Share of the most frequent answer among the closed questions.
        languages: Training answers by language, as far as they are long enough to tell.
        passes: (budget in examples, how often it goes through the training set).
        held_out_unigram_nats: Held-out loss of a model that knows how frequent each token is in training.
        held_out_unigram_standard_error_nats: Its standard error by case.
        concerns: A sentence for everything that is ill-conditioned.
    """

    training_examples: int
    training_cases: int
    largest_case_examples: int
    held_out_examples: int
    held_out_cases: int
    images: int
    near_duplicate_images: int
    near_duplicate_images_of_other_cases: int
    held_out_images_in_training: int
    blank_images: int
    small_images: int
    image_size_px: int
    duplicate_answers: int
    copied_captions: int
    contradictory_answers: int
    tokens_measured: bool
    context_tokens: int
    answer_tokens_p50: int
    answer_tokens_p95: int
    answer_tokens_max: int
    kept_tokens_mean: float
    truncated_share: float
    lost_token_share: float
    truncated_share_by_context: dict[int, float]
    closed_questions: int
    open_questions: int
    captions: int
    commonest_closed_share: float | None
    languages: dict[str, int]
    passes: tuple[tuple[int, float], ...]
    suffix_unigram_entropy_nats: float | None
    held_out_unigram_nats: float | None
    held_out_unigram_standard_error_nats: float | None
    concerns: tuple[str, ...] = ()


def condition(
    dataset: Dataset,
    gallery: Gallery,
    *,
    encode: Encode | None,
    context_tokens: int,
    image_size_px: int,
    budgets: Sequence[int],
) -> Conditioning:
    """Count, and say what is ill-conditioned. `encode` gives the token ids of a text, without its end.

    Raises:
        InputError: All images that cannot be used, with their rows.
    """
    training, held_out = dataset.training, dataset.held_out
    everything = (*training, *held_out)
    gallery.add(everything)
    sizes = Counter(example.case for example in training)
    tokens = [_tokens(example.answer, encode) for example in training]
    lengths = np.array([len(ids) for ids in tokens])
    closed = Counter(example.answer.casefold() for example in training if example.closed)
    looks = [gallery.looks[image] for image in {example.image for example in everything}]
    answers = [example.answer for example in training]
    near, near_of_others = _near_duplicates(everything, gallery)
    entropy, loss, error = _unigram(tokens, held_out, encode, context_tokens) if encode else (None, None, None)
    found = Conditioning(
        training_examples=len(training),
        training_cases=len(sizes),
        largest_case_examples=max(sizes.values()),
        held_out_examples=len(held_out),
        held_out_cases=len({example.case for example in held_out}),
        images=len(looks),
        near_duplicate_images=near,
        near_duplicate_images_of_other_cases=near_of_others,
        held_out_images_in_training=len(
            {two for _, two in gallery.pairs(_images(training), _images(held_out))}
            | {*_images(training)} & {*_images(held_out)}
        ),
        blank_images=sum(look.words is None for look in looks),
        small_images=sum(max(look.width_px, look.height_px) < image_size_px for look in looks),
        image_size_px=image_size_px,
        duplicate_answers=len(answers) - len(set(answers)),
        copied_captions=_copied_captions(training),
        contradictory_answers=_contradictory(training),
        tokens_measured=encode is not None,
        context_tokens=context_tokens,
        answer_tokens_p50=round(float(np.quantile(lengths, 0.5))),
        answer_tokens_p95=round(float(np.quantile(lengths, 0.95))),
        answer_tokens_max=int(lengths.max()),
        kept_tokens_mean=float(np.minimum(lengths, context_tokens).mean()),
        truncated_share=float((lengths > context_tokens).mean()),
        lost_token_share=float(np.maximum(lengths - context_tokens, 0).sum() / lengths.sum()),
        truncated_share_by_context={context: float((lengths > context).mean()) for context in CONTEXTS},
        closed_questions=sum(bool(example.closed) for example in training),
        open_questions=sum(example.closed is False for example in training),
        captions=sum(example.closed is None for example in training),
        commonest_closed_share=max(closed.values()) / closed.total() if closed else None,
        languages=languages(answers),
        passes=tuple((budget, budget / len(training)) for budget in budgets),
        suffix_unigram_entropy_nats=entropy,
        held_out_unigram_nats=loss,
        held_out_unigram_standard_error_nats=error,
    )
    return msgspec.structs.replace(found, concerns=tuple(_concerns(found, _prompt_language(training))))


def record_counts(found: Conditioning) -> dict[str, Any]:
    """What goes into the record's `dataset`, by field."""
    names = (
        "images", "near_duplicate_images", "held_out_images_in_training", "contradictory_answers", "answer_tokens_p50",
        "answer_tokens_p95", "answer_tokens_max", "closed_questions", "open_questions", "captions", "languages",
        "held_out_unigram_nats", "held_out_unigram_standard_error_nats",
    )  # fmt: skip
    shares = {str(context): share for context, share in found.truncated_share_by_context.items()}
    return {name: getattr(found, name) for name in names} | {"truncated_share_by_context": shares}


def report(found: Conditioning) -> str:
    """The counts in a few lines, then the concerns."""
    assumed = "" if found.tokens_measured else f" (assumed: {TOKENS_PER_WORD} tokens a word)"
    cut = ", ".join(f"{share:.1%} at {context}" for context, share in found.truncated_share_by_context.items())
    passes = ", ".join(f"{budget:,} examples {count:.2g}" for budget, count in found.passes)
    spoken = ", ".join(f"{code} {count:,}" for code, count in found.languages.items())
    lines = [
        f"{found.images:,} images; {found.training_examples:,} examples of {found.training_cases:,} cases to learn "
        f"from, {found.held_out_examples:,} of {found.held_out_cases:,} cases held out.",
        f"Duplicates: {found.near_duplicate_images:,} images look like an earlier one "
        f"({found.near_duplicate_images_of_other_cases:,} like one of another case); {found.duplicate_answers:,} "
        f"answers stand there already; {found.contradictory_answers:,} contradict another on the same image.",
        f"{found.closed_questions:,} closed and {found.open_questions:,} open questions, {found.captions:,} captions. "
        + (f"Language: {spoken}." if spoken else "The answers are too short to tell their language."),
        f"Answers{assumed}: {found.answer_tokens_p50:,} tokens in the middle, {found.answer_tokens_p95:,} at the 95th "
        f"percentile, {found.answer_tokens_max:,} at most. Cut: {cut}; here {found.truncated_share:.1%} at "
        f"{found.context_tokens:,}, {found.lost_token_share:.1%} of all tokens.",
        f"Passes: {passes}.",
    ]
    if found.suffix_unigram_entropy_nats is None:
        lines.append("Guessing by frequency: unknown without the model's tokenizer.")
    else:
        error = found.held_out_unigram_standard_error_nats or 0.0
        lines.append(
            f"Guessing by frequency: {found.suffix_unigram_entropy_nats:.2f} nats a token in training, "
            f"{found.held_out_unigram_nats:.2f} ± {error:.2f} held out (standard error by case)."
        )
    if not found.concerns:
        return "\n".join([*lines, "Conditioning: nothing of concern."])
    count = len(found.concerns)
    title = f"Conditioning: {count} concern{'s' if count > 1 else ''}."
    return "\n".join([*lines, title, *(f"  - {concern}" for concern in found.concerns)])


def _tokens(answer: str, encode: Encode | None) -> Sequence[int]:
    """Ids of an answer and its end; without a tokenizer, as many as are assumed."""
    if encode is None:
        return range(round(TOKENS_PER_WORD * len(answer.split())) + 1)
    return [*encode(answer), -1]


def _images(examples: Iterable[Example]) -> list[Path]:
    return list(dict.fromkeys(example.image for example in examples))


def _near_duplicates(examples: Sequence[Example], gallery: Gallery) -> tuple[int, int]:
    """(images that look like an earlier one, those that look like an earlier one of another case)."""
    images = _images(examples)
    place = {image: index for index, image in enumerate(images)}
    case = {example.image: example.case for example in examples}
    pairs = [(one, two) for one, two in gallery.pairs(images, images) if place[one] < place[two]]
    return len({two for _, two in pairs}), len({two for one, two in pairs if case[one] != case[two]})


def _copied_captions(examples: Sequence[Example]) -> int:
    images: dict[tuple[str, str], set[Path]] = defaultdict(set)
    for example in examples:
        if example.closed is None:
            images[example.case, example.answer].add(example.image)
    return sum(len(found) for found in images.values() if len(found) > 1)


def _contradictory(examples: Sequence[Example]) -> int:
    answers: dict[tuple[Path, str], Counter[str]] = defaultdict(Counter)
    for example in examples:
        answers[example.image, example.prompt.casefold()][example.answer.casefold()] += 1
    return sum(found.total() for found in answers.values() if len(found) > 1)


def _unigram(
    tokens: Sequence[Sequence[int]], held_out: Sequence[Example], encode: Encode, context: int
) -> tuple[float, float, float | None]:
    """(entropy of the training tokens, held-out loss of their frequencies, its standard error by case), in nats.

    One is added to every count, and one token stands for all that training never has. The error is that of a ratio
    estimator over cases, each as it is; None for a single case.
    """
    counts = Counter(token for ids in tokens for token in _kept(ids, context))
    total = counts.total()
    entropy = -sum(count / total * log(count / total) for count in counts.values())
    smoothed = total + len(counts) + 1
    sums: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for example in held_out:
        ids = _kept(_tokens(example.answer, encode), context)
        sums[example.case][0] -= sum(log((counts[token] + 1) / smoothed) for token in ids)
        sums[example.case][1] += len(ids)
    nats_k, tokens_k = np.array(list(sums.values())).T
    loss = float(nats_k.sum() / tokens_k.sum())
    cases = len(nats_k)
    spread = sqrt(float(((nats_k - loss * tokens_k) ** 2).sum()) * cases / max(1, cases - 1))
    return entropy, loss, spread / float(tokens_k.sum()) if cases > 1 else None


def _kept(ids: Sequence[int], context: int) -> Sequence[int]:
    return ids if len(ids) <= context else [*ids[: context - 1], ids[-1]]


def _prompt_language(examples: Sequence[Example]) -> str:
    return Counter(example.language for example in examples).most_common(1)[0][0]


def _concerns(found: Conditioning, prompt_language: str) -> Iterable[str]:
    """A sentence for everything that will show in the curve."""
    if found.held_out_images_in_training:
        yield (
            f"{found.held_out_images_in_training:,} held-out images look like training images of other cases: the "
            "held-out loss will look better than on new patients. Name the patient as the case, or take them out."
        )
    share = found.contradictory_answers / found.training_examples
    if share > _CONTRADICTORY_SHARE:
        yield (
            f"{share:.1%} of the examples contradict another on the same image and prompt: no model can get both "
            "right, which raises the floor."
        )
    share = found.copied_captions / found.training_examples
    if share > _COPIED_SHARE:
        yield (
            f"{share:.0%} of the captions stand at several images of their case, word for word: there the words do "
            "not depend on the image, so the curve shows less of what is seen and more of what is memorised."
        )
    if found.truncated_share > _CUT_SHARE:
        yield (
            f"{found.truncated_share:.1%} of the answers are longer than {found.context_tokens} tokens and lose their "
            f"end ({found.lost_token_share:.1%} of all tokens): the loss says nothing about what is cut. Use a larger "
            "--context."
        )
    budget, passes = found.passes[-1]
    if passes > _MANY_PASSES:
        yield (
            f"The largest budget ({budget:,} examples) goes {passes:.1f} times through {found.training_examples:,} "
            "examples: after about 4 passes repetition is worth less, and the curve flattens for that reason. More "
            "studies move it, more training does not."
        )
    if found.held_out_cases < _FEW_HELD_OUT_CASES:
        yield (
            f"Only {found.held_out_cases:,} cases are held out: chance in their choice is a large part of any "
            "difference between two losses. Raise --held-out-fraction, or add studies."
        )
    if found.held_out_unigram_nats is not None and found.suffix_unigram_entropy_nats:
        shift = found.held_out_unigram_nats - found.suffix_unigram_entropy_nats
        if shift > _SHIFT_SHARE * found.suffix_unigram_entropy_nats:
            yield (
                f"Held-out answers use other words than training answers: guessing by frequency costs {shift:.2f} "
                "nats a token more there. A part of the held-out loss is that difference, whatever is learned."
            )
    yield from _concerns_of_images_and_words(found, prompt_language)


def _concerns_of_images_and_words(found: Conditioning, prompt_language: str) -> Iterable[str]:
    if found.blank_images:
        yield f"{found.blank_images:,} images are blank: their answers cannot be seen. Take them out."
    if found.small_images > _SMALL_IMAGE_SHARE * found.images:
        yield (
            f"{found.small_images:,} of {found.images:,} images have fewer pixels than the model sees "
            f"({found.image_size_px} px): details that a report names may not be there."
        )
    if found.largest_case_examples > _LARGEST_CASE_SHARE * found.training_examples:
        yield (
            f"One case has {found.largest_case_examples:,} of {found.training_examples:,} training examples: more of "
            "them teach little about other patients."
        )
    if (found.commonest_closed_share or 0.0) > _COMMONEST_CLOSED_SHARE:
        yield (
            f"{found.commonest_closed_share:.0%} of the closed questions have the same answer: a model that always "
            "says it is right as often."
        )
    told = sum(found.languages.values())
    others = {code: count for code, count in found.languages.items() if code != prompt_language}
    if told and sum(others.values()) > _OTHER_LANGUAGE_SHARE * told:
        code = max(others, key=others.__getitem__)
        yield (
            f"{sum(others.values()) / told:.0%} of the answers are not in the language of the prompts "
            f"({prompt_language}), most of them {code}: give --language {code}, or one language a record."
        )
