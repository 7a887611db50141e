"""Batches: files of requests that a key uploads, answered while no client waits.

A file is kept in lines, each sealed. Each line of a batch goes the way of any request of its key,
and its answer is on the disk before it counts. Knows neither HTTP nor SQL nor a model.
"""

from shortstop.batches.answer import LineAnswer
from shortstop.batches.asked import BatchRequest, ExpiresAfter
from shortstop.batches.batch import ENDPOINTS, Batch, Fault
from shortstop.batches.batches import Batches
from shortstop.batches.files import Files, Holder, StoredFile
from shortstop.batches.job import Ask, Job, Means
from shortstop.batches.line import BatchLine
from shortstop.batches.runner import Runner, line_gate
from shortstop.batches.upload import Upload

__all__ = [
    "ENDPOINTS",
    "Ask",
    "Batch",
    "BatchLine",
    "BatchRequest",
    "Batches",
    "ExpiresAfter",
    "Fault",
    "Files",
    "Holder",
    "Job",
    "LineAnswer",
    "Means",
    "Runner",
    "StoredFile",
    "Upload",
    "line_gate",
]
