"""Which encoding a text that is not UTF-8 is taken for."""

from collections import Counter

import pytest

from kbsync.source.encoding import byte_order_mark
from kbsync.source.guess import guess
from kbsync.source.unmarked import unmarked
from tests.unit.source.old_encodings import LANGUAGES, Written, written

WESTERN = {
    "French": "Les élèves étaient très contents à l'école. Où est le garçon ? Noël approche.",
    "French word": "Café",
    "French typography": "« L’œuvre » – c’est 5 €… à 20 °C, n°\u00a04",
    "German": "Die Größe der Tür übersteigt die Höhe. Äpfel und Öl, schöne Grüße von der Straße!",
    "German word": "Straße",
    "German capitals": "ÜBERSICHT ÜBER DIE STRAßEN",
    "Spanish": "El niño comió en la mañana. ¿Qué pasó después? ¡Increíble!",
    "Portuguese": "A educação não é só para as crianças. Informações e opções.",
    "Italian": "Perché la città è così bella? Il caffè è già pronto. Più tardi andrò là.",
    "Swedish": "Räksmörgås är gott på våren. Åke äter ägg och öl.",
    "Danish": "Rødgrød med fløde på øen. Æbler og pærer.",
    "units": "eine Fläche von 5 m², 3 m³, ±2 µm",
}
OTHER = {
    "Polish": ("cp1250", "Zażółć gęślą jaźń. Był późny wieczór, a dziewczyna szła przez łąkę."),
    "Czech": ("cp1250", "Příliš žluťoučký kůň úpěl ďábelské ódy. Všichni lidé se rodí svobodní."),
    "Hungarian": ("cp1250", "Árvíztűrő tükörfúrógép. Minden emberi lény szabadon születik."),
    "Turkish": ("cp1254", "Bütün insanlar hür, haysiyet ve haklar bakımından eşit doğarlar."),
    "Russian": ("cp1251", "Все люди рождаются свободными и равными в своем достоинстве и правах."),
    "Russian KOI8": ("koi8_r", "Все люди рождаются свободными и равными в достоинстве и правах."),
    "Greek": ("cp1253", "Όλοι οι άνθρωποι γεννιούνται ελεύθεροι και ίσοι στην αξιοπρέπεια."),
    "Japanese": ("cp932", "すべての人間は、生まれながらにして自由であり、かつ、平等である。"),
    "Chinese": ("gb18030", "人人生而自由,在尊严和权利上一律平等。他们赋有理性和良心。"),
    "Chinese, traditional": ("big5", "人人生而自由,在尊嚴和權利上一律平等。他們賦有理性和良心。"),
    "Korean": ("cp949", "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다."),
}


@pytest.mark.parametrize("language", WESTERN)
@pytest.mark.parametrize("copies", [1, 40])
def test_western_text_comes_out_right(language: str, copies: int) -> None:
    text = WESTERN[language] + "\n" + (WESTERN[language] + "\n") * (copies - 1)
    data = text.encode("cp1252")
    assert data.decode(guess(data).encoding) == text


@pytest.mark.parametrize("language", OTHER)
def test_other_text_comes_out_right(language: str) -> None:
    encoding, text = OTHER[language]
    data = f"{text}\n".encode(encoding)
    assert data.decode(guess(data).encoding) == f"{text}\n"


def test_a_stray_byte_does_not_turn_utf8_into_something_else() -> None:
    assert guess("Größe, Straße, Übung, schön".encode() + b"\xff").encoding == "utf-8"


def test_byte_order_marks() -> None:
    for encoding in ("utf-16", "utf-32"):
        assert byte_order_mark("a".encode(encoding)) == encoding
    assert byte_order_mark("\ufeffa".encode("utf-16-be")) == "utf-16"
    assert byte_order_mark("\ufeffa".encode("utf-32-be")) == "utf-32"
    assert byte_order_mark(b"plain") is None
    assert byte_order_mark(b"") is None


def outcome(each: Written) -> str:
    """What becomes of a text that stands alone: right, held or wrong."""
    data = each.data
    taken = unmarked(data, len(data))
    if taken is None:
        guessed = guess(data)
        if guessed.rivals:
            return "held"
        taken = guessed.encoding
    return "right" if data.decode(taken, "replace") == each.text else "wrong"


def test_short_texts_come_out_right_or_are_held() -> None:
    found = Counter(outcome(each) for each in written())
    assert found["wrong"] == 0
    assert found["held"] <= 8, "of 140 texts of 20 to 60 bytes"


def test_texts_four_times_as_long_come_out_right() -> None:
    assert {outcome(each) for each in written(pieces=4)} == {"right"}
    assert len(LANGUAGES) >= 15


def test_text_of_han_characters_alone_is_japanese_or_chinese() -> None:
    guessed = guess("氏名,部署\n佐藤,経理部\n".encode("euc_jp"))
    assert {guessed.encoding, *guessed.rivals} >= {"gb18030", "euc_jp"}


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("euc_jp", "氏名,部署,佐藤\n"),  # Han characters alone
        ("koi8_r", "ВНИМАНИЕ! СРОЧНО\n"),  # small letters of another encoding
        ("cp1250", "Nr. 5 – ř\n"),  # one letter
        ("cp1254", "Şu an\n"),
    ],
)
def test_what_means_something_in_two_ways_is_not_taken_for_either(encoding: str, text: str) -> None:
    assert guess(text.encode(encoding)).rivals


@pytest.mark.parametrize("text", ["5 €", "Zoë", "für", "© ACME", "naïve", "n° 5 ½", "jalapeño"])
def test_a_few_western_letters_are_enough(text: str) -> None:
    assert guess(text.encode("cp1252")) == ("cp1252", (), ())


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("utf-16-le", "Заявка подаётся за три дня.\n"),
        ("utf-16-be", "Заявка подаётся за три дня.\n"),
        ("utf-16-le", "费用在月底之前报销。\n"),
        ("utf-16-le", "plain words\r\n"),
        ("utf-32-le", "Größe\n"),
        ("utf-32-be", "Größe\n"),
        ("iso2022_jp", "会議は水曜日です。\n"),
        ("iso2022_kr", "회의는 수요일입니다.\n"),
    ],
)
def test_text_in_halves_without_a_mark(encoding: str, text: str) -> None:
    data = text.encode(encoding)
    taken = unmarked(data, len(data))
    assert taken is not None
    assert data.decode(taken) == text


@pytest.mark.parametrize(
    "data",
    [b"text\0", b"\0\1\2\3\4\5\6\7", b"a\0b\0c", b"", b"plain", b"\x1b[1mbold\x1b[0m\n", b"\f\n"],
)
def test_control_characters_alone_make_no_halves(data: bytes) -> None:
    assert unmarked(data, len(data)) is None
