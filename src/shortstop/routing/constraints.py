"""Hard constraints: which targets may and can serve a request, whatever the estimates say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from shortstop.errors import (
    ContextTooLong,
    Forbidden,
    InvalidRequest,
    NotFound,
    PrivacyRefused,
    RequestError,
)
from shortstop.schemas import contradiction, is_large
from shortstop.tokens import BYTES_PER_TOKEN, prompt_tokens
from shortstop.types import (
    Caller,
    Clearance,
    Media,
    Part,
    Reach,
    Request,
    Target,
    ToolResult,
)

AUTO, LOCAL = "auto", "local"
GENEROUS_BYTES_PER_TOKEN = 5.0
"""English prose seldom goes beyond; used only where the careful estimate leaves no target."""
UNSAID_OUTPUT = 256
"""Tokens of an answer whose length the request does not limit."""
MANY_CHOICES = "n"


class Addressed(NamedTuple):
    """Whom a request names, among the targets that serve. `explicit`: exactly one; `pinned`:
    nothing may leave the machine."""

    targets: tuple[Target, ...]
    explicit: bool = False
    pinned: bool = False


class Field(NamedTuple):
    """Who may serve. `explicit` and `pinned` as in `Addressed`; `tight`: the request fits only by a
    generous estimate of its tokens."""

    targets: tuple[Target, ...]
    pinned: bool = False
    explicit: bool = False
    tight: bool = False

    @property
    def local(self) -> tuple[Target, ...]:
        return tuple([t for t in self.targets if t.local])

    @property
    def remote(self) -> tuple[Target, ...]:
        return tuple([t for t in self.targets if not t.local])


def require_allowed(name: str, caller: Caller) -> None:
    """Raises Forbidden where the caller's key may not use the target `name`."""
    if not caller.may_use(name):
        names = ", ".join(sorted(caller.targets))
        raise Forbidden(f"This key may use only: {names}.", param="model")


def addressed(
    request: Request, clearance: Clearance, serving: Mapping[str, Target], caller: Caller
) -> Addressed:
    """Whom the request's `model` names. Raises PrivacyRefused for a request that no target may see,
    NotFound for a name that no target in `serving` has; it lists what the caller may use."""
    if clearance.reach >= Reach.REFUSED:
        raise PrivacyRefused("The privacy policy refuses this request.")
    if not serving:
        raise NotFound("No model is configured that may answer.", code="model_not_found")
    pinned = clearance.reach >= Reach.LOCAL_ONLY
    named, explicit = _named(request.model, serving, caller)
    if pinned and not any(t.local for t in named):
        named, explicit = tuple(serving.values()), False
    return Addressed(named, explicit, pinned)


def eligible(whom: Addressed, task: str, request: Request, caller: Caller) -> Field:
    """Who may serve a request of `task`, never empty. Raises a RequestError naming the rule that
    left none."""
    pinned, explicit = whom.pinned, whom.explicit
    allowed = _allowed(whom.targets, caller)
    if any(t.local for t in allowed):
        _require_sense(request)
    if pinned:
        allowed = tuple(t for t in allowed if t.local)
        if not allowed:
            raise PrivacyRefused(
                "The request must stay on this machine, and no local model may answer it.",
                hint="`shortstop privacy explain` says why; a model under [models] would answer.",
            )
    able = _able(request, _answering(allowed, task, pinned), pinned)
    if len(able) > 1 and is_large(request):
        able = _not_by_grammar(able)
    if explicit:
        return Field(able, pinned, explicit)
    size = tokens(request)
    fitting = tuple([t for t in able if size <= t.context])
    if fitting:
        return Field(fitting, pinned, explicit)
    widest = max(able, key=lambda t: t.context)
    if tokens(request, GENEROUS_BYTES_PER_TOKEN) > widest.context:
        raise ContextTooLong(
            f"The request needs about {size} tokens with its answer; the largest"
            f" context that may serve it is {widest.context} ({widest.name}).",
            param="messages",
        )
    return Field((widest,), pinned, explicit, tight=True)


def comparable(
    shadow: Sequence[Target], task: str, request: Request, caller: Caller
) -> list[Target]:
    """Which of the targets in the state "shadow" could have served the request. What is addressed
    to the local models is shown to no remote one."""
    if not shadow:
        return []
    wanted, size = needs(request), tokens(request)
    return [
        t
        for t in shadow
        if t.answers(task)
        and (t.local or request.model != LOCAL)
        and caller.may_use(t.name)
        and wanted <= t.abilities
        and size <= t.context
    ]


