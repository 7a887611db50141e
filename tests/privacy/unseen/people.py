"""Invented people, firms and addresses, by language."""

from random import Random

from .ids import born, draw

# Women's names / men's names / last names.
NAMES = {
    "en": "Harriet Ottilie Priya Imogen Tamsin Odette Bridget/Callum Desmond Rufus Wesley Marlon"
    "/Quillmere Ashdown Pemberly Okonkwo Thackray Lindqvist Sallow Brannigan Farrow Whitlock Obi",
    "de": "Annegret Friederike Mechthild Wiebke Dörte Silke/Jannik Torben Anselm Korbinian Lennart"
    "/Osterquell Brennhof Kastenmüller Vogelsang Rädler Immenkötter Haselbach Tönnies Wörz Lüders",
    "fr": "Capucine Solène Mathurine Apolline Élodie/Gauthier Bastien Yannick Thibault Firmin"
    "/Vermotte Larchevêque Desmoulinet Bourgoin Castelneau Hérault Pontavice Guérinot Maubec",
    "es": "Remedios Maite Consuelo Araceli Rocío/Íñigo Leandro Nicanor Fermín Gaspar"
    "/Lumbreras Zabaleta Otxoa Villamediana Carrascosa Peñalver Monteagudo Urrutia Cifuentes",
    "pt": "Graça Lurdes Inês Quitéria Marisa Leonor/Anselmo Baltasar Vasco Tomé"
    "/Figueirinha Bragança Salvaterra Cordovil Meireles Pimentel Valadares Queirós Castanheira",
    "it": "Ginevra Fiammetta Loredana Mirella Assunta/Ottavio Saverio Ercole Tancredi Corrado"
    "/Tavolanti Bellacosa Roncaglia Sperandio Malvezzi Quartieri Dallaluna Brusadin Cavicchioli",
    "nl": "Femke Geertje Hilde Maaike Roos/Joris Sander Wouter Tjeerd Bram"
    "/Roozenbeek Kwakkelstein Uittenbogaard Hoogland Zeilstra Boerhout Terpstra Duinker",
    "pl": "Bożena Kinga Jagoda Halina/Zdzisław Ryszard Mirosław Przemysław"
    "/Gwoździk Krzemień Brzozowicz Kmiecik Wróbelek Pietrucha",
    "zh": "晓岚 雨桐 淑芬/建国 志远 子轩/欧阳 沈 范 薛 贺 祝",
    "ja": "美咲 陽菜 千代子/健一 拓也 悠斗/黒瀬 宮下 水谷 戸田 真鍋 堀川",
    "ko": "서연 지우 은경/민준 현우 태윤/남궁 채 표 설 문 곽",
    "ru": "Аглая Зинаида Рената/Прохор Тимофей Савелий/Шевчук Бондаренко Гершвин Костюк",
    "el": "Ευθυμία Καλλιόπη Δέσποινα/Στέλιος Θανάσης/Μαυρογένη Ξανθάκη Ραγκούση",
    "he": "נעמה תמר שולמית/אלעד יהונתן/ברנשטוק אלקלעי מזור שטיינמץ כרמון",
    "ar": "لمياء هالة سندس/زياد مروان/القاضي البستاني الخطيب الحموي الشهابي",
    "th": "ปิยนุช สุภาวดี/ธนากร วรวิทย์/ศรีมงคล พงษ์ไพร วงศ์เดือน จันทร์ทอง",
    "hi": "सरिता मीनाक्षी/अनिरुद्ध भूपेन्द्र/चतुर्वेदी पुरोहित देशमुख कोठारी",
    "vi": "Thùy Diễm/Quân Khải/Đặng Tôn Lưu Phùng",
    "tr": "Nurgül Şebnem/Tolga Orhan/Karadeniz Yeşilçam Dağlıoğlu Uçar",
}
TITLES = ("Ms", "Mr", "Mrs", "Dr")

HOSTS = (
    "db-prod-03.quillmere-log.net",
    "10.14.2.31",
    "pg.osterquell-bau.io",
    "reports.brennhof-it.cloud",
    "mx2.tavolanti-ceramiche.it",
    "cache-7.lumbreras-luz.dev",
    "erp.vermotte-fils.fr",
)
ACCOUNTS = "svc_backup deploy reporting etl-runner shopadmin kiosk01 root ci-bot warehouse"
DOMAINS = (
    "quillmerepost.net",
    "osterquellmail.de",
    "vermotte-courrier.fr",
    "posta-tavolanti.it",
    "correo-lumbreras.es",
    "brennhofmail.com",
    "farrowbox-mail.org",
    "correio-salvaterra.pt",
)
LATIN = str.maketrans("äöüßéèêëçñíáóúãõâô", "aouseeeecniaouaoao")


def first_name(rng: Random, lang: str, sex: str = "") -> str:
    women, men, _ = NAMES[lang].split("/")
    return rng.choice({"f": women, "m": men}.get(sex, f"{women} {men}").split())


def last_name(rng: Random, lang: str) -> str:
    return rng.choice(NAMES[lang].split("/")[2].split())


def full_name(rng: Random, lang: str, sex: str = "") -> str:
    first, last = first_name(rng, lang, sex), last_name(rng, lang)
    if lang in {"zh", "ja", "ko"}:
        return last + {"ja": " "}.get(lang, "") + first
    return f"{last} {first}" if lang == "vi" else f"{first} {last}"


def latin(name: str) -> str:
    return "".join(char for char in name.lower().translate(LATIN) if "a" <= char <= "z")


def email(rng: Random, lang: str) -> str:
    first, last = latin(first_name(rng, lang)), latin(last_name(rng, lang))
    sep = rng.choice(("", ".", ".", "_", "-"))
    local = rng.choice(
        (first + sep + last, f"{first[0]}{sep}{last}", f"{last}{rng.randint(2, 99)}")
    )
    return f"{local}@{rng.choice(DOMAINS)}"


def birthday(rng: Random, lang: str) -> str:
    day = born(rng)
    if lang == "en":
        return rng.choice((f"{day:%m/%d/%Y}", f"{day:%d %b %Y}", f"{day:%Y-%m-%d}"))
    return f"{day:%d.%m.%Y}" if lang in {"de", "pl", "ru"} else f"{day:%d/%m/%Y}"


def chart(rng: Random, _: str) -> str:
    """A medical record number in a hospital's own form."""
    shape = rng.choice(("#######", "########", "##-##-##", "0######", "H#######"))
    return "".join(draw(rng, "0123456789", 1) if char == "#" else char for char in shape)
