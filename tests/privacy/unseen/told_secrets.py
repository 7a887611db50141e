"""Secrets drawn at random: in the shapes vendors document, and in those people type."""

import base64
import hashlib
import json
import re
from random import Random
from uuid import UUID

from .ids import draw

LOWER = "abcdefghijklmnopqrstuvwxyz"
UPPER = LOWER.upper()
DIGITS = "0123456789"
ALPHABETS = {
    "d": DIGITS,
    "l": LOWER,
    "U": UPPER + DIGITS,
    "h": DIGITS + "abcdef",
    "H": DIGITS + "ABCDEF",
    "w": LOWER + UPPER + DIGITS,
    "L": LOWER + UPPER,
    "n": LOWER + DIGITS,
    "u": LOWER + UPPER + DIGITS + "-_",
    "b": LOWER + UPPER + DIGITS + "+/",
    "t": UPPER + "234567",
    "x": "023456789ACDEFGHJKLMNPQRSTUVWXYZ",
}
SYMBOLS = "!%&*+-=?^_~."

# Each token as its vendor prints it; <w:36> draws 36 characters of the alphabet `w`.
VENDORS = {
    "Airtable": "pat<w:14>.<h:64>",
    "Anthropic": "sk-ant-api03-<u:93>AA",
    "Asana": "2/<d:16>/<d:16>:<h:32>",
    "Atlassian": "ATATT3xFfGF0<u:171>=<H:8>",
    "Azure Storage": "<b:86>==",
    "Brevo": "xkeysib-<h:64>-<w:16>",
    "Buildkite": "bkua_<h:40>",
    "Cloudflare": "v1.0-<h:24>-<h:146>",
    "Contentful": "CFPAT-<u:43>",
    "Databricks": "dapi<h:32>",
    "DigitalOcean": "dop_v1_<h:64>",
    "Discord": "MT<w:24>.G<u:5>.<u:38>",
    "Docker Hub": "dckr_pat_<u:27>",
    "Doppler": "dp.st.prd.<w:43>",
    "Dynatrace": "dt0c01.<U:24>.<U:64>",
    "EasyPost": "EZAK<w:54>",
    "Figma": "figd_<u:40>",
    "Fly.io": "FlyV1 fm2_<b:120>",
    "GitHub": "ghp_<w:36>",
    "GitHub fine-grained": "github_pat_<w:22>_<w:59>",
    "GitLab": "glpat-<u:20>",
    "Google Cloud": "AIza<u:35>",
    "Google OAuth": "GOCSPX-<u:28>",
    "Grafana": "glsa_<w:32>_<h:8>",
    "Groq": "gsk_<w:52>",
    "Heroku": "HRKU-AA<u:58>",
    "Hugging Face": "hf_<L:34>",
    "LaunchDarkly": "sdk-<h:8>-<h:4>-4<h:3>-a<h:3>-<h:12>",
    "Linear": "lin_api_<w:40>",
    "Mailchimp": "<h:32>-us1<d:1>",
    "Mailgun": "key-<h:32>",
    "Mapbox": "sk.eyJ1Ijoi<w:56>.<u:22>",
    "New Relic": "NRAK-<U:27>",
    "Notion": "ntn_<d:11><w:35>",
    "npm": "npm_<w:36>",
    "OpenAI": "sk-proj-<u:74>T3BlbkFJ<u:74>",
    "Perplexity": "pplx-<w:48>",
    "PlanetScale": "pscale_tkn_<u:43>",
    "Postman": "PMAK-<h:24>-<h:34>",
    "Prefect": "pnu_<w:36>",
    "Pulumi": "pul-<h:40>",
    "PyPI": "pypi-AgEIcHlwaS5vcmc<u:150>",
    "Replicate": "r8_<w:37>",
    "RubyGems": "rubygems_<h:48>",
    "SendGrid": "SG.<u:22>.<u:43>",
    "Sentry": "sntryu_<h:64>",
    "Shopify": "shpat_<h:32>",
    "Slack": "xoxb-<d:12>-<d:13>-<w:24>",
    "SonarQube": "squ_<h:40>",
    "Square": "EAAA<u:60>",
    "Stripe": "sk_live_<w:99>",
    "Stripe restricted": "rk_live_<w:24>",
    "Supabase": "sbp_<h:40>",
    "Tailscale": "tskey-auth-<w:17>-<w:32>",
    "Telegram": "<d:10>:AA<u:33>",
    "Terraform Cloud": "<w:14>.atlasv1.<u:67>",
    "Twilio": "SK<h:32>",
    "Vault": "hvs.CAES<u:90>",
    "xAI": "xai-<w:80>",
}

