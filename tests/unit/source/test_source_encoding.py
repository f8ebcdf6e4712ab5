"""Which encoding a text that is not UTF-8 is taken for."""

import pytest

from kbsync.source.encoding import byte_order_mark, guess

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
    written = text.encode("cp1252")
    assert written.decode(guess(written)) == text


@pytest.mark.parametrize("language", OTHER)
def test_other_text_comes_out_right(language: str) -> None:
    encoding, text = OTHER[language]
    written = f"{text}\n".encode(encoding)
    assert written.decode(guess(written)) == f"{text}\n"


def test_a_stray_byte_does_not_turn_utf8_into_something_else() -> None:
    assert guess("Größe, Straße, Übung, schön".encode() + b"\xff") == "utf-8"


def test_byte_order_marks() -> None:
    for encoding in ("utf-16", "utf-32"):
        assert byte_order_mark("a".encode(encoding)) == encoding
    assert byte_order_mark("\ufeffa".encode("utf-16-be")) == "utf-16"
    assert byte_order_mark("\ufeffa".encode("utf-32-be")) == "utf-32"
    assert byte_order_mark(b"plain") is None
    assert byte_order_mark(b"") is None
