"""Which CSV files are written anew with commas, and how."""

import pytest

from kbsync.source.delimited import Delimiter, delimiter_of, lines, loses_rows, with_commas

ANEW = {
    "semicolons": ("Item;Note\nBolt;two, three\n", 'Item,Note\nBolt,"two, three"\n'),
    "a cell with a line end": ('a;b\n1;"x\ny"\n2;z\n', 'a,b\n1,"x\ny"\n2,z\n'),
    "tabs": ("a\tb\n1\t2,5\n", 'a,b\n1,"2,5"\n'),
    "bars and old line ends": ("a|b\r1|2\r", "a,b\n1,2\n"),
    "decimal commas in every row": ("x;y\n1,5;2,5\n3,5;4,5\n", 'x,y\n"1,5","2,5"\n"3,5","4,5"\n'),
    "told by its first line": ("sep=;\r\na;b\r\n1;2\r\n", "a,b\n1,2\n"),
    "told, and a comma": ("sep=,\na,b\n1,2\n", "a,b\n1,2\n"),
    "told, and one row": ('"sep=|"\na|b\n', "a,b\n"),
    "quotes": ('a;b\n"x ""y""";1\n', 'a,b\n"x ""y""",1\n'),
    "a short row": ("a;b\n1;2\n3;4\n5;6\n7;8\n9\n", "a,b\n1,2\n3,4\n5,6\n7,8\n9\n"),
}
AS_IT_IS = {
    "commas": "a,b\n1,2\n",
    "commas, and semicolons within": "a,b\n1;2,3\n4;5,6\n",
    "quoted semicolons": '"a;b",c\n"1;2",3\n',
    "one column": "Name\nA\nB\n",
    "words with semicolons here and there": "note\nbuy a; b; c\nread\n",
    "both": "a;b,c\n1;2,3\n4;5,6\n",
    "one row": "a;b\n",
    "a quote that is never closed": 'a;b\n"x;1\ny;2\n',
    "longer rows": "a;b\n1;2;3\n4;5\n",
    "two delimiters alike": "a;b|c\n1;2|3\n4;5|6\n",
    "nothing": "",
}


@pytest.mark.parametrize("case", ANEW)
def test_written_anew(case: str) -> None:
    text, anew = ANEW[case]
    delimiter = delimiter_of(text, whole=True)
    assert delimiter is not None
    assert "".join(with_commas([text[:4], text[4:]], delimiter)) == anew
    assert delimiter_of(anew, whole=True) is None, "what was sent once is not written anew"


@pytest.mark.parametrize("case", AS_IT_IS)
def test_sent_as_it_is(case: str) -> None:
    assert delimiter_of(AS_IT_IS[case], whole=True) is None


def test_a_row_that_is_cut_off_proves_nothing() -> None:
    assert delimiter_of("a;b\n1;2\n3;4;5", whole=False) == Delimiter(";")


def test_lines_end_where_text_says_so_and_nowhere_else() -> None:
    assert list(lines(["a\r", "\nb\rc\x0bd\u2028e\n", "f"])) == [
        "a\r\n",
        "b\r",
        "c\x0bd\u2028e\n",
        "f",
    ]


@pytest.mark.parametrize(
    ("text", "loses"),
    [
        ("a,b\n1,2\n3\n", False),
        ("a,b\n1,2,3\n", True),
        ("name\nAnna, Berlin\n", True),
        ('name\n"Anna, Berlin"\n', False),
        ("\na,b\n1,2\n\n", False),
        ("a,b\n,,,\n", False),
        ("a,b\n1,2,\n", True),
        ('a,b\n"1,2\n', False),
        ("", False),
    ],
)
def test_rows_that_are_longer_than_the_first_one_are_lost(text: str, loses: bool) -> None:
    assert loses_rows(lines([text])) is loses
