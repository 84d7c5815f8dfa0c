"""Refusals: a stable code and facts that are data. Only portal/explanations has words for them.

Refusal
├── clients: refusals of acts, KeyRefused (an upload), Stale, NeedsColleague, CodeRefused, ...
└── tokens: Refused (an answer with an OAuth error, RFC 6749 section 5.2)
"""

from __future__ import annotations


class Refusal(Exception):
    """Reason why an act, an upload or an HTTP request was refused.

    `code` names the reason and never changes: pages, commands and the API depend on it. `facts` are numbers, moments,
    names and lists of these; never a sentence, and never a secret. Subclass it only where a caller must tell one kind
    of refusal from another.
    """

    def __init__(self, code: str, /, **facts: object) -> None:
        super().__init__(code)
        self.code = code
        self.facts = facts

    def __str__(self) -> str:
        """Return code and facts for log lines and tracebacks; readers get their words from portal/explanations."""
        return f"{self.code} {self.facts}" if self.facts else self.code
