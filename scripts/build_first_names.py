# ruff: noqa: SIM905 - lists of words are read as such
"""Make privacy/data/first_names.txt.gz from the name table of nomquamgender (MIT).

    python -m scripts.build_first_names name_data.json lookups_folder

Kept: names that at least five of its sources list. A name that is also a stop word or in the
English model's lemma tables is marked with "*": it is believed only beside other signs.
"""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path

SOURCES = 5
FUNCTION_WORDS = frozenset(
    """
    aber about after all also although am and another any are as at att au auf aus aux avec be
    because been before bei being both but by can ce ces cet cette che com con could czy dans das
    dat de dei del delle dem den der des det did die does dos du each ed een ein eine einem einen
    einer either el em en er es est et ett every few for from für gli had has have he her here hers
    het his how i if ik il im in into is ist it its je jest just kein keine la las le los mais many
    me might mine more most much must my nach nas ne neither nel nella nicht niet no nor nos not não
    och od oder of on only onto op or os other ou ought our ours over own par para pas pero por pour
    på que qui sa same sans sem ses shall she should sin sind się so som some sont su such sur sus
    te than that the their theirs them then there these they this those though to too um uma un una
    und under une unless uno unter until us van very von w war was we were what when where which
    while who whom whose why wij with would you your yours z zij zu zum zur über
    """.split()
)
"""Articles, prepositions and the like of many languages: some sources list them as names."""
OTHER_WORDS = frozenset(
    """
    se an do son lo ha ma al na di da mit per dan les login uber wanna bitte miles lines vegas
    ons yaz euros san til sie ran angeles esta tres aren sig har seit mehr mir bir lies mas hai
    len sal sel jeton este tre aws lang dann mio iban surat toi rehab kisa nie kya cor kassa
    sei alta nao nur arn logi della val kort tak fil haben mich alle kart ise jams dev nota
    safer alla saya ids sparks trees bien ile monta devis elle styles abril mal guida nette zam
    nama sein tri chez media sears tempe waren verde petit ter tym hain tema bonne tenho avis
    ide mardi merci dico deja iam cielo ties calle siena kiel juni juli linea salle sala rua
    honda porsche lexus meta jira perl django hong kong
    """.split()
)
"""Names that are words, towns or products elsewhere: believed only beside other signs."""
TARGET = Path("src/shortstop/privacy/data/first_names.txt.gz")


def main(table: Path, words: frozenset[str]) -> None:
    names = sorted(
        name
        for name, row in json.loads(table.read_bytes()).items()
        if row[0] >= SOURCES and name.isalpha() and len(name) > 1 and name not in FUNCTION_WORDS
    )
    lines = [f"{name}*" if name in words | OTHER_WORDS else name for name in names]
    with gzip.GzipFile(TARGET, "wb", mtime=0) as file:
        file.write("\n".join(lines).encode())


def english(folder: Path) -> frozenset[str]:
    from spacy.lang.en.stop_words import STOP_WORDS
    from spacy.lookups import Lookups

    index = Lookups().from_disk(folder).get_table("lemma_index")
    return frozenset(STOP_WORDS).union(*(index[kind] for kind in index))


if __name__ == "__main__":
    main(Path(sys.argv[1]), english(Path(sys.argv[2])))