HOOKS = {
    "slack": "https://hooks.slack.com/services/T0<U:9>/B0<U:9>/<w:24>",
    "discord": "https://discord.com/api/webhooks/1<d:18>/<u:68>",
    "teams": "https://prod-<d:2>.westeurope.logic.azure.com:443/workflows/<h:32>/triggers/manual"
    "/paths/invoke?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=<u:43>",
    "gchat": "https://chat.googleapis.com/v1/spaces/AAAA<u:7>/messages?key=AIza<u:35>&token=<u:43>",
    "zapier": "https://hooks.zapier.com/hooks/catch/<d:8>/<n:7>/",
    "svix": "whsec_<b:32>",
    "sas": "https://quillmerestore7.blob.core.windows.net/dumps/orders.bak?sv=2023-11-03&sp=rl"
    "&se=2027-03-01T00%3A00%3A00Z&sr=b&sig=<w:42>%3D",
}

WORDS = (
    "walnut harbor tractor pepper saddle violet compass glacier mitten orchard trumpet velvet "
    "magnet barley lantern pigeon cobalt thistle ladder copper meadow puzzle anchor cricket "
    "bramble falcon pebble marble cactus ribbon turnip sparrow canyon noodle bishop kettle "
    "Gurke Ofen Wiese Zange Birne Kutsche nuage fourmi camion citron piedra nube tenedor sapo"
)
LEET = str.maketrans({"a": "4", "e": "3", "o": "0", "i": "1"})

# Some words of the BIP-39 English list with their places in it, so that phrases pass its checksum.
SEED_PLACES = """
abandon:0 abstract:7 acoustic:16 alert:49 also:58 april:87 argue:92 armed:94
artist:104 assist:110 asthma:112 atom:114 attract:118 basket:153 beef:160 blind:190
board:197 bonus:203 brain:215 brick:221 buffalo:237 bullet:241 bundle:242
burden:244 business:248 busy:249 cabbage:253 cabin:254 cage:257 candy:266
carbon:275 case:281 cat:286 catch:288 celery:296 century:299 chicken:317 circle:329
citizen:330 clarify:335 clerk:339 clock:347 cloud:351 clown:352 cluster:355
common:371 company:372 copper:383 coral:385 cradle:399 crop:415 crowd:418
crucial:419 cruel:420 crumble:422 crush:424 debate:450 deposit:472 desk:479
detail:482 detect:483 dice:491 discover:503 disorder:507 doctor:514 donate:520
drama:529 drink:536 during:545 ecology:560 elder:570 endorse:590 enhance:596
enlist:598 enrich:600 equal:608 essay:617 essence:618 estate:619 evidence:622
exist:638 eyebrow:650 famous:661 fantasy:664 federal:675 festival:681 few:684
figure:688 finish:696 focus:721 fork:731 foster:736 frame:740 front:746 gasp:769
ghost:780 glimpse:793 glove:797 glue:799 gorilla:805 gravity:816 green:818
hamster:837 harbor:840 harvest:843 heavy:851 helmet:855 hire:864 hollow:871
hospital:879 hurry:893 ill:903 illness:905 improve:912 impulse:913 inch:914
inject:928 injury:929 involve:945 item:950 jazz:955 kind:980 kite:985 language:999
learn:1014 left:1017 liberty:1031 license:1033 lucky:1061 luggage:1062 mad:1069
make:1076 maple:1084 mechanic:1105 mixture:1138 model:1140 monitor:1144 motion:1154
museum:1165 nasty:1177 nature:1179 nephew:1186 nominee:1199 obtain:1220 offer:1227
often:1229 over:1263 ozone:1268 panic:1277 pass:1285 patch:1286 permit:1305
place:1326 plunge:1335 potato:1350 pretty:1361 provide:1383 puppy:1392
purchase:1393 quality:1401 quarter:1403 quit:1406 rabbit:1409 raccoon:1410
random:1421 range:1422 real:1431 rebuild:1434 recall:1435 release:1449 remove:1455
render:1456 response:1469 rice:1481 riot:1489 risk:1491 rival:1493 robot:1497
rookie:1502 rug:1512 salt:1525 scheme:1541 security:1558 sheriff:1580 shoulder:1591
sight:1601 similar:1607 six:1614 sketch:1617 skirt:1621 slam:1624 slight:1629
slim:1630 slush:1634 snack:1640 snake:1641 snow:1644 soap:1645 start:1701
stock:1712 story:1716 subject:1727 sun:1738 sustain:1751 symbol:1763 task:1776
taste:1777 thunder:1804 tomorrow:1825 top:1831 total:1838 tourist:1839 trend:1856
trumpet:1868 truth:1870 tunnel:1876 unaware:1891 unfold:1897 unusual:1906
unveil:1907 update:1908 vague:1925 vault:1934 verify:1941 version:1942 visit:1958
vital:1960 voice:1963 vote:1967 walk:1972 warfare:1976 waste:1981 weapon:1986
wheat:1999 where:2002 wisdom:2018 wolf:2022 word:2027 wreck:2033 wrestle:2034
"""
SEEDS = {int(place): word for word, _, place in (p.partition(":") for p in SEED_PLACES.split())}


