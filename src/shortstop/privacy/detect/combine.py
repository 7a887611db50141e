# ruff: noqa: E501 - patterns are read whole
"""Findings that only count together: a diagnosis and whose it is."""

from __future__ import annotations

from collections.abc import Sequence

from shortstop.privacy.detect.rules import compile_pattern, encodable

_HEALTH = compile_pattern(
    r"(?i)\b(?:diabet\w*|hiv|aids|hepatitis\w*|cancer\w*|carcinoma|tumou?r|melanoma|leuk[a]?emia|lymphoma|"
    r"depress(?:ion|ive)\w*|bipolar\w*|schizophren\w*|psychosis|psychotic|anxiety disorder|ptsd|adhd|autis\w*|"
    r"anorexia|bulimia|epilep\w*|seizures?|multiple sclerosis|parkinson\w*|alzheimer\w*|dementia|stroke|"
    r"asthma|copd|pneumonia|tuberculosis|covid\w*|hypertension|heart (?:failure|attack|disease)|infarction|"
    r"arrhythmia|angina|an[a]?emia|sepsis|cirrhosis|renal failure|kidney disease|dialysis|crohn\w*|colitis|"
    r"lupus|arthritis|osteoporosis|migraines?|pregnan\w*|miscarriage|abortion|infertility|ivf|endometriosis|"
    r"syphilis|gonorrh\w*|chlamydia|herpes|std|addict\w*|alcoholi\w*|overdose|opioid\w*|methadone|suicid\w*|"
    r"self-harm|chemotherapy|radiotherapy|biopsy|metasta\w*|transplant\w*|amputat\w*|fracture\w*|surgery|"
    r"metformin|insulin|sertraline|fluoxetine|lithium|warfarin|oxycodone|antiretroviral\w*|prozac|"
    r"icd-?(?:9|10|11)|disorder|syndrome|infection|diagnos\w*|prescri\w*|medication|symptom\w*|"
    r"krebs|depression\w*|diagnose|krankheit\w*|cáncer|diabetes|enfermedad|embaraz\w*|tratamiento|"
    r"maladie|grossesse|tumore|malattia|câncer|doença|kanker|ziekte|cukrzyc\w*|nowotw\w*|chorob\w*)\b"
)
PATIENT = (
    r"(?i)\b(?:my patients?|our patient|the patient|patient(?:'s)? (?:name|record|file|chart)|"
    r"patient:? (?-i:\p{Lu}\pL)|admitted|discharg\w*|"
    r"diagnosed|referral|ward|hospitali[sz]ed|consultant letter|treated for|tested positive|"
    r"suffers? from|suffering from|prescribed|follow-up|clinic(?:al)? (?:note|letter|visit)|medical "
    r"(?:record|history|leave|certificate)|sick (?:leave|note)|health record|lab results?|"
    r"paciente|patiente?n?\b|paziente|pacjent\w*|patiënt|leidet an|souffre de|padece)\b"
)
"""Context of a patient. Also the sign that this reading is worth its price."""
_PATIENT = compile_pattern(PATIENT)
_NAMED = compile_pattern(
    r"(?:(?i:\b(?:patient|mr|mrs|ms|miss|dr|herr|frau|mme|m|sr|sra|sig|name|named|dear|ward|for|employee|"
    r"colleague|client|daughter|son|wife|husband|mother|father|brother|sister|friend|boss|applicant|"
    r"paciente|paziente|pacjent|pacjentka|nombre|nom|nome|naam)\b)[:.,]?\s+(?:[A-Z][\pL.]{1,6}\.? )?"
    r"\p{Lu}[\pL'’-]+,? (?:(?:de|del|der|den|van|von|la|le|da|do|dos|di|el|al|bin|ibn)\s){0,3}\p{Lu}[\pL'’-]+"
    r"|\b\p{Lu}\p{Ll}+(?: \p{Lu}\.)? \p{Lu}\p{Ll}+(?:,? (?:\d{1,3}|was|is|has|had|suffers|tested)\b))"
)
REACH = 400
"""How far from the health term the other two may be, in characters."""


def health_of_a_person(text: str, identifiers: Sequence[int]) -> tuple[int, int] | None:
    """(start, end) of the first health term that is about a person; None when none is.

    It is about a person when both the context of a patient and either a name or one of the
    `identifiers`, which are offsets in the text, are near.
    """
    text = encodable(text)
    for match in _HEALTH.finditer(text):
        low, high = match.start() - REACH, match.end() + REACH
        around = text[max(0, low) : high]
        if _PATIENT.search(around) is None:
            continue
        if any(low <= start <= high for start in identifiers) or _NAMED.search(around):
            return match.start(), match.end()
    return None
