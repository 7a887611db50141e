"""Who may ask, how often and for how much: keys, teams, rate limits and budgets."""

from shortstop.accounts.accounts import Accounts
from shortstop.accounts.idempotency import AnswerStore, KeptAnswer
from shortstop.accounts.keys import Grant, GrantRequest, Key, Period

__all__ = ["Accounts", "AnswerStore", "Grant", "GrantRequest", "KeptAnswer", "Key", "Period"]
