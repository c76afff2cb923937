"""Markdown, text, HTML and PDF become the same blocks; what surrounds it goes; what cannot be read is refused with its reason."""

from __future__ import annotations

import io

import pytest

from lyo_pipelines.documents.chunks import text_of
from lyo_pipelines.documents.contract import REASONS, DocumentMetadata, RejectedError, TextBlock
from lyo_pipelines.documents.read import ParsedDocument, read_document
from lyo_pipelines.documents.reading.pdf import read_pdf
from lyo_pipelines.documents.reading.pdf_lines import PdfLine, blocks_of
from lyo_pipelines_tests.documents.sample_documents import CONFIG, FILES, NOTE, drawn_pdf
from lyo_pipelines_tests.growth import faster_than_linear

_UNTOLD = (DocumentMetadata(), DocumentMetadata())


def read(name: str, data: str | bytes, *told: DocumentMetadata) -> ParsedDocument:
    sidecar, of_set = (*told, DocumentMetadata(), DocumentMetadata())[:2]
    return read_document(name, data.encode() if isinstance(data, str) else data, (sidecar, of_set), CONFIG.documents)


def refused(name: str, data: str | bytes) -> RejectedError:
    with pytest.raises(RejectedError) as error:
        read(name, data)
    assert REASONS[error.value.reason] in error.value.says
    return error.value


def test_the_same_note_as_markdown_html_and_pdf_gives_the_same_text():
    markdown = read("soil.md", NOTE)
    paragraphs = "".join(
        f"<h{b.level}>{b.text}</h{b.level}>" if b.level else f"<p>{b.text}</p>" for b in markdown.blocks
    )
    html = read(
        "soil.html", f"<html><body><nav>Home</nav><article>{paragraphs}</article><footer>Imprint</footer></body></html>"
    )
    pdf = read("soil.pdf", drawn_pdf(markdown.blocks))
    assert [block.level for block in markdown.blocks] == [1, 2, 0, 2, 0]
    assert text_of(html.blocks) == text_of(markdown.blocks)
    assert text_of(pdf.blocks) == text_of(markdown.blocks)


def test_running_headers_and_page_numbers_of_a_pdf_go():
    blocks = [
        TextBlock(f"Paragraph {n} tells something about the soil of the garden behind house number {n}.")
        for n in range(12)
    ]
    found = read("book.pdf", drawn_pdf(blocks, header="The book of soil 2026", pages=4))
    assert [block.text for block in found.blocks] == [block.text for block in blocks]


def test_a_result_at_the_end_of_a_page_is_no_page_number():
    lines = [
        line
        for page in range(4)
        for line in (
            PdfLine(f"Work out the sum that stands in the box number {page}.", page, 11, 700),
            PdfLine(str((56, 7, 390, 18)[page]), page, 11, 60),
            PdfLine(str(page + 11), page, 11, 20),
        )
    ]
    text = text_of(blocks_of(lines, 4, CONFIG.documents))
    assert [number for number in text.split() if number.isdigit()] == ["56", "7", "390", "18"]


def test_a_word_broken_at_the_end_of_a_line_is_whole_again():
    lines = [
        PdfLine("Plants make their food by photosyn\u00ad", 0, 11, 700),
        PdfLine("thesis in the light.", 0, 11, 686),
    ]
    assert blocks_of(lines, 1, CONFIG.documents) == [
        TextBlock("Plants make their food by photosynthesis in the light.")
    ]
    text = "A long line of a plain text that some program has broken in the mid-\ndle of a word, as they do."
    assert "in the middle of a word" in read("note.txt", text).blocks[0].text


def test_a_paragraph_goes_on_over_the_page():
    lines = [
        PdfLine("The first half of a sentence", 0, 11, 60),
        PdfLine("is on one page, the rest on the next.", 1, 11, 800),
    ]
    assert len(blocks_of(lines, 2, CONFIG.documents)) == 1


