"""Batches: files of requests that a key uploads, answered while no client waits.

A file is kept in lines, each sealed. Each line of a batch goes the way of any request of its key,
and its answer is on the disk before it counts. Knows neither HTTP nor SQL nor a model.
"""

from shortstop.batches.answer import LineAnswer
from shortstop.batches.asked import BatchRequest, ExpiresAfter
from shortstop.batches.batch import Batch, Fault
from shortstop.batches.batches import Batches
from shortstop.batches.files import Files, Holder, StoredFile
from shortstop.batches.forwarders import Forwarders
from shortstop.batches.job import AskLine, BatchJob, Means
from shortstop.batches.line import BatchLine
from shortstop.batches.runner import Runner, line_gate
from shortstop.batches.upload import Upload

__all__ = [
    "AskLine",
    "Batch",
    "BatchJob",
    "BatchLine",
    "BatchRequest",
    "Batches",
    "ExpiresAfter",
    "Fault",
    "Files",
    "Forwarders",
    "Holder",
    "LineAnswer",
    "Means",
    "Runner",
    "StoredFile",
    "Upload",
    "line_gate",
]
