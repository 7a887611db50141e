"""The vocabulary: every noun that crosses a room's door. Imports nothing of the house.

All types are frozen and small. Where a type travels to disk or to another process its
fields are plain, so that `msgspec` encodes it without help.
"""

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
    Caller,
    DialectName,
    Format,
    Json,
    Media,
    MediaKind,
    Message,
    Opaque,
    Part,
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
    Outcome,
    Signals,
    Target,
)
from shortstop.types.learning import Grade, GradeSource
from shortstop.types.privacy import (
    Case,
    Clearance,
    Cleared,
    Finding,
    Reach,
    Tier,
)
from shortstop.types.trace import (
    Answer,
    Trace,
    TraceOutcome,
)

__all__ = [
    "UNNAMED",
    "Answer",
    "Attempt",
    "Basis",
    "Bill",
    "Caller",
    "Case",
    "Check",
    "Choice",
    "Chunk",
    "Clearance",
    "Cleared",
    "Decision",
    "DialectName",
    "Finding",
    "Finish",
    "Format",
    "Grade",
    "GradeSource",
    "Json",
    "Media",
    "MediaKind",
    "Message",
    "Opaque",
    "Outcome",
    "Part",
    "Reach",
    "Refusal",
    "Reply",
    "Request",
    "Role",
    "Sampling",
    "Signals",
    "Span",
    "Target",
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
    "TraceOutcome",
    "Usage",
]
