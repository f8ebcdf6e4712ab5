"""Short texts of many languages, as programs wrote them before UTF-8: lists, notes, half a line.

Each is 20 to 60 bytes long in its encoding; four of them in a row are the longer ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

TEXTS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "Chinese": (
        ("gb18030", "utf-16-le", "utf-16-be"),
        (
            "姓名,部门,电话\n王芳,财务部,8021\n",
            "会议改到星期三下午两点。\n",
            "规格,单价\n钢管,45\n木板,18\n",
            "请在月底之前提交报销单据。\n",
            "编号,客户\n7,北京天成公司\n",
        ),
    ),
    "Traditional Chinese": (
        ("big5",),
        (
            "姓名,部門,電話\n陳美玲,會計,302\n",
            "會議改到星期三下午兩點。\n",
            "品名,單價\n鋼管,45\n木板,18\n",
            "請在月底之前提交報銷單據。\n",
            "編號,客戶\n7,臺北大成公司\n",
        ),
    ),
    "Japanese": (
        ("cp932", "euc_jp", "utf-16-le"),
        (
            "氏名,部署\n佐藤,経理部\n鈴木,総務部\n",
            "会議は水曜日の午後二時からです。\n",
            "品名,単価\n鋼管,45\n木板,18\n",
            "請求書は月末までに送ってください。\n",
            "番号,得意先\n7,東京商事株式会社\n",
        ),
    ),
    "Korean": (
        ("cp949", "utf-16-le"),
        (
            "이름,부서\n김민수,총무부\n이영희,영업부\n",
            "회의는 수요일 오후 두 시입니다.\n",
            "품명,단가\n강관,45\n목재,18\n",
            "영수증은 월말까지 제출해 주세요.\n",
            "번호,거래처\n7,서울상사\n8,부산무역\n",
        ),
    ),
    "Russian": (
        ("cp1251", "koi8_r", "cp866", "utf-16-le"),
        (
            "Имя;Отдел\nИванова;Бухгалтерия\n",
            "Совещание перенесено на среду.\n",
            "Товар;Цена\nТруба;45\nДоска;18\n",
            "Сдайте отчёт до конца месяца.\n",
            "Номер;Заказчик\n7;Завод 'Прогресс'\n",
        ),
    ),
    "Ukrainian": (
        ("cp1251",),
        (
            "Ім'я;Відділ\nКоваленко;Бухгалтерія\n",
            "Нараду перенесено на середу.\n",
            "Товар;Ціна\nТруба;45\nДошка;18\n",
            "Здайте звіт до кінця місяця.\n",
            "Номер;Замовник\n7;Завод «Їжак»\n",
        ),
    ),
    "Greek": (
        ("cp1253",),
        (
            "Όνομα;Τμήμα\nΠαπαδοπούλου;Λογιστήριο\n",
            "Η συνάντηση μεταφέρθηκε την Τετάρτη.\n",
            "Είδος;Τιμή\nΣωλήνας;45\nΣανίδα;18\n",
            "Στείλτε την απόδειξη ως το τέλος του μήνα.\n",
            "Αριθμός;Πελάτης\n7;Εταιρεία Αθηνών\n",
        ),
    ),
    "Hebrew": (
        ("cp1255",),
        (
            "שם,מחלקה\nרחל כהן,הנהלת חשבונות\n",
            "הישיבה נדחתה ליום רביעי בצהריים.\n",
            "פריט,מחיר\nצינור,45\nקרש,18\n",
            "נא להגיש את הקבלות עד סוף החודש.\n",
            "מספר,לקוח\n7,חברת תל אביב\n",
        ),
    ),
    "Arabic": (
        ("cp1256",),
        (
            "الاسم,القسم\nفاطمة,المحاسبة\n",
            "تم تأجيل الاجتماع إلى يوم الأربعاء.\n",
            "الصنف,السعر\nأنبوب,45\nلوح,18\n",
            "يرجى تسليم الفواتير قبل نهاية الشهر.\n",
            "الرقم,العميل\n7,شركة القاهرة\n",
        ),
    ),
    "Turkish": (
        ("cp1254",),
        (
            "Adı;Bölümü\nAyşe Yıldız;Muhasebe\n",
            "Toplantı çarşamba gününe alındı.\n",
            "Ürün;Fiyatı\nÇelik boru;45\nTahta;18\n",
            "Faturaları ay sonuna kadar gönderin.\n",
            "Sıra;Müşteri\n7;İstanbul Ticaret Şirketi\n",
        ),
    ),
    "Polish": (
        ("cp1250", "iso8859_2"),
        (
            "Imię;Dział\nMałgorzata;Księgowość\n",
            "Spotkanie przełożono na środę.\n",
            "Towar;Cena\nŻarówka;5\nGwóźdź;1\n",
            "Proszę oddać rachunki do końca miesiąca.\n",
            "Numer;Odbiorca\n7;Spółka Łódź\n",
        ),
    ),
    "Czech": (
        ("cp1250", "iso8859_2"),
        (
            "Příjmení;Útvar\nNováková;Účetní\n",
            "Schůzka se přesouvá na středu.\n",
            "Zboží;Cena\nŽárovka;45\nHřebík;1\n",
            "Účtenky odevzdejte do konce měsíce.\n",
            "Číslo;Zákazník\n7;Plzeňský závod\n",
        ),
    ),
    "Hungarian": (
        ("cp1250",),
        (
            "Név;Osztály\nSzűcs Mária;Könyvelés\n",
            "Az értekezlet szerdán délután lesz.\n",
            "Áru;Ár\nCső;45\nFűrész;18\n",
            "Kérjük a számlákat hó végéig leadni.\n",
            "Szám;Vevő\n7;Győri Gépgyár\n",
        ),
    ),
    "Thai": (
        ("cp874",),
        (
            "ชื่อ,แผนก\nสมชาย,บัญชี\n",
            "ประชุมเลื่อนเป็นวันพุธ\n",
            "สินค้า,ราคา\nท่อ,45\nไม้,18\n",
            "กรุณาส่งใบเสร็จภายในสิ้นเดือน\n",
            "เลขที่,ลูกค้า\n7,บริษัทกรุงเทพ\n",
        ),
    ),
    "French": (
        ("cp1252",),
        (
            "Prénom;Métier\nAndré;Comptabilité\n",
            "La réunion est reportée à mercredi.\n",
            "Pièce;Coût\nTuyau en fer;45\nForêt;18\n",
            "Déposez vos reçus avant la fin août.\n",
            "Numéro;Société\n7;Hôtel de Besançon\n",
        ),
    ),
    "German": (
        ("cp1252", "cp850"),
        (
            "Name;Abteilung\nJürgen Weiß;Prüfung\n",
            "Die Besprechung ist nächste Woche.\n",
            "Stück;Größe\nRöhre;45\nBrett für Tür;18\n",
            "Bitte die Belege bis Ende März schicken.\n",
            "Straße;Ort\nBäckergasse 7;Köln\n",
        ),
    ),
    "Spanish": (
        ("cp1252",),
        (
            "Apellido;Sección\nMuñoz;Contabilidad\n",
            "La reunión será el próximo miércoles.\n",
            "Artículo;Precio\nTubería;45\nLeña;18\n",
            "¿Dónde están los recibos de marzo?\n",
            "Número;Compañía\n7;Peña y García\n",
        ),
    ),
}
LANGUAGES = tuple(TEXTS)


class Written(NamedTuple):
    """A text as a program wrote it."""

    language: str
    encoding: str
    text: str

    @property
    def data(self) -> bytes:
        """Its bytes."""
        return self.text.encode(self.encoding)


def written(*, pieces: int = 1) -> Iterator[Written]:
    """Yield every text in each of its encodings; `pieces` of them in a row."""
    for language, (encodings, texts) in TEXTS.items():
        for encoding in encodings:
            for first in range(len(texts)):
                chosen = [texts[(first + n) % len(texts)] for n in range(pieces)]
                yield Written(language, encoding, "".join(chosen))
