"""What looks like a person's address, number or mailbox and is none; and what stays found."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from shortstop.types import Clearance, Reach, Tier

ORDINARY = [
    "use claude-haiku-4-5-20251001 for it, not gpt-4o-mini-2024-07-18",
    "Deploy release_20251126 tonight; build-20260401 fails.",
    "what is room-b204? use smollm2-135m for it",
    "change from worker-node-14 to the new one",
    "which of web_search_20250305 and web_fetch_20250910 do I ask for?",
    "Everyone fails at some point in life.",
    "We met at this point in time and left.",
    "You can stop at any point by pressing enter.",
    "Water at boiling point is dangerous.",
    "He looked at the dot in the corner.",
    "Is it at its low point in May?",
    "    return user\n@app.get('/users')\ndef users(): ...",
    "import os\n@pytest.mark.slow\ndef test(): ...",
    "x = 1\n\n    @name.setter\n    def name(self, value): ...",
    "private int n;\n@lombok.Getter\npublic class Order {}",
    "cache = {}\n@functools.lru_cache(maxsize=None)\ndef f(n): ...",
    "git clone git@github.com:org/repo.git",
    "origin ssh://deploy@git.example.org:7999/team/site.git (fetch)",
    "rsync -a dist/ web@static.example.net:/srv/www/",
    "sftp backup@store.example.com",
    "Free Software Foundation, Inc., 59 Temple Place, Suite 330, Boston, MA 02111-1307 USA",
    "1 1 2 3 5 8 13 21 34 55 89 144 233 377 610 987 1597",
    "Matrix: 57 68 79 80 91\n01 12 23 34 45\n02 13 24 35 47",
    "numéro de facture : 20417 du 02.07.2024",
    "Please extract the number and the total: invoice INV-2026-004417 of 14 March, 1,250.00 EUR",
    "Send 40 boxes of tiles to our Porto site by 12 June 2026, order 88213.",
    "Facture 2026-118 du 3 avril 2026, 12 palettes, livraison à Lyon le 14 avril.",
    "Rechnung 20260417 über 1.250,00 EUR vom 14.03.2026, zahlbar bis 28.03.2026",
]
REAL = [
    "the guest wifi password is summer-2025-06-01",
    "password: tiger-moon-42",
    "jane dot doe at example dot org",
    "Write to max at web point fr about it.",
    "mail me: jane.doe\n@example.org",
    "clone it, then ask jane.doe@example.org: she knows",
    "login jane.doe@example.com:Summer24",
    "see https://example.org/?user=jane.doe@example.org",
    "Invoice INV-7 for Karin Holm, Storgatan 14, 11455 Stockholm, total 120.00 EUR",
    "ship it to Daniel Sutton, 95640 Weiss Flats, Sandovalborough, NL X2A8C4 by 3 May",
    "ring 06 12 34 56 79 or 06 98 76 54 32",
    "06 12 34 56 79\n06 98 76 54 32",
    "415 555 0132, 415 555 0199",
    "He lives at 59 Temple Road, Flat 3, Leeds LS1 4AP.",
]


@pytest.mark.parametrize("text", ORDINARY)
def test_nobody_is_meant(clear: Callable[..., Clearance], text: str) -> None:
    found = clear(text)
    assert found.reach == Reach.ANYWHERE, found.reasons


@pytest.mark.parametrize("text", REAL)
def test_somebody_is(clear: Callable[..., Clearance], text: str) -> None:
    assert clear(text).tier >= Tier.S2
