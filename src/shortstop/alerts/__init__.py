"""What needs people: which troubles stand, who has been told, how it is said. No I/O at all."""

from shortstop.alerts.book import AlertBook, Letter, Notice
from shortstop.alerts.wording import as_json, as_slack, require_secret, signature

__all__ = ["AlertBook", "Letter", "Notice", "as_json", "as_slack", "require_secret", "signature"]