def fill(rng: Random, shape: str) -> str:
    def one(match: re.Match[str]) -> str:
        return draw(rng, ALPHABETS[match[1]], int(match[2]))

    return re.sub(r"<(\w):(\d+)>", one, shape)


def raw(rng: Random, count: int) -> bytes:
    return bytes(rng.randrange(256) for _ in range(count))


def uuid(rng: Random) -> str:
    return str(UUID(bytes=raw(rng, 16), version=4))


def password(rng: Random) -> str:
    """10 to 18 characters of all four kinds, in no order."""
    chars = [rng.choice(kind) for kind in (LOWER, UPPER, DIGITS, SYMBOLS)]
    chars += draw(rng, LOWER + UPPER + DIGITS + SYMBOLS, rng.randint(6, 14))
    rng.shuffle(chars)
    middle = next(place for place, char in enumerate(chars) if char.isalnum())
    chars[0], chars[middle] = chars[middle], chars[0]
    return "".join(chars).rstrip(".") + rng.choice(DIGITS)


def typed_password(rng: Random) -> str:
    """A password as people make them: two words, some letters swapped, a sign, a number."""
    first, second = (rng.choice(WORDS.split()) for _ in range(2))
    swapped = first.translate(LEET) if rng.random() < 0.6 else first.capitalize()
    parts = [swapped, rng.choice("!-_+%&?*"), second.capitalize(), str(rng.randint(10, 9999))]
    return "".join(parts) + rng.choice(("", "!", "?", "+"))


def url_password(rng: Random) -> str:
    return draw(rng, ALPHABETS["w"] + "-_~", rng.randint(14, 22)) + rng.choice(DIGITS)


def passphrase(rng: Random) -> str:
    sep = rng.choice((" ", " ", "-", "."))
    return sep.join(rng.choice(WORDS.split()).lower() for _ in range(rng.randint(5, 7)))


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def b64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def jwt(rng: Random) -> str:
    head = b64url(b'{"alg":"HS256","typ":"JWT"}')
    claims = {
        "sub": uuid(rng),
        "scope": "orders:write",
        "iat": rng.randrange(1_740_000_000, 1_790_000_000),
    }
    return f"{head}.{b64url(json.dumps(claims).encode())}.{b64url(raw(rng, 32))}"


PEM_NAMES = {"rsa": "RSA ", "ec": "EC ", "openssh": "OPENSSH ", "pkcs8": "", "enc": "ENCRYPTED "}
PEM_HEADS = {"openssh": b"openssh-key-v1\0", "rsa": b"\x30\x82\x04\xa4\x02\x01\x00"}


def pem(rng: Random, kind: str) -> str:
    """A private key block around random bytes."""
    length = {"ec": 121, "openssh": 380, "rsa": 600}.get(kind, 420)
    body = b64(PEM_HEADS.get(kind, b"\x30\x82") + raw(rng, length))
    lines = [body[start : start + 64] for start in range(0, len(body), 64)]
    name = PEM_NAMES[kind]
    return "\n".join(
        [f"-----BEGIN {name}PRIVATE KEY-----", *lines, f"-----END {name}PRIVATE KEY-----"]
    )


def seed_phrase(rng: Random, count: int) -> str:
    """A BIP-39 phrase whose checksum holds."""
    entropy_bits = count * 32 // 3
    while True:
        places = [rng.choice(list(SEEDS)) for _ in range(count)]
        bits = "".join(f"{place:011b}" for place in places)
        entropy = int(bits[:entropy_bits], 2).to_bytes(entropy_bits // 8, "big")
        checksum = f"{hashlib.sha256(entropy).digest()[0]:08b}"
        if checksum.startswith(bits[entropy_bits:]):
            return " ".join(SEEDS[place] for place in places)


BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def base58check(data: bytes) -> str:
    data += hashlib.sha256(hashlib.sha256(data).digest()).digest()[:4]
    number, text = int.from_bytes(data, "big"), ""
    while number:
        number, place = divmod(number, 58)
        text = BASE58[place] + text
    return text


def wif(rng: Random) -> str:
    """A Bitcoin private key as wallets export it."""
    return base58check(b"\x80" + raw(rng, 32) + b"\x01")