def test_front_matter_images_links_and_scripts_are_no_text():
    text = "---\ntitle: Soil\nlicense: CC-BY-4.0\nlanguage: en\ndate: 2024-05-06\n---\n" + NOTE
    text += "\n![a spade](spade.png)\n\nSee [the other note](other.md) <script>alert(1)</script> and **dig**.\n"
    found = read("soil.md", text)
    assert (found.about.title, found.about.licence, found.about.language) == ("Soil", "CC-BY-4.0", "en")
    assert found.about.date is not None and found.about.date.year == 2024
    assert found.blocks[-1].text == "See the other note and dig."
    assert not any("title:" in block.text for block in found.blocks)


def test_credits_at_the_end_become_licence_and_attribution():
    found = read("story.md", NOTE + "\n##\n* License: [CC-BY]\n* Text: A. Writer\n* Language: en\n")
    assert (found.about.licence, found.about.attribution, found.about.language) == ("CC-BY", "Text: A. Writer", "en")
    assert "Writer" not in text_of(found.blocks)


def test_a_list_of_facts_is_no_credit():
    found = read("facts.md", NOTE + "\n* Text: what is written\n* Source: where a river begins\n")
    assert "where a river begins" in text_of(found.blocks)


def test_what_a_page_has_around_its_text_goes():
    page = f"""<html lang="hi"><head><title>T</title></head><body><header>Site</header><div class="cookie-banner">We use cookies</div>
    <main><h1>Soil</h1><p>{"Soil feeds plants. " * 5}</p><aside>Advert</aside><table><tr><th>Kind</th><td>Clay</td></tr></table>
    <p>Area: 3 m<sup>2</sup>, H<sub>2</sub>O</p></main><footer>Imprint</footer></body></html>"""
    text = text_of(read("p.html", page).blocks)
    assert not any(word in text for word in ("Site", "cookies", "Advert", "Imprint"))
    assert "Kind | Clay" in text and "3 m², H₂O" in text
    assert read("p.html", page).about.language == "hi"


def test_code_and_lists_keep_their_lines():
    text = NOTE + "\n```python\nfor n in range(3):\n    print(n)\n```\n\n1. dig\n2. sow\n   - water\n"
    text = text_of(read("soil.md", text).blocks)
    assert "```python\nfor n in range(3):\n    print(n)\n```" in text
    assert "1. dig\n2. sow\n  - water" in text


def test_plain_text_has_headings_too():
    text = (
        "Soil\n====\n\n2.1 Sand and clay\n\n" + "Sand lets water through and clay holds it back for a long time. " * 3
    )
    assert [(b.level, b.text) for b in read("soil.txt", text).blocks[:2]] == [(1, "Soil"), (3, "2.1 Sand and clay")]


def test_old_encodings_are_read_only_where_they_are_sure():
    assert "café" in text_of(
        read("a.txt", ("The café serves tea to all pupils of the school. " * 2).encode("cp1252")).blocks
    )
    assert "Почва" in text_of(
        read("a.html", ('<meta charset="koi8-r"><p>' + "Почва кормит растения. " * 5).encode("koi8-r")).blocks
    )
    assert refused("a.txt", ("Почва кормит растения. " * 5).encode("koi8-r")).reason == "encoding"
    assert refused("a.txt", b"\x00\x01\x02binary" * 20).reason == "encoding"


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.docx", b"PK...", "unsupported_format"),
        ("LICENSE", b"text", "unsupported_format"),
        ("a.md", b"  \n", "empty"),
        ("a.md", b"# Hi\n\nYes.", "too_little_text"),
        ("a.pdf", b"%PDF-1.7 and then nothing", "damaged"),
        ("a.pdf", (FILES / "locked.pdf").read_bytes(), "encrypted"),
        ("a.pdf", (FILES / "hindi_in_pieces.pdf").read_bytes(), "garbled"),
        ("a.pdf", drawn_pdf([]), "no_text_layer"),
        ("a.txt", "fgUnh dh fdrkc eSa cgqr ls ikB gSa " * 20, "garbled"),
        ("a.md", "The replaced � signs � of � text � that was � read � wrongly �", "garbled"),
    ],
)
def test_a_document_that_cannot_be_read_says_why(name, data, reason):
    assert refused(name, data).reason == reason


