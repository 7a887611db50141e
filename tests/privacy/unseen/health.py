"""Illnesses, drugs and lab values to fill in."""

from random import Random

ILLNESSES = {
    "en": (
        "adenocarcinoma of the lung, glioblastoma, osteosarcoma, glomerulonephritis, astrocytoma, "
        "osteomyelitis, oligodendroglioma, spondyloarthropathy, diverticulitis, pancreatitis, "
        "cholangitis, myocarditis, sarcoidosis, cardiomyopathy, retinopathy, nephropathy, "
        "peripheral neuropathy, neuroblastoma, mesothelioma, hepatoblastoma, lymphoma, "
        "schizoaffective disorder, ulcerative colitis, gastroparesis, myasthenia gravis, "
        "bipolar disorder, hidradenitis, polycythaemia, thrombocytopenia, osteoporosis, "
        "pyelonephritis, encephalopathy, chlamydia, hepatitis B, multiple sclerosis"
    ),
    "de": (
        "Glioblastom, Adenokarzinom, Osteosarkom, Herzmuskelentzündung, Darmkrebs, "
        "Bauchspeicheldrüsenentzündung, Kardiomyopathie, Niereninsuffizienz, Schuppenflechte, "
        "Gürtelrose, Hirnhautentzündung, Polyneuropathie, Endometriose, Magersucht, "
        "Lungenfibrose, Morbus Crohn, Schilddrüsenüberfunktion, Zwangsstörung"
    ),
    "fr": (
        "un glioblastome, un adénocarcinome, une ostéomyélite, une sclérose en plaques, "
        "une cardiomyopathie, une endométriose, une pancréatite, un lymphome, "
        "une polyarthrite rhumatoïde, une néphropathie, une hépatite C, un trouble bipolaire"
    ),
    "es": (
        "glioblastoma, adenocarcinoma de colon, osteomielitis, esclerosis múltiple, pancreatitis, "
        "miocardiopatía, endometriosis, linfoma, artritis reumatoide, nefropatía diabética, "
        "hepatitis C, trastorno bipolar, tiroiditis, anorexia nerviosa"
    ),
    "pt": (
        "glioblastoma, adenocarcinoma, osteomielite, esclerose múltipla, pancreatite, "
        "cardiomiopatia, endometriose, linfoma, artrite reumatoide, hepatite C, tuberculose"
    ),
    "it": (
        "glioblastoma, adenocarcinoma, osteomielite, sclerosi multipla, pancreatite, "
        "cardiomiopatia, endometriosi, linfoma, artrite reumatoide, epatite C, tiroidite"
    ),
}
CANCERS = (
    "adenocarcinoma, osteosarcoma, lymphoma, melanoma, hepatoma, cholangiocarcinoma, "
    "leiomyosarcoma, carcinoma in situ, oesophageal cancer, thymoma"
)
DRUGS = {
    "en": (
        "metoprolol 50 mg, apixaban 5 mg, levetiracetam 500 mg, methotrexate 15 mg, "
        "sertraline 100 mg, insulin glargine 18 U, prednisolone 20 mg, lithium 450 mg, "
        "tamoxifen 20 mg, buprenorphine 8 mg, clozapine 200 mg, tacrolimus 2 mg, "
        "furosemide 40 mg, isoniazid 300 mg, donepezil 10 mg, azathioprine 100 mg"
    ),
    "de": "Metoprolol 47,5 mg, Apixaban 5 mg, Levetiracetam 500 mg, Sertralin 50 mg, Lithium, "
    "Prednisolon 20 mg, Ramipril 5 mg, Azathioprin 100 mg, L-Thyroxin 75",
    "fr": "bisoprolol 5 mg, apixaban 5 mg, sertraline 50 mg, prednisone 20 mg, furosémide 40 mg, "
    "méthotrexate 15 mg, lévothyroxine 75 µg",
    "es": "metoprolol 50 mg, apixabán 5 mg, sertralina 50 mg, prednisona 20 mg, litio 400 mg, "
    "metotrexato 15 mg, levotiroxina 75 µg",
    "pt": "metoprolol 50 mg, apixabana 5 mg, sertralina 50 mg, prednisona 20 mg, lítio 300 mg, "
    "metotrexato 15 mg, levotiroxina 75 µg",
    "it": "bisoprololo 5 mg, apixaban 5 mg, sertralina 50 mg, prednisone 25 mg, litio 300 mg, "
    "metotrexato 15 mg, levotiroxina 75 µg",
}
LABS = (
    "HbA1c 9.4 %, TSH 11.2 mU/l, CRP 148 mg/l, Hb 7.6 g/dl, eGFR 24, ALT 312 U/l, "
    "CD4 210/µl, troponin 0.9 ng/ml, CA 19-9 of 412 U/ml, ferritin 6 µg/l, INR 4.1, "
    "creatinine 3.2 mg/dl, platelets 38 G/l, potassium 6.4 mmol/l"
)


def illness(rng: Random, lang: str) -> str:
    return rng.choice(ILLNESSES[lang].split(", "))


def cancer(rng: Random) -> str:
    return rng.choice(CANCERS.split(", "))


def drugs(lang: str) -> list[str]:
    return DRUGS[lang].split(", ")


def lab(rng: Random) -> str:
    return rng.choice(LABS.split(", "))
