"""The part of a runtime that learns: shadow runs, their comparison, the judge, feedback; and the
book of agents' runs."""

from __future__ import annotations

from decimal import Decimal

from shortstop.accounts import Accounts
from shortstop.accounts.learning import LearningBudgets
from shortstop.app.clock import CLOCK
from shortstop.app.resources import Resources
from shortstop.app.router import AnyRouter
from shortstop.config import Config
from shortstop.ledger import Books
from shortstop.pipeline.clearing import Clearing
from shortstop.pipeline.compare import Comparison, second_look
from shortstop.pipeline.grading import FeedbackIntake, RunOutcomes
from shortstop.pipeline.judge import Judge
from shortstop.pipeline.record import Bookkeeping
from shortstop.pipeline.shadow import Shadows
from shortstop.runs import RunBook
from shortstop.serving.models import Models


def build_shadows(
    config: Config,
    resources: Resources,
    models: Models,
    books: Books,
    router: AnyRouter,
    clearing: Clearing,
) -> Shadows:
    purser, routing = _budgets(config, resources, books), config.routing
    wanted = routing.second_answer or routing.second_model
    second = second_look(router, routing.second_model) if wanted else None
    return Shadows(
        targets=models.targets,
        ask=models.answer,
        compare=Comparison(
            router,
            _judge(
                config,
                resources,
                models,
                Bookkeeping(books, resources.traces, CLOCK, purser=purser),
                clearing,
            ),
            resources.traces,
            CLOCK,
            lambda key: may_use(resources.accounts, key, config.judge.target),
        ),
        lose=lambda trace, candidate: router.lost(trace.id, candidate),
        second=second,
        books=Bookkeeping(
            books,
            resources.traces,
            CLOCK,
            (*resources.telemetry.observers, router.observe),
            purser,
        ),
    )


def may_use(accounts: Accounts, id: str | None, target: str | None) -> bool:
    """Whether a key, if there is one, may use a model: what it may not ask sees nothing of it."""
    key = accounts.keys.get(id) if id else None
    return key is None or not key.targets or target in key.targets


def build_feedback(resources: Resources, router: AnyRouter) -> FeedbackIntake:
    return FeedbackIntake(router, resources.traces, CLOCK, resources.calls)


def build_runs(config: Config, resources: Resources) -> tuple[RunBook, RunOutcomes]:
    """The book of agents' runs, and where it is said how they ended."""
    key = resources.seal.digest(b"runs", 32)
    book = RunBook(resources.runs, CLOCK, config.runs, key, resources.calls)
    return book, RunOutcomes(book, resources.traces, CLOCK)


def _budgets(config: Config, resources: Resources, books: Books) -> LearningBudgets:
    cap = config.routing.learning_usd_per_day
    return LearningBudgets(
        resources.accounts,
        books.at_most,
        config.routing.learning_paid_by,
        None if cap is None else Decimal(str(cap)),
    )


def _judge(
    config: Config,
    resources: Resources,
    models: Models,
    books: Bookkeeping,
    clearing: Clearing,
) -> Judge | None:
    name = config.judge.target
    if name is None:
        return None
    return Judge(
        models.targets[name],
        config.judge.rate,
        ask=models.answer,
        clearing=clearing,
        books=books,
        grades=resources.traces,
    )
