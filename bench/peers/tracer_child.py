"""Run by TRACER's own Python: fits a router at one target and routes other texts.

    python tracer_child.py FOLDER

FOLDER/traces.jsonl and train.npy go in, test.npy is routed; on stdout, as JSON: whether a router
was deployed, and each test row's label, or null where it is deferred.
"""

import json
import sys
from pathlib import Path

import numpy as np
import tracer

folder = Path(sys.argv[1])
config = tracer.FitConfig(target_teacher_agreement=float(sys.argv[2]), verbose=False)
result = tracer.fit(
    folder / "traces.jsonl",
    folder / "made",
    embeddings=np.load(folder / "train.npy"),
    config=config,
)
deployed = bool(result.manifest.selected_method)
labels = []
if deployed:
    router = tracer.load_router(folder / "made")
    labels = router.predict_batch(np.load(folder / "test.npy"))["labels"]
json.dump({"deployed": deployed, "method": result.manifest.selected_method, "labels": labels},
          sys.stdout)  # fmt: skip
