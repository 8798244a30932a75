"""The conditioning report: what is planted is counted, and said; what is sound is not."""

from __future__ import annotations

from math import log
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.record import read_calibration
from tests.trainer.conftest import small
from tests.trainer.layouts import picture, save
from trainer.conditioning import CONTEXTS, Conditioning, condition, record_counts, report
from trainer.dataset import Dataset, Example, read_dataset
from trainer.dataset.fingerprint import Gallery, Look
from trainer.dataset.language import languages
from trainer.dry_run import dry_run
from trainer.tokens import Encoded, unigram_entropy_nats

CAPTION = "There is a round mass in the left upper lobe of the lung number"


def encode(text: str) -> list[int]:
    """A word is a token."""
    return [sum(ord(letter) * 31**place for place, letter in enumerate(word)) for word in text.split()]


class Builder:
    """A sound dataset of `cases` cases with two images each, into which faults are planted."""

    def __init__(self, folder: Path, cases: int = 80, held_out: int = 55) -> None:
        self.folder = folder
        self.gallery = Gallery()
        self.sides: tuple[list[Example], list[Example]] = ([], [])
        for number in range(2 * (cases + held_out)):
            side = self.sides[number >= 2 * cases]
            side.append(self.example(f"{number}.png", f"{CAPTION} {number % 7} {number}", f"case {number // 2}"))

    def example(self, image: str, answer: str, case: str, **fields: object) -> Example:
        """An example whose image shows noise of its own, without a file."""
        path = self.folder / image
        if path not in self.gallery.looks:
            random = np.random.default_rng(len(self.gallery.looks))
            words = tuple(random.integers(0, 2**63, 4, dtype=np.uint64).tolist())
            self.gallery.looks[path] = Look(words=words, width_px=512, height_px=400)
        values = {"prompt": "caption en", "file": "t.csv", "row": 1, **fields}
        return Example(image=path, answer=answer, case=case, **values)  # type: ignore[arg-type]

    def looks_like(self, image: str, other: str) -> None:
        self.gallery.looks[self.folder / image] = self.gallery.looks[self.folder / other]

    def found(self, **options: object) -> Conditioning:
        training, held_out = (tuple(side) for side in self.sides)
        dataset = Dataset(format="table", training=training, held_out=held_out)
        values = {"encode": encode, "context_tokens": 128, "image_size_px": 224, "budgets": [64, 512], **options}
        return condition(dataset, self.gallery, **values)  # type: ignore[arg-type]


@pytest.fixture
def builder(tmp_path: Path) -> Builder:
    return Builder(tmp_path)


def test_a_sound_dataset_is_of_no_concern(builder: Builder) -> None:
    found = builder.found()
    assert found.concerns == ()
    assert report(found).endswith("Conditioning: nothing of concern.")
    assert (found.images, found.training_examples, found.training_cases) == (270, 160, 80)
    assert (found.held_out_examples, found.held_out_cases, found.captions) == (110, 55, 160)
    assert found.languages == {"en": 160}


def concern(found: Conditioning, words: str) -> str:
    """The only concern, which has these words."""
    assert len(found.concerns) == 1, found.concerns
    assert words in found.concerns[0]
    return found.concerns[0]


def test_a_held_out_image_that_is_a_training_image_is_found_by_content(builder: Builder) -> None:
    builder.looks_like("200.png", "3.png")
    builder.looks_like("201.png", "3.png")
    found = builder.found()
    assert found.held_out_images_in_training == 2
    assert found.near_duplicate_images == found.near_duplicate_images_of_other_cases == 2
    concern(found, "2 held-out images look like training images of other cases")


def test_images_that_look_alike_within_a_case_are_counted_and_of_no_concern(builder: Builder) -> None:
    builder.looks_like("1.png", "0.png")
    found = builder.found()
    assert (found.near_duplicate_images, found.near_duplicate_images_of_other_cases) == (1, 0)
    assert found.concerns == ()


def test_answers_that_contradict_each_other_are_counted_whatever_their_letters(builder: Builder) -> None:
    for number in range(4):
        for answer in ("Left", "left", "right")[: 3 if number else 2]:
            builder.sides[0].append(
                builder.example(f"q{number}.png", answer, f"q{number}", prompt="answer en where", closed=False)
            )
    found = builder.found()
    assert found.contradictory_answers == 9
    assert found.open_questions == 11
    concern(found, "contradict another on the same image and prompt")


def test_a_caption_that_stands_at_all_images_of_its_case_is_a_copy(builder: Builder) -> None:
    training = builder.sides[0]
    for number in range(0, 50, 2):
        training[number + 1] = msgspec.structs.replace(training[number + 1], answer=training[number].answer)
    found = builder.found()
    assert found.copied_captions == 50
    assert found.duplicate_answers == 25
    assert "31% of the captions" in concern(found, "word for word")


