"""Small files that ask for much: made here, each in well under two seconds."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping

MIB = 1 << 20
W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
M = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELS = "http://schemas.openxmlformats.org/package/2006/relationships"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
TYPES = "application/vnd.openxmlformats-officedocument"

Part = bytes | Iterable[bytes]


def zipped(parts: Mapping[str, Part]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as container:
        for name, content in parts.items():
            with container.open(name, "w") as part:
                for block in [content] if isinstance(content, bytes) else content:
                    part.write(block)
    return file.getvalue()


def repeated(before: str, what: bytes, size: int, after: str) -> Iterable[bytes]:
    """`what` again and again, up to `size` bytes."""
    block = what * (MIB // len(what))
    yield before.encode()
    for _ in range(size // len(block)):
        yield block
    yield after.encode()


def _types(name: str, kind: str) -> bytes:
    return (
        '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/{name}" ContentType="{TYPES}.{kind}.main+xml"/></Types>'
    ).encode()


def _rels(*targets: tuple[str, str]) -> bytes:
    rows = "".join(
        f'<Relationship Id="r{at}" Type="{OFFICE}/{kind}" Target="{target}"/>'
        for at, (kind, target) in enumerate(targets, 1)
    )
    return f'<Relationships xmlns="{RELS}">{rows}</Relationships>'.encode()


def docx(document: Part, **others: Part) -> bytes:
    return zipped(
        {
            "[Content_Types].xml": _types("word/document.xml", "wordprocessingml.document"),
            "_rels/.rels": _rels(("officeDocument", "word/document.xml")),
            "word/document.xml": document,
            **others,
        }
    )


def docx_of(body: str, doctype: str = "") -> bytes:
    return docx(f'{doctype}<w:document xmlns:w="{W}"><w:body>{body}</w:body></w:document>'.encode())


def docx_repeating(what: bytes, size: int) -> bytes:
    start = f'<w:document xmlns:w="{W}"><w:body>'
    return docx(repeated(start, what, size, "</w:body></w:document>"))


def xlsx(sheet: Part, strings: Part | None = None) -> bytes:
    targets = [("worksheet", "worksheets/sheet1.xml")]
    parts: dict[str, Part] = {
        "[Content_Types].xml": _types("xl/workbook.xml", "spreadsheetml.sheet").replace(
            b"</Types>",
            f'<Override PartName="/xl/sharedStrings.xml" ContentType="{TYPES}'
            '.spreadsheetml.sharedStrings+xml"/></Types>'.encode(),
        )
        if strings is not None
        else _types("xl/workbook.xml", "spreadsheetml.sheet"),
        "_rels/.rels": _rels(("officeDocument", "xl/workbook.xml")),
        "xl/workbook.xml": f'<workbook xmlns="{M}" xmlns:r="{OFFICE}"><sheets>'
        '<sheet name="a" sheetId="1" r:id="r1"/></sheets></workbook>'.encode(),
        "xl/worksheets/sheet1.xml": sheet,
    }
    if strings is not None:
        targets.append(("sharedStrings", "sharedStrings.xml"))
        parts["xl/sharedStrings.xml"] = strings
    parts["xl/_rels/workbook.xml.rels"] = _rels(*targets)
    return zipped(parts)


def sheet_of(rows: str, dimension: str = "A1:B2") -> bytes:
    return (
        f'<worksheet xmlns="{M}"><dimension ref="{dimension}"/>'
        f"<sheetData>{rows}</sheetData></worksheet>"
    ).encode()


HEAD = '<row r="1"><c r="A1" t="str"><v>a</v></c><c r="B1" t="str"><v>b</v></c></row>'


def sheet_repeating(what: bytes, size: int) -> Iterable[bytes]:
    start = f'<worksheet xmlns="{M}"><sheetData>{HEAD}'
    return repeated(start, what, size, "</sheetData></worksheet>")


def long_names_xlsx() -> bytes:
    """A header of 32 KiB that each of many rows repeats."""
    name = "n" * 32_000
    strings = f'<sst xmlns="{M}"><si><t>{name}</t></si><si><t>x</t></si></sst>'.encode()
    head = '<row><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>0</v></c></row>'
    rows = '<row><c t="s"><v>1</v></c><c t="s"><v>1</v></c></row>' * 20_000
    return xlsx(sheet_of(head + rows), strings)


LAUGHS = (
    '<!DOCTYPE x [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY {chr(98 + at)} "{f"&{chr(97 + at)};" * 10}">' for at in range(9))
    + "]>"
)


def lying_docx(unpacked: int = 300 * MIB) -> bytes:
    """A part that says it has one byte: of its content, and in the directory, but for the data."""
    packing = zlib.compressobj(1, zlib.DEFLATED, -15)
    block = b"a" * MIB
    data = b"".join(packing.compress(block) for _ in range(unpacked // MIB)) + packing.flush()
    name = b"word/document.xml"
    fixed = (
        struct.pack("<3H", 0, 8, 0) + bytes(2) + struct.pack("<3I", zlib.crc32(b"a"), len(data), 1)
    )
    local = b"PK\3\4\x14\0" + fixed + struct.pack("<2H", len(name), 0) + name
    entry = b"PK\1\2\x14\0\x14\0" + fixed + struct.pack("<5H2I", len(name), 0, 0, 0, 0, 0, 0) + name
    size = len(local) + len(data)
    end = b"PK\5\6" + struct.pack("<4H2IH", 0, 0, 1, 1, len(entry), size, 0)
    return local + data + entry + end


def crowded_docx(members: int = 100_000) -> bytes:
    """Very many empty parts, in a directory that is all there is of them."""
    name = b"a"
    entry = b"PK\1\2\x14\0\x14\0" + bytes(20) + struct.pack("<5H2I", 1, 0, 0, 0, 0, 0, 0) + name
    directory = entry * members
    count = min(members, 0xFFFF)
    return directory + b"PK\5\6" + struct.pack("<4H2IH", 0, 0, count, count, len(directory), 0, 0)


def encrypted_docx() -> bytes:
    content = bytearray(docx_of(""))
    at = content.rfind(b"PK\1\2")
    content[at + 8] |= 1
    return bytes(content)


def strangely_packed_docx() -> bytes:
    """300 MiB in a method that libraries unpack without measure."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_BZIP2) as container:
        container.writestr("word/document.xml", bytes(20 * MIB))
    return file.getvalue()


