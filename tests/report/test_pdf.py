"""The board paper as a file."""

from __future__ import annotations

import io
import random
import re
import unicodedata

import msgspec
import pypdf
import pytest

from planner.cost.plan import CostQuantiles, Plan, encode_plan
from planner.errors import PlanError
from planner.outcome import Quantiles
from planner.report.document import board_report
from planner.report.glyphs import FONTS, REPLACEMENT, coverage, printable
from planner.report.pdf import MOST_PAGES, read_plan_from_pdf, render_pages, render_pdf, write_pdf
from planner.report.words import LANGUAGES, numbers, sentences, words
from tests.factories import every_verdict, example_plan, illustration_plan
from tests.report.plans import full_plan

NASTY = [
    '#link("http://example.com")[here]',
    "*bold* _it_ $x^2$ `code` <label> @ref",
    '#image("/etc/passwd")',
    '#panic("stop")',
    "<img src=file:///etc/passwd>",
    "http://example.com/a?b=c",
    "\\ \\u{1F600} // comment /* block */",
    "= Heading",
    "{target} {0} %s",
    "“quotes” – naïve Ünïcödé ÅØ ž ł ș",
]


def pages(data: bytes) -> list[str]:
    return [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(data)).pages]


def letters(text: str) -> str:
    """Text without white space, which a PDF does not keep."""
    return re.sub(r"[\s\u200b\u00ad]+", "", unicodedata.normalize("NFKC", text))


@pytest.mark.parametrize("plan", [*every_verdict().values(), illustration_plan()], ids=lambda plan: plan.verdict.name)
@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_every_verdict_prints_on_two_to_six_pages_with_its_figures(plan: Plan, language: str) -> None:
    printed = pages(render_pdf(plan, language))
    assert 2 <= len(printed) <= MOST_PAGES
    text = letters("".join(printed))
    for line in plan.lines:
        assert letters(sentences.label(line.code, line.label, language)) in text
        assert letters(numbers.eur_cents(line.amount_eur, language)) in text
    assert letters(numbers.eur_cents(plan.total_eur, language)) in text
    assert letters(numbers.chance(plan.if_reached.probability, language)) in letters(printed[0])
    assert letters(sentences.said(plan.verdict.sentence, language)) in letters(printed[0])
    assert letters(sentences.said(plan.asymptote.sentence, language)) in letters(printed[0])
    assert letters(sentences.not_costed_count(plan, language)) in letters(printed[0])
    for missing in plan.not_costed:
        assert letters(sentences.label(missing.code, missing.label, language)) in text
    for item in plan.assumptions:
        assert letters(sentences.label(item.code, item.label, language)) in text


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_the_total_of_a_long_table_stands_on_the_page_of_its_last_line(language: str) -> None:
    years = full_plan().years
    assert years is not None
    last = years.lines[-1]
    total = letters(words(language).paper.years_total + numbers.decimal(years.years[0].cash_eur, 2, language))
    printed = [letters(page) for page in pages(render_pdf(full_plan(), language))]
    (with_total,) = [page for page in printed if total in page]
    amounts = letters(sentences.label(last.code, last.label, language)) + letters(
        numbers.decimal(last.amounts_eur[0], 2, language)
    )
    assert amounts in with_total.partition(total)[0]


def test_a_last_page_for_the_glossary_alone_is_saved_in_print_and_preview() -> None:
    printed = pages(render_pdf(illustration_plan()))
    assert len(printed) == len(render_pages(illustration_plan())) == 3
    assert words("en").paper.method_heading in printed[-1] and words("en").paper.signature[0] in printed[-1]


def test_a_plan_with_everything_in_it_still_fits_and_keeps_every_line() -> None:
    plan = full_plan()
    printed = pages(render_pdf(plan, "de"))
    assert len(printed) <= MOST_PAGES
    text = letters("".join(printed))
    for line in plan.lines:
        assert letters(numbers.eur_cents(line.amount_eur, "de")) in text
    assert "imbeigefügtenPlan" in text or "imangehängtenPlan" in text
    assert read_plan_from_pdf(render_pdf(plan, "de")) == plan


def test_the_lines_in_the_text_of_the_pdf_add_up_to_its_total() -> None:
    for plan in every_verdict().values():
        table = "".join(pages(render_pdf(plan))).split("Cost lines of the budget scenario")[1]
        # The last column; what stands before it is how a line is computed.
        shown = re.findall(r"€([\d,]+\.\d\d)\n", table.split("The range comes from")[0])
        *lines, total = [round(100 * float(amount.replace(",", ""))) for amount in shown]
        assert len(lines) == len(plan.lines)
        assert sum(lines) == total == round(100 * plan.total_eur)


def test_an_illustration_is_marked_on_every_page() -> None:
    for page in pages(render_pdf(illustration_plan())):
        assert "illustration, not PaliGemma-3B" in page


def test_percentile_totals_are_marked_as_not_additive_and_missing_ones_explained() -> None:
    text = " ".join("".join(pages(render_pdf(every_verdict()[plan_name]))) for plan_name in every_verdict())
    assert "not additive" in text
    assert letters("not reached in at least 1 of 10 draws: no P90") in letters(text)