def tokens(request: Request, bytes_per_token: float = BYTES_PER_TOKEN) -> int:
    """Estimated tokens of prompt and answer."""
    answer = request.sampling.max_tokens or UNSAID_OUTPUT
    return prompt_tokens(request, bytes_per_token) + answer


def needs(request: Request) -> frozenset[str]:
    """Abilities without which a target cannot give what was asked."""
    abilities: set[str] = set()
    if request.tools and request.tool_choice.mode != "none":
        abilities.add("tools")
    if request.format.kind != "text":
        abilities.add("json")
    if request.sampling.logprobs:
        abilities.add("logprobs")
    if request.sampling.n > 1:
        abilities.add(MANY_CHOICES)
    for message in request.messages:
        _add_media(message.parts, abilities)
    return frozenset(abilities)


def _add_media(parts: Iterable[Part], abilities: set[str]) -> None:
    for part in parts:
        if isinstance(part, Media):
            abilities.add("vision" if part.kind == "image" else part.kind)
        elif isinstance(part, ToolResult):
            _add_media(part.parts, abilities)


def _named(
    model: str, targets: Mapping[str, Target], caller: Caller
) -> tuple[tuple[Target, ...], bool]:
    everything = tuple(targets.values())
    if model == AUTO:
        chosen = tuple([t for t in everything if t.auto])
        if chosen:
            return chosen, False
        raise NotFound(
            "No model is configured that Shortstop may choose.",
            hint="Name a model, or let the operator set routing.frontier.",
            param="model",
            code="model_not_found",
        )
    if model == LOCAL:
        local = tuple(t for t in everything if t.local)
        if local:
            return local, False
        raise NotFound(
            "No local model is configured.",
            hint="Ask for another model, or let the operator add one under [models].",
            param="model",
            code="model_not_found",
        )
    if model in targets:
        return (targets[model],), True
    same = tuple(t for t in everything if t.model == model)
    if same:
        return same[:1], True
    general = [name for name, target in targets.items() if target.specialist is None]
    names = ", ".join([AUTO, LOCAL, *filter(caller.may_use, general)])
    raise NotFound(
        f"The model {model!r} does not exist.",
        hint=f"Available: {names}.",
        param="model",
        code="model_not_found",
    )


def _allowed(named: tuple[Target, ...], caller: Caller) -> tuple[Target, ...]:
    if not caller.targets:
        return named
    allowed = tuple(t for t in named if caller.may_use(t.name))
    if not allowed:
        require_allowed(named[0].name, caller)
    return allowed


def _require_sense(request: Request) -> None:
    """Raises InvalidRequest for a shape that no answer can have."""
    if request.format.kind == "json_schema":
        why = contradiction(request.format.schema, request.sampling.max_tokens)
        if why is not None:
            raise InvalidRequest(
                f"No answer can follow the JSON Schema: {why}.",
                param="response_format",
                code="invalid_schema",
            )


def _not_by_grammar(able: tuple[Target, ...]) -> tuple[Target, ...]:
    """Of a shape that is beyond a local engine's grammar: the frontier, where it may be asked, and
    specialists, which need none. A local model that is all there is answers without a grammar, and
    is checked."""
    return tuple([t for t in able if not t.local or t.specialist is not None]) or able


def _answering(targets: Sequence[Target], task: str, pinned: bool) -> Sequence[Target]:
    answering = [t for t in targets if not t.tasks or task in t.tasks]
    if answering:
        return answering
    tasks = ", ".join(sorted({name for t in targets for name in t.tasks}))
    message = f"No target that may serve this request answers the task {task!r}, only: {tasks}."
    raise _unable(message, pinned, "unsupported_task")


def _able(request: Request, targets: Sequence[Target], pinned: bool) -> tuple[Target, ...]:
    wanted = needs(request)
    able = tuple([t for t in targets if wanted <= t.abilities] if wanted else targets)
    if able:
        return able
    missing = min(
        (sorted(wanted - t.abilities) for t in targets), key=lambda names: (len(names), names)
    )
    short = ", ".join(missing)
    message = f"No target that may serve this request offers: {short}."
    raise _unable(message, pinned, "unsupported_ability")


def _unable(message: str, pinned: bool, code: str) -> RequestError:
    if pinned:
        return PrivacyRefused(message, hint="The request must stay on this machine.")
    return InvalidRequest(message, code=code)
