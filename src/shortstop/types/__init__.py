"""The vocabulary: every noun that crosses a room's door. Imports nothing of the house.

All types are frozen and small. Where a type travels to disk or to another process its
fields are plain, so that `msgspec` encodes it without help.
"""

from shortstop.types.accounts import UNMETERED, Admission
from shortstop.types.answer import (
    Choice,
    Chunk,
    Finish,
    Reply,
    TokenLogprob,
    ToolDelta,
    Usage,
)
from shortstop.types.books import (
    Basis,
    Bill,
    Span,
)
from shortstop.types.conversation import (
    UNNAMED,
    CacheUse,
    Caller,
    CallerRole,
    DialectName,
    Format,
    Json,
    Media,
    MediaKind,
    Message,
    Opaque,
    Part,
    Party,
    Refusal,
    Request,
    Role,
    Sampling,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from shortstop.types.decision import (
    Attempt,
    Check,
    Decision,
    Helpers,
    Look,
    Outcome,
    Signals,
    Target,
    TargetState,
)
from shortstop.types.explanation import Expected, Explanation
from shortstop.types.learning import Grade, GradeSource
from shortstop.types.privacy import (
    Case,
    Clearance,
    Cleared,
    Finding,
    Reach,
    Tier,
)
from shortstop.types.runs import RunLimits, RunRefusal
from shortstop.types.served import Answer, Ending
from shortstop.types.trace import (
    Trace,
    TraceOutcome,
)
from shortstop.types.tracing import TraceContext, Verified
from shortstop.types.wire import InlineData, WireWords

__all__ = [
    "UNMETERED",
    "UNNAMED",
    "Admission",
    "Answer",
    "Attempt",
    "Basis",
    "Bill",
    "CacheUse",
    "Caller",
    "CallerRole",
    "Case",
    "Check",
    "Choice",
    "Chunk",
    "Clearance",
    "Cleared",
    "Decision",
    "DialectName",
    "Ending",
    "Expected",
    "Explanation",
    "Finding",
    "Finish",
    "Format",
    "Grade",
    "GradeSource",
    "Helpers",
    "InlineData",
    "Json",
    "Look",
    "Media",
    "MediaKind",
    "Message",
    "Opaque",
    "Outcome",
    "Part",
    "Party",
    "Reach",
    "Refusal",
    "Reply",
    "Request",
    "Role",
    "RunLimits",
    "RunRefusal",
    "Sampling",
    "Signals",
    "Span",
    "Target",
    "TargetState",
    "Text",
    "Thinking",
    "Tier",
    "TokenLogprob",
    "Tool",
    "ToolCall",
    "ToolChoice",
    "ToolDelta",
    "ToolResult",
    "Trace",
    "TraceContext",
    "TraceOutcome",
    "Usage",
    "Verified",
    "WireWords",
]