def test_the_same_plan_gives_the_same_bytes() -> None:
    assert render_pdf(example_plan()) == render_pdf(example_plan())
    assert render_pdf(example_plan()) != render_pdf(example_plan(seed=1))


def test_the_plan_comes_back_out_of_its_paper() -> None:
    for plan in every_verdict().values():
        assert read_plan_from_pdf(render_pdf(plan)) == plan


def test_two_hundred_random_plans_come_back_with_the_same_figures() -> None:
    for seed in range(200):
        dice = random.Random(seed)
        plan, language = random_plan(dice), dice.choice(sorted(LANGUAGES))
        reader = pypdf.PdfReader(io.BytesIO(render_pdf(plan, language)))
        assert reader.attachments["plan.json"][0] == encode_plan(plan)
        if seed % 8:  # reading the text of every paper would take a minute
            continue
        text = letters("".join(page.extract_text() for page in reader.pages))
        for amount in [line.amount_eur for line in plan.lines] + [plan.total_eur] * bool(plan.lines):
            assert letters(numbers.eur_cents(amount, language)) in text


def test_the_file_is_tagged_archivable_and_says_nothing_of_the_machine() -> None:
    data = render_pdf(example_plan())
    reader = pypdf.PdfReader(io.BytesIO(data))
    catalog = reader.trailer["/Root"]
    assert catalog["/MarkInfo"]["/Marked"] is True or catalog["/MarkInfo"]["/Marked"].value
    assert catalog["/Lang"].lower().startswith("en")
    assert "/StructTreeRoot" in catalog
    assert catalog["/AF"][0].get_object()["/AFRelationship"] == "/Source"
    metadata = catalog["/Metadata"].get_object().get_data().decode()
    assert re.search(r"pdfuaid:part\W+1", metadata)
    assert re.search(r"pdfaid:part\W+3", metadata)
    assert re.search(r"pdfaid:conformance\W+A", metadata)
    assert reader.metadata is not None
    assert reader.metadata.title == "A loss of 1.30 can be reached, likely for €3,100 to €4,500 a year"
    assert reader.metadata.author == "Plateau 0.1.0"
    assert not re.search(rb"/home/|/root|/work|/tmp", data)


def test_every_figure_has_a_text_for_those_who_do_not_see_it() -> None:
    document = board_report(example_plan())
    alts = [block.alt for section in document.sections for block in section.blocks if hasattr(block, "alt")]
    assert len(alts) == 2
    structure = pypdf.PdfReader(io.BytesIO(render_pdf(example_plan()))).trailer["/Root"]["/StructTreeRoot"]
    found = [letters(text) for text in alternative_texts(structure)]
    assert [letters(alt) in found for alt in alts] == [True, True]


@pytest.mark.parametrize("text", NASTY)
def test_text_of_a_user_is_drawn_as_text(text: str) -> None:
    data = render_pdf(with_text(text))
    assert letters(text) in letters("".join(pages(data)))
    for page in pypdf.PdfReader(io.BytesIO(data)).pages:
        assert not [a for a in page.get("/Annots", []) if "/A" in a.get_object() and "/URI" in a.get_object()["/A"]]


@pytest.mark.parametrize(
    "text", ["שלום עולם", "مرحبا", "日本語", "😀👍🏽", "a\u202eb", "a\0b", "\ud800x", "e\u0301", ""]
)
def test_what_the_font_lacks_becomes_a_visible_box_and_still_prints(text: str) -> None:
    shown = printable(text, 1000)
    assert all(ord(letter) in coverage() or letter in "\u200b\u00a0" for letter in shown)
    if any(unicodedata.category(letter) in ("Lo", "So", "Cf", "Cs") for letter in text):
        assert REPLACEMENT in shown
    if "\ud800" not in text:
        assert len(pages(render_pdf(with_text(text or "x")))) <= 4


def test_ten_thousand_letters_are_cut_visibly_and_kept_in_the_attachment() -> None:
    plan = with_text("Ab" * 5000)
    data = render_pdf(plan)
    printed = pages(data)
    assert len(printed) <= 6
    assert "…" in "".join(printed)
    assert read_plan_from_pdf(data) == plan


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "this is not one"),
        (b"{}", "this is not one"),
        (b"%PDF-1.7\n", "damaged"),
        (b"%PDF-1.7\ngarbage\n%%EOF", "damaged"),
    ],
)
def test_a_file_without_a_plan_is_refused_in_one_sentence(data: bytes, reason: str) -> None:
    with pytest.raises(PlanError, match=reason) as caught:
        read_plan_from_pdf(data, file="other.pdf")
    assert str(caught.value).startswith("other.pdf: ")


def test_a_pdf_of_someone_else_has_no_plan() -> None:
    writer = pypdf.PdfWriter()
    writer.add_blank_page(100, 100)
    other = io.BytesIO()
    writer.write(other)
    with pytest.raises(PlanError, match=r"no plan\.json is attached"):
        read_plan_from_pdf(other.getvalue())


