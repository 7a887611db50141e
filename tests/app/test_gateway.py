"""The gateway that the server asks: who must identify, what is counted, what is left at the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from shortstop import dialects
from shortstop.accounts import Grant
from shortstop.app.configuration import read_config
from shortstop.app.gateway import ANYBODY, Shortstop
from shortstop.dialects.embeddings import decode_request
from shortstop.errors import ConfigError, InvalidRequest, RateLimited, Unauthenticated
from shortstop.routing import Feedback
from shortstop.routing.learner import Learner
from shortstop.server.feedback import FeedbackRequest
from shortstop.server.gateway import Erased
from shortstop.types import UNMETERED, Caller, CallerRole, Request
from shortstop.workers.context import WorkerContext
from shortstop.workers.news import Lost
from tests.app.parts import SMALL, VENDOR, EngineFactory, Home
from tests.server.scripted import ScriptedModel


@asynccontextmanager
async def running(
    home: Home, text: str = SMALL + VENDOR, workers: WorkerContext | None = None
) -> AsyncIterator[Shortstop]:
    home.configure(text)
    gateway = Shortstop(home.config, home.source, workers)
    async with gateway.running():
        yield gateway


def asked(text: str = "!say yes", model: str = "small", **more: object) -> Request:
    body = {"model": model, "messages": [{"role": "user", "content": text}], **more}
    return dialects.get("openai.chat").decode_request(body, "req_1")


def server(**settings: object) -> str:
    return "[server]\n" + "".join(f'{key} = "{value}"\n' for key, value in settings.items())


# ------------------------------------------------------------ who asks


async def test_keys_are_asked_for_as_soon_as_one_was_made(home: Home) -> None:
    async with running(home) as gateway:
        assert not gateway.asks_for_keys
        assert gateway.identify(None) == ANYBODY
        secret, key = gateway.accounts.create(Grant(name="first"))
        assert gateway.asks_for_keys
        assert gateway.identify(secret).key == key.id
        with pytest.raises(Unauthenticated):
            gateway.identify(None)
        gateway.accounts.keys.revoke(key.id)
        assert gateway.asks_for_keys, "a door once locked stays locked"


@pytest.mark.parametrize(("auth", "asks"), [("required", True), ("off", False)])
async def test_the_operator_may_say_whether_keys_are_asked_for(
    home: Home, auth: str, asks: bool
) -> None:
    async with running(home, SMALL + server(auth=auth)) as gateway:
        assert gateway.asks_for_keys is asks
        gateway.accounts.create(Grant(name="first"))
        assert gateway.asks_for_keys is asks


async def test_the_admins_token_is_the_environments(home: Home) -> None:
    home.env |= {"SHORTSTOP_ADMIN_TOKEN": "one", "MY_TOKEN": "two", "EMPTY": ""}
    async with running(home) as gateway:
        assert gateway.admin_token.secret == "one"
        assert gateway.admin_token.everywhere
    async with running(home, SMALL + server(admin_token_env="MY_TOKEN")) as gateway:
        assert gateway.admin_token.secret == "two"
    async with running(home, SMALL + server(admin_token_env="EMPTY")) as gateway:
        token = gateway.admin_token
        assert len(token.secret) >= 32, "an empty token is none, not one that all know"
        assert token.secret == (home.folder / "admin.token").read_text().strip()
        assert not token.everywhere


async def test_limits_count_the_prompt_and_the_answer_that_is_asked_for(home: Home) -> None:
    async with running(home) as gateway:
        assert await gateway.admit(asked(), ANYBODY) is UNMETERED
        secret, _ = gateway.accounts.create(Grant(name="k", tpm=1000))
        caller = gateway.identify(secret)
        first = await gateway.admit(asked(max_tokens=600), caller)
        assert first.tokens is not None
        assert 600 < first.tokens < 700
        with pytest.raises(RateLimited):
            await gateway.admit(asked(max_tokens=600), caller)


# ------------------------------------------------------------ answering


async def test_a_task_whose_name_holds_a_value_is_refused(home: Home) -> None:
    """It would be written down in rows, metrics and headers."""
    async with running(home) as gateway:
        caller = Caller(task="jane.doe@example.com")
        with pytest.raises(InvalidRequest) as raised:
            await gateway.answer(asked(), caller, UNMETERED)
        assert raised.value.param == "x-shortstop-task"
        assert "jane" not in str(raised.value)
        assert gateway._resources.traces.flush()
    assert b"jane" not in (home.folder / "traces.db").read_bytes()


async def test_an_answer_and_its_row(home: Home) -> None:
    async with ScriptedModel().running() as model:
        text = f'[models.small]\nurl = "{model.url}/v1"\n'
        async with running(home, text + VENDOR) as gateway:
            answer = await gateway.answer(asked(), Caller(task="mail"), UNMETERED)
            assert answer.reply is not None
            assert answer.reply.text == "yes"
            assert answer.decision.task == "mail"
            counted = gateway.metrics().decode()
    assert 'shortstop_requests_total{local="true",outcome="ok",target="small"' in counted


async def test_embedding_needs_no_engine(home: Home) -> None:
    async with running(home) as gateway:
        asked_for = decode_request({"model": "auto", "input": "card"})
        answer = await gateway.embed(asked_for, "req_1", ANYBODY, UNMETERED)
        assert (answer.target, answer.keepable) == ("static", True)
        assert b'outcome="ok",target="static"' in gateway.metrics(), "it is counted like a chat"


@pytest.mark.parametrize("role", ["user", "reviewer", "judge"])
async def test_feedback_counts_as_the_callers_role(
    home: Home, role: CallerRole, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[Feedback] = []

    def noted(learner: Learner, feedback: Feedback) -> None:
        given.append(feedback)

    monkeypatch.setattr(Learner, "feedback", noted)
    async with running(home) as gateway:
        body = FeedbackRequest("req_1", score=0.5, target="small")
        assert not await gateway.feedback(body, role, "acme"), "of a request that nobody remembers"
    (feedback,) = given
    assert (feedback.source, feedback.tenant) == (role, "acme")
    assert (feedback.request_id, feedback.score, feedback.target) == ("req_1", 0.5, "small")


async def test_erasing_a_conversation_erases_it_everywhere(home: Home) -> None:
    async with ScriptedModel().running() as model:
        text = f'[models.small]\nurl = "{model.url}/v1"\n'
        async with running(home, text) as gateway:
            caller = Caller(tenant="acme", conversation="c1")
            await gateway.answer(asked("!say a remarkable word"), caller, UNMETERED)
            gateway._resources.vault.put(("acme", "c1"), {"Zed": "Jane"})
            erased = await gateway.erase("acme", "c1")
            assert erased == Erased(surrogates=True, traces=1, responses=0)
            assert gateway._resources.vault.get(("acme", "c1")) == {}
            again = await gateway.erase("acme", "c1")
    assert not again.surrogates
    assert b"remarkable" not in (home.folder / "traces.db").read_bytes()


# ------------------------------------------------------------ several workers


async def test_workers_that_begin_alike_draw_different_lots(home: Home) -> None:
    draws = []
    for index in (0, 1, 2):
        crew = WorkerContext(home.folder / "run", index)
        async with running(home, SMALL, crew) as gateway:
            draws.append(gateway._runtime.learned.state.draws)
    assert len(set(draws)) == 3


async def test_a_worker_learns_what_others_say_before_and_after_it_starts(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[str] = []
    monkeypatch.setattr(Learner, "lost", lambda self, id, _: bool(heard.append(id)))
    sibling = WorkerContext(home.folder / "run", 1)
    sibling.publish(1, Lost("req_1", "small"))
    crew = WorkerContext(home.folder / "run", 0)
    async with running(home, SMALL, crew) as gateway:
        assert heard == ["req_1"]
        sibling.publish(2, Lost("req_2", "small"))
        await gateway.feedback(FeedbackRequest("req_9", score=1), "user", None)
        assert heard == ["req_1", "req_2"], "it listens before it speaks"
    sibling.close()


# ------------------------------------------------------------ its life


async def test_the_end_leaves_no_file_open_and_no_engine(
    home: Home, factory: EngineFactory
) -> None:
    home.env["SHORTSTOP_PRIVACY_KEY"] = "a long random text"
    audit = f'[privacy]\naudit = "{home.folder / "audit.log"}"\n'
    async with running(home, home.embed() + VENDOR + audit) as gateway:
        assert factory.made[0].state == "ready"
        assert gateway.readiness().ready
        assert home.open_files() != set()
    assert factory.alive == []
    assert home.open_files() == set()


async def test_an_error_while_it_runs_leaves_nothing_behind_either(
    home: Home, factory: EngineFactory
) -> None:
    with pytest.raises(asyncio.CancelledError):
        async with running(home, home.embed()):
            raise asyncio.CancelledError
    assert factory.alive == []
    assert home.open_files() == set()
    assert (home.folder / "brain.bin").exists()


async def test_privacy_is_warm_before_the_first_request(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    warmed: list[object] = []
    monkeypatch.setattr("shortstop.privacy.PrivacyGuard.warm", lambda guard: warmed.append(guard))
    async with running(home) as gateway:
        assert warmed == [gateway._runtime.guard]


async def test_refusals_before_the_pipeline_are_counted(home: Home) -> None:
    async with running(home) as gateway:
        gateway.refused(413)
        assert b'shortstop_refused_total{status="413"} 1.0' in gateway.metrics()


async def test_which_models_fail_is_known_once_they_were_asked(home: Home) -> None:
    async with running(home) as gateway:
        assert gateway.broken() == {"big": None, "small": None}
        for _ in range(50):
            gateway._runtime.remotes.upstreams["big"]._road.chooser.deployments[0].breaker.failed()
            gateway._runtime.models.health["small"].succeeded()
        assert gateway.broken() == {"big": True, "small": False}
        assert gateway.broken_promises() == []


async def test_a_gateway_whose_alerts_could_not_be_told_does_not_start(home: Home) -> None:
    home.configure(SMALL + VENDOR + '[alerts]\nwebhook_url = "https://x.test/"\n')
    with pytest.raises(ConfigError, match="SHORTSTOP_ALERTS_SECRET"):
        Shortstop(read_config(home.source), home.source)