def test_answers_are_measured_against_every_context(builder: Builder) -> None:
    for index, length in enumerate([75, 76, 127, 200, 300, 600] * 4):
        builder.sides[0][index] = msgspec.structs.replace(builder.sides[0][index], answer="word " * length)
    found = builder.found()
    counts = {context: round(share * 160) for context, share in found.truncated_share_by_context.items()}
    assert counts == dict(zip(CONTEXTS, (20, 12, 8, 4), strict=True))
    assert found.answer_tokens_max == 601
    assert found.truncated_share == found.truncated_share_by_context[128]
    lost = 4 * (201 + 301 + 601 - 3 * 128)
    total = 4 * (76 + 77 + 128 + 201 + 301 + 601) + 136 * 17
    assert found.lost_token_share == pytest.approx(lost / total, rel=0.01)
    assert "longer than 128 tokens" in next(text for text in found.concerns if "--context" in text)


def test_many_passes_are_a_concern_from_four_on(builder: Builder) -> None:
    assert builder.found(budgets=[64, 640]).concerns == ()
    found = builder.found(budgets=[64, 800])
    assert found.passes == ((64, 0.4), (800, 5.0))
    concern(found, "goes 5.0 times through 160 examples")


def test_few_held_out_cases_are_a_concern(tmp_path: Path) -> None:
    concern(Builder(tmp_path, held_out=12).found(), "Only 12 cases are held out")


def test_other_words_on_the_held_out_side_are_a_concern(builder: Builder) -> None:
    for index, example in enumerate(builder.sides[1]):
        builder.sides[1][index] = msgspec.structs.replace(example, answer="quite different words stand here " * 2)
    concern(builder.found(), "use other words")


def test_blank_and_small_images_are_a_concern(builder: Builder) -> None:
    for path, look in builder.gallery.looks.items():
        builder.gallery.looks[path] = msgspec.structs.replace(look, width_px=100, height_px=90)
    concern(builder.found(), "270 of 270 images have fewer pixels than the model sees (224 px)")
    assert builder.found(image_size_px=56).concerns == ()
    builder.gallery.looks[builder.folder / "0.png"] = Look(words=None, width_px=100, height_px=90)
    concern(builder.found(image_size_px=56), "1 images are blank")


def test_one_case_with_most_examples_is_a_concern(builder: Builder) -> None:
    for number in range(30):
        builder.sides[0].append(builder.example(f"x{number}.png", f"{CAPTION} {number} more", "case 0"))
    concern(builder.found(), "One case has 32 of 190 training examples")


def test_a_constant_answer_to_closed_questions_is_a_concern(builder: Builder) -> None:
    for number in range(20):
        builder.sides[0].append(
            builder.example(f"{number}.png", "no" if number else "Yes", "c", prompt=f"answer en q{number}", closed=True)
        )
    found = builder.found()
    assert (found.closed_questions, found.commonest_closed_share) == (20, 0.95)
    assert "95% of the closed questions" in " ".join(found.concerns)


def test_answers_in_another_language_than_the_prompts_are_a_concern(builder: Builder) -> None:
    german = "Es zeigt sich eine rundliche Raumforderung im linken Oberlappen der Lunge mit der Nummer"
    for side in builder.sides:
        for index, example in enumerate(side):
            side[index] = msgspec.structs.replace(example, answer=f"{german} {index}")
    found = builder.found()
    assert found.languages == {"de": 160}
    assert "give --language de" in concern(found, "100% of the answers")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("no acute cardiopulmonary abnormality is seen on this film", {"en": 1}),
        ("Kein Nachweis eines Pneumothorax auf dieser Aufnahme", {"de": 1}),
        ("Geen aanwijzingen voor een fractuur op deze foto", {"nl": 1}),
        ("左肺上叶可见一个肿块", {"zh": 1}),
        ("left lung", {}),
        ("no", {}),
        ("左肺", {}),
    ],
)
def test_the_language_of_a_text_is_told_where_it_is_long_enough(text: str, found: dict[str, int]) -> None:
    assert languages([text]) == found


def test_without_a_tokenizer_lengths_are_assumed_and_said_to_be(builder: Builder) -> None:
    found = builder.found(encode=None)
    assert not found.tokens_measured
    assert found.answer_tokens_p50 == round(1.4 * 16) + 1
    assert found.suffix_unigram_entropy_nats is None
    assert "(assumed: 1.4 tokens a word)" in report(found)
    assert "unknown without the model's tokenizer" in report(found)