def test_any_damaged_paper_is_a_plan_error_or_the_same_plan() -> None:
    plan = example_plan()
    data = render_pdf(plan)
    dice = random.Random(0)
    for _ in range(60):
        start = dice.randrange(len(data))
        broken = data[:start] + bytes(dice.randrange(256) for _ in range(40)) + data[start + 40 :]
        for candidate in (broken, data[:start]):
            try:
                read_plan_from_pdf(candidate)
            except PlanError:
                continue


def test_a_paper_is_written_whole(tmp_path) -> None:  # type: ignore[no-untyped-def]
    write_pdf(example_plan(), tmp_path / "board.pdf")
    assert (tmp_path / "board.pdf").read_bytes() == render_pdf(example_plan())
    assert [path.name for path in tmp_path.iterdir()] == ["board.pdf"]


def test_the_fonts_ship_with_their_licence_and_stay_small() -> None:
    assert "SIL OPEN FONT LICENSE" in (FONTS / "OFL.txt").read_text("utf-8")
    assert sum(path.stat().st_size for path in FONTS.iterdir()) < 1_500_000
    assert {ord(letter) for letter in f"€…–×−·{REPLACEMENT}äßéøłșž"} <= coverage()


def with_text(text: str) -> Plan:
    """A plan that has a text in every place where a user's text can come through."""
    plan = example_plan()
    return msgspec.structs.replace(
        plan,
        scenario=msgspec.structs.replace(plan.scenario, gpu=text),
        budget_scenario=text,
        lines=[msgspec.structs.replace(plan.lines[0], label=text, formula=text), *plan.lines[1:]],
        assumptions=[msgspec.structs.replace(plan.assumptions[0], label=text, source=text), *plan.assumptions[1:]],
        not_costed=[msgspec.structs.replace(plan.not_costed[0], label=text), *plan.not_costed[1:]],
        options=[msgspec.structs.replace(plan.options[0], gpu=text), *plan.options[1:]],
        verdict=msgspec.structs.replace(plan.verdict, sentence=text),
        calibration=msgspec.structs.replace(plan.calibration, model=text),
    )


def random_plan(dice: random.Random) -> Plan:
    """A plan with random figures, some of them not reached."""
    plan = dice.choice([*every_verdict().values(), illustration_plan()])

    def three() -> list[float | None]:
        values: list[float | None] = sorted(10 ** dice.uniform(-4, 7) for _ in range(3))  # type: ignore[assignment]
        missing = dice.choice([0, 0, 1, 2, 3])
        return [None if index >= 3 - missing else value for index, value in enumerate(values)]

    p10, p50, p90 = three()
    low, middle, high = three()
    lines = [
        msgspec.structs.replace(line, amount_eur=round(10 ** dice.uniform(-2, 7), 2))
        for line in plan.lines[: dice.randrange(len(plan.lines) + 1)]
    ]
    return msgspec.structs.replace(
        plan,
        total_eur=round(sum(line.amount_eur for line in lines), 2),
        cost_per_year=CostQuantiles(p10=p10, p50=p50, p90=p90),
        hours=Quantiles(p10=low, p50=middle, p90=high),
        if_reached=msgspec.structs.replace(plan.if_reached, probability=dice.random()),
        lines=lines,
        options=plan.options[: dice.randrange(len(plan.options) + 1)],
        influences=plan.influences[: dice.randrange(len(plan.influences) + 1)],
    )


def alternative_texts(node: object) -> list[str]:
    """Every /Alt in a structure tree."""
    node = node.get_object() if hasattr(node, "get_object") else node
    if isinstance(node, list):
        return [text for part in node for text in alternative_texts(part)]
    if not isinstance(node, dict):
        return []
    own = [str(node["/Alt"])] if "/Alt" in node else []
    return own + (alternative_texts(node["/K"]) if "/K" in node else [])


@pytest.mark.parametrize("created", ["", "yesterday", "2026-13-01"])
def test_a_plan_without_a_date_is_refused_in_one_sentence(created: str) -> None:
    with pytest.raises(PlanError, match="expected a date such as"):
        render_pdf(example_plan(created=created))


def test_a_plan_of_nothing_but_a_verdict_still_prints() -> None:
    plan = example_plan(
        lines=[], total_eur=0.0, assumptions=[], not_costed=[], options=[], influences=[], findings=[], quality=[]
    )
    curve = msgspec.structs.replace(
        plan.curve,
        measured_examples=[],
        measured_loss=[],
        band=msgspec.structs.replace(plan.curve.band, examples=[], p05=[], p50=[], p95=[]),
    )
    assert 2 <= len(pages(render_pdf(msgspec.structs.replace(plan, curve=curve)))) <= 4


def test_the_preview_shows_the_pages_of_the_paper() -> None:
    pictures = render_pages(example_plan())
    assert len(pictures) == len(pages(render_pdf(example_plan())))
    assert all(picture.startswith(b"\x89PNG") for picture in pictures)
