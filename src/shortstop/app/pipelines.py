"""The ways of a request, for one configuration: chat and embeddings."""

from __future__ import annotations

from decimal import Decimal

from shortstop.accounts.budgets import Budgets
from shortstop.app.cascades import build_cascade
from shortstop.app.clearing import build_clearing
from shortstop.app.clock import CLOCK
from shortstop.app.learning import build_feedback, build_runs, build_shadows
from shortstop.app.logs import log_request
from shortstop.app.resources import Resources
from shortstop.app.router import AnyRouter
from shortstop.config import Config
from shortstop.ledger import Books
from shortstop.pipeline.chat import Pipeline
from shortstop.pipeline.embedding import Embedding, Encoders
from shortstop.pipeline.record import Bookkeeping
from shortstop.privacy import PrivacyGuard
from shortstop.privacy.replies import Replies
from shortstop.routing import UnlearnedRouter
from shortstop.serving.models import Models


class Pipelines:
    """Chat and embeddings over the same models, books and privacy check."""

    def __init__(
        self,
        config: Config,
        resources: Resources,
        models: Models,
        encoders: Encoders,
        books: Books,
        router: AnyRouter,
        guard: PrivacyGuard,
    ) -> None:
        usd = config.batches.usd_per_day
        lines = None if usd is None else Decimal(str(usd))
        self.budgets = budgets = Budgets(resources.accounts, books.at_most, lines)
        recorder = resources.traces
        logged = [log_request] if config.log.requests else []
        observers = (*resources.telemetry.observers, *logged)
        self.clearing = build_clearing(resources, guard)
        self.shadows = build_shadows(config, resources, models, books, router, self.clearing)
        self.feedback = build_feedback(resources, router)
        self.runs, self.outcomes = build_runs(config, resources)
        self.chat = Pipeline(
            clearing=self.clearing,
            router=router,
            unlearned=UnlearnedRouter(models.targets),
            cascade=build_cascade(config, models, router, self.clearing),
            books=resources.telemetry.joined(
                Bookkeeping(
                    books, recorder, CLOCK, (*observers, router.observe), budgets, self.runs
                ),
            ),
            replies=Replies(config.privacy, guard),
            shadows=self.shadows,
        )
        self.embedding = Embedding(
            encoders=encoders,
            clearing=self.clearing,
            books=resources.telemetry.joined(
                Bookkeeping(books, recorder, CLOCK, observers, budgets)
            ),
        )