def test_the_entropy_is_that_of_the_record(builder: Builder) -> None:
    encoded = [
        Encoded(prompt=(1,), suffix=(*encode(example.answer)[:9], -1), image=0, case=0, truncated=False)
        for example in builder.sides[0]
    ]
    found = builder.found(context_tokens=10)
    assert found.suffix_unigram_entropy_nats == pytest.approx(unigram_entropy_nats(encoded), rel=1e-12)


@given(st.lists(st.integers(1, 30), min_size=2, max_size=20), st.integers(0, 2**32))
@settings(max_examples=30, deadline=None)
def test_the_standard_error_is_that_of_the_cases(lengths: list[int], seed: int) -> None:
    """Against the textbook formula of a ratio of means over cases (Cochran 1977, section 2.11), computed apart."""
    random = np.random.default_rng(seed)
    builder = Builder(Path("/nowhere"), cases=3, held_out=0)
    vocabulary = ["there", "is", "a", "mass", "in", "the", "left", "upper", "lobe", "unheard"]
    for number, length in enumerate(lengths):
        text = " ".join(random.choice(vocabulary, length))
        builder.sides[1].append(builder.example(f"h{number}.png", text, f"held {number}"))
    found = builder.found()
    tokens = [token for example in builder.sides[0] for token in [*encode(example.answer), -1]]
    counts = {token: tokens.count(token) for token in tokens}
    total = len(tokens) + len(counts) + 1
    nats = np.array(
        [
            -sum(log((counts.get(token, 0) + 1) / total) for token in [*encode(example.answer), -1])
            for example in builder.sides[1]
        ]
    )
    sizes = np.array(lengths) + 1.0
    ratio = nats.sum() / sizes.sum()
    error = (np.var(nats - ratio * sizes, ddof=1) / len(sizes)) ** 0.5 / sizes.mean()
    assert found.held_out_unigram_nats == pytest.approx(ratio)
    assert found.held_out_unigram_standard_error_nats == pytest.approx(error, abs=1e-12)


def test_the_report_says_numbers_and_no_text_of_the_dataset(builder: Builder) -> None:
    builder.sides[0].append(builder.example("canary.png", "canary canary canary left", "canary case", closed=False))
    found = builder.found()
    assert "canary" not in report(found) + str(record_counts(found))


def test_the_counts_are_in_the_record(finished: Path) -> None:
    counts = read_calibration(finished).header.dataset
    assert counts.images == 40
    assert counts.open_questions == counts.training_examples
    assert counts.truncated_share_by_context == dict.fromkeys(["76", "128", "256", "512"], 0.0)
    assert counts.held_out_unigram_standard_error_nats is not None
    assert counts.answer_tokens_p50 is not None


def test_a_dry_run_reports_the_same_counts_as_the_calibration(table: Path, finished: Path, tmp_path: Path) -> None:
    run = dry_run(small(table, tmp_path / "record"))
    found = run.figures["conditioning"]
    counts = read_calibration(finished).header.dataset
    assert found["tokens_measured"]
    for name in ("images", "near_duplicate_images", "answer_tokens_p50", "answer_tokens_max", "held_out_unigram_nats"):
        assert found[name] == getattr(counts, name), name
    assert "Conditioning:" in run.text
    assert not (tmp_path / "record").exists()


def test_images_that_cannot_be_used_are_named_before_anything_is_trained(tmp_path: Path) -> None:
    save(picture(1), tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    rows = [
        Example(image=tmp_path / name, prompt="caption en", answer="a", case=name, file="t.csv", row=row)
        for row, name in enumerate(("a.png", "b.png"), start=2)
    ]
    dataset = Dataset(format="table", training=tuple(rows[:1]), held_out=tuple(rows[1:]))
    with pytest.raises(Exception, match=r"t\.csv line 3, image"):
        condition(dataset, Gallery(), encode=None, context_tokens=8, image_size_px=8, budgets=[1])


def test_medpix_is_conditioned_as_the_docs_say(medpix: Path) -> None:
    found = condition(
        read_dataset(medpix), Gallery(), encode=None, context_tokens=128, image_size_px=224, budgets=[512, 16_384]
    )
    assert (found.images, found.training_cases, found.held_out_cases) == (1850, 535, 67)
    assert (found.held_out_images_in_training, found.near_duplicate_images_of_other_cases) == (0, 0)
    assert (found.duplicate_answers, found.copied_captions, found.contradictory_answers) == (558, 790, 0)
    assert sum(found.languages.values()) - found.languages["en"] <= 0.005 * sum(found.languages.values())
    assert len(found.concerns) == 2
    assert "48% of the captions" in found.concerns[0]
    assert "goes 9.9 times" in found.concerns[1]
