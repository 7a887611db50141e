"""Takes values and names out of a request, keeps them in the vault, and puts them back."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence

from shortstop.errors import PrivacyRefused
from shortstop.privacy.body import Rebuild
from shortstop.privacy.detectors import Detectors
from shortstop.privacy.policy import REPLACING
from shortstop.privacy.replace import answers, pseudonyms
from shortstop.privacy.replace.restore import Restorer
from shortstop.privacy.replace.surrogates import SurrogateFactory
from shortstop.privacy.replace.vault import Vault
from shortstop.privacy.watcher import Watcher
from shortstop.types import Case, Chunk, Finding, Json, Reply, Request


class Pseudonymiser:
    """`key` is what surrogates are drawn under; `vault` holds what they stand for."""

    def __init__(
        self,
        key: bytes,
        vault: Vault,
        detectors: Detectors,
        rebuild: Rebuild,
        watcher: Watcher | None,
    ) -> None:
        self._key, self._vault, self._watcher = key, vault, watcher
        self._detectors, self._rebuild = detectors, rebuild
        self.reader = detectors.reader

    def pseudonymised(
        self,
        request: Request,
        case: Case,
        findings: Iterable[Finding],
        decided: Mapping[str, str],
    ) -> Request:
        """The request with stand-ins for every finding whose label's action in `decided` is to
        pseudonymise or redact. The real values are in the vault when this returns.

        Raises PrivacyRefused, ValueError or sqlite3.Error when that cannot be done for all of them.
        """
        if not request.body:
            raise PrivacyRefused("A request without its body cannot be pseudonymised.")
        replaced = [f for f in findings if decided[f.label] in REPLACING]
        plain, named = pseudonyms.split(replaced)
        values = pseudonyms.values_of(request.body, plain)
        names = pseudonyms.names_of(request.body, named, self.reader)
        labels = values | {name: label for name, label in names.items() if name not in values}
        redacted = frozenset(label for label, action in decided.items() if action == "redact")
        scope = (case.tenant, case.conversation)
        stand_ins, originals = pseudonyms.assign(
            labels,
            redacted,
            self._vault.get(scope),
            request.body,
            SurrogateFactory(self._key, *scope),
        )
        body = self._without(request.body, {v: stand_ins[v] for v in values}, plain, case.tenant)
        new_names = {name: stand_ins[name] for name in labels if name not in values}
        body = pseudonyms.rename(body, new_names, self.reader)
        self._vault.put(scope, originals)
        if self._watcher is not None:
            self._watcher.stood_in(labels[value] for value in stand_ins)
        return self._rebuild(request, body)

    def _without(
        self, body: Json, stand_ins: Mapping[str, str], findings: Sequence[Finding], tenant: str
    ) -> Json:
        """The body with values replaced. Raises PrivacyRefused when one is left in any reading."""
        rewritten: Json = pseudonyms.rewrite(body, stand_ins)
        blanked = pseudonyms.rewrite(rewritten, dict.fromkeys(stand_ins.values(), " "))
        labels = {f.label for f in findings}
        for finding in self._detectors.findings(blanked, tenant):
            if finding.label in labels:
                raise PrivacyRefused(f"{finding.label} could not be taken out of the request.")
        return rewritten

    def restored(self, reply: Reply, case: Case) -> Reply:
        """The reply with the conversation's real values put back."""
        restorer = self._restorer(case)
        if restorer is None:
            return reply
        return answers.whole(reply, restorer, self.reader.words, self._missed)

    def restored_stream(
        self, chunks: AsyncGenerator[Chunk, None], case: Case
    ) -> AsyncGenerator[Chunk, None]:
        """The same for a stream."""
        restorer = self._restorer(case)
        return chunks if restorer is None else answers.stream(chunks, restorer, self._missed)

    def _restorer(self, case: Case) -> Restorer | None:
        values = self._vault.get((case.tenant, case.conversation))
        return Restorer(values) if values else None

    def _missed(self) -> None:
        if self._watcher is not None:
            self._watcher.missed()