def pdf(*objects: bytes) -> bytes:
    """A PDF of these objects, the first of which is its catalog."""
    written, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(written))
        written += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    size = len(objects) + 1
    return written + (
        b"xref\n0 %d\n0000000000 65535 f \n%strailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n"
        b"%%%%EOF\n" % (size, table, size, len(written))
    )


def stream(data: bytes, entries: bytes = b"") -> bytes:
    return b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(data), entries, data)


PAGE = (
    b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] "
    b"/Resources << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> "
    b"/Contents 4 0 R >>"
)


def one_page(contents: bytes) -> bytes:
    return pdf(
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        PAGE,
        contents,
    )


def pdf_bomb(unpacked: int = 300 * MIB) -> bytes:
    packing = zlib.compressobj(1)
    block = b"(a) Tj " * (MIB // 7)
    data = b"".join(packing.compress(block) for _ in range(unpacked // MIB)) + packing.flush()
    return one_page(stream(data, b"/Filter /FlateDecode"))


def pdf_loop() -> bytes:
    return pdf(
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R 3 0 R] /Count 1 >>",
        b"<< /Type /Pages /Parent 2 0 R /Kids [2 0 R 2 0 R] /Count 1 >>",
    )


def pdf_forms(width: int = 8) -> bytes:
    """Drawings that draw each other: to follow each way takes years."""
    kids = b" ".join(b"/X%d %d 0 R" % (at, 4 + at) for at in range(1, width + 1))
    draws = b" ".join(b"/X%d Do" % at for at in range(1, width + 1))
    form = stream(draws, b"/Type /XObject /Subtype /Form /Resources << /XObject << %s >> >>" % kids)
    page = b"<< /Type /Page /Parent 2 0 R /Resources << /XObject << %s >> >> /Contents 4 0 R >>"
    return pdf(
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        page % kids,
        stream(draws),
        *[form] * width,
    )


BOMBS: dict[str, Callable[[], bytes]] = {
    "large.docx": lambda: docx_repeating(b"a", 300 * MIB),
    "tree.docx": lambda: docx_repeating(b"<w:p/>", 60 * MIB),
    "wide.docx": lambda: docx_of(
        '<w:tbl><w:tr><w:tc><w:tcPr><w:gridSpan w:val="999999999"/></w:tcPr><w:p/></w:tc></w:tr>'
        "</w:tbl>"
    ),
    "deep.docx": lambda: docx_of("<w:p>" * 100_000 + "</w:p>" * 100_000),
    "laughs.docx": lambda: docx_of("<w:p><w:r><w:t>&j;</w:t></w:r></w:p>", LAUGHS),
    "lying.docx": lying_docx,
    "crowded.docx": crowded_docx,
    "encrypted.docx": encrypted_docx,
    "strange.docx": strangely_packed_docx,
    "nested.docx": lambda: zipped({"a.zip": zipped({"b.zip": zipped({"c": bytes(MIB)})})}),
    "large.xlsx": lambda: xlsx(sheet_repeating(b"<row/>", 300 * MIB)),
    "rows.xlsx": lambda: xlsx(
        sheet_repeating(b'<row><c t="str"><v>x</v></c><c t="str"><v>y</v></c></row>', 60 * MIB)
    ),
    "sparse.xlsx": lambda: xlsx(
        sheet_of(HEAD + '<row r="99000000"><c r="XFD99000000"><v>1</v></c></row>')
    ),
    "wide.xlsx": lambda: xlsx(
        sheet_of(HEAD + '<row><c r="XFD1"><v>1</v></c></row>' * 100_000, "A1:XFD1048576")
    ),
    "strings.xlsx": lambda: xlsx(
        sheet_of(HEAD),
        repeated(f'<sst xmlns="{M}">', b"<si><t>abcdefgh</t></si>", 200 * MIB, "</sst>"),
    ),
    "names.xlsx": long_names_xlsx,
    "laughs.xlsx": lambda: xlsx(
        LAUGHS.encode() + sheet_of(HEAD + '<row><c t="str"><v>&j;</v></c></row>')
    ),
    "flate.pdf": pdf_bomb,
    "loop.pdf": pdf_loop,
    "forms.pdf": pdf_forms,
    "row.csv": lambda: b"a,b\n" + b"x," * (7 * MIB),
    "names.csv": lambda: b"n" * MIB + b",b\n" + b"x,y\n" * MIB,
    "rows.csv": lambda: b"a\n" * (7 * MIB),
    "deep.html": lambda: b"<b>" * (5 * MIB),
    "noise.txt": lambda: bytes(range(128, 256)) * 8192 * 14,
    "brackets.md": lambda: b"<" * (14 * MIB),
    "lines.txt": lambda: b"ab\n\n" * (14 * MIB // 4),
}