def test_a_page_of_formulas_is_not_garbled():
    algebra = "यदि अ + ब = स हो तो स - ब = अ होगा। (अ+ब)² = अ² + 2अब + ब² तथा क(ख+ग) = कख+कग। "
    algebra = (algebra + "ये सूत्र याद रखें और इनका उपयोग करके नीचे दिए प्रश्न हल करें। ") * 8
    assert "कख+कग" in text_of(read("a.txt", algebra).blocks)
    tamil = "அ + ஆ = இ என்றால் இ - ஆ = அ ஆகும். க(ச+த) = கச+கத, க × ச = ச × க. " * 8
    assert "கச+கத" in text_of(read("a.txt", tamil).blocks)
    angles = "sin(A+B) = sin A cos B + cos A sin B; tan 2x = 2 tan x/(1 - tan x tan x); cosec x = 1/sin x. " * 12
    assert "cosec x" in text_of(read("a.txt", angles).blocks)


@pytest.mark.parametrize("limit", [{"pdf_maximum_pages": 3}, {"maximum_characters": 400}, {"pdf_maximum_objects": 5}])
def test_a_pdf_beyond_the_limits_is_refused_before_it_is_read(limit, monkeypatch):
    from lyo_pipelines.documents.reading import pdf

    pages_read = []
    monkeypatch.setattr(pdf, "_lines", lambda textpage, number, budget: pages_read.append(number) or iter(()))
    blocks = [
        TextBlock(f"Paragraph {n} tells something about the soil of the garden behind house {n}.") for n in range(12)
    ]
    with pytest.raises(RejectedError) as error:
        read_document("a.pdf", drawn_pdf(blocks, pages=4), _UNTOLD, CONFIG.documents.model_copy(update=limit))
    assert error.value.reason == "too_large" and len(pages_read) < 4


def test_a_pdf_is_left_when_it_has_taken_its_time():
    blocks = [TextBlock(f"Paragraph {n} tells something about the soil of the garden.") for n in range(12)]
    seconds = iter(range(0, 10_000, 30))
    with pytest.raises(RejectedError, match="more than 120 s of work up to page 2"):
        read_pdf(drawn_pdf(blocks, pages=4), CONFIG.documents, clock=lambda: next(seconds))


def test_a_paragraph_of_many_lines_takes_time_linear_in_them():
    def joined(text: str) -> None:
        lines = [PdfLine(line, 0, 8.0, -9.0 * n) for n, line in enumerate(text.split("\n"))]
        blocks_of(lines, 1, CONFIG.documents)

    unit = "a line of a paragraph that never ends\n"
    assert faster_than_linear(joined, [unit], size=1_000 * len(unit), floor=0.02) == {}


def test_a_picture_of_a_page_is_no_text():
    from PIL import Image

    out = io.BytesIO()
    Image.new("RGB", (200, 200), "grey").save(out, "PDF")
    assert refused("scan.pdf", out.getvalue()).reason == "no_text_layer"


def test_a_hindi_pdf_that_keeps_its_text_is_read_whole():
    found = read("bhinn.pdf", (FILES / "hindi_whole.pdf").read_bytes())
    assert [block.text for block in found.blocks if block.level][:2] == ["भिन्न", "भिन्न क्या बताती है"]
    assert "जो भिन्न एक ही मात्रा बताती हैं, वे तुल्य भिन्न कहलाती हैं।" in text_of(found.blocks)


def test_a_folder_names_the_language_and_a_sidecar_goes_before_everything():
    assert read("hindi/soil.md", NOTE).about.language == "hi"
    assert read("notes/soil.md", NOTE).about.language == ""
    assert read("hi/soil.md", NOTE, DocumentMetadata(language="ta")).about.language == "ta"


@pytest.mark.parametrize(
    "kept",
    [
        "for i in a:\n    if i:\n        print(i)\n\n    print('x')",
        "  245\n+  38\n-----\n  283",
        "Down went the sun,\n  up came the moon,\nover the hill.",
    ],
)
def test_plain_text_keeps_the_places_of_signs_in_code_columns_and_poems(kept: str):
    told = text_of(read("note.txt", f"Below it stands as it was written down.\n\n{kept}\n\nThat was all of it.").blocks)
    assert kept in told
    assert text_of(
        read("note.txt", f"{kept}\n\nThat was all of it, as it was written down in the book.").blocks
    ).startswith(kept)
