"""The part of a runtime that learns: shadow runs, their comparison, the judge, feedback."""

from __future__ import annotations

from decimal import Decimal

from shortstop.accounts.learning import LearningBudgets
from shortstop.app.clock import CLOCK
from shortstop.app.resources import Resources
from shortstop.app.router import AnyRouter
from shortstop.config import Config
from shortstop.ledger import Books
from shortstop.pipeline.compare import Comparison, agreement_by
from shortstop.pipeline.grading import FeedbackIntake
from shortstop.pipeline.judge import Judge
from shortstop.pipeline.record import Bookkeeping
from shortstop.pipeline.shadow import Shadows
from shortstop.serving.models import Models


def build_shadows(
    config: Config,
    resources: Resources,
    models: Models,
    books: Books,
    router: AnyRouter,
) -> Shadows:
    purser = _budgets(config, resources, books)
    agree = agreement_by(router) if config.routing.second_answer else None
    return Shadows(
        targets=models.targets,
        ask=models.answer,
        compare=Comparison(
            router, _judge(config, resources, models, books, purser), resources.traces, CLOCK
        ),
        lose=lambda trace, candidate: router.lost(trace.id, candidate),
        agree=agree,
        books=Bookkeeping(
            books,
            resources.traces,
            CLOCK,
            (resources.metrics.observe, router.observe),
            purser,
        ),
    )


def build_feedback(resources: Resources, router: AnyRouter) -> FeedbackIntake:
    return FeedbackIntake(router, resources.traces, CLOCK)


def _budgets(config: Config, resources: Resources, books: Books) -> LearningBudgets:
    cap = config.routing.learning_usd_per_day
    return LearningBudgets(
        resources.accounts,
        books.at_most,
        config.routing.learning_paid_by,
        None if cap is None else Decimal(str(cap)),
    )


def _judge(
    config: Config, resources: Resources, models: Models, books: Books, purser: LearningBudgets
) -> Judge | None:
    name = config.judge.target
    if name is None:
        return None
    return Judge(
        models.targets[name],
        config.judge.rate,
        ask=models.answer,
        guard=models.guard,
        books=Bookkeeping(books, resources.traces, CLOCK, purser=purser),
        grades=resources.traces,
    )
