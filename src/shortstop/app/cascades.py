"""The cascade of one configuration."""

from __future__ import annotations

from shortstop.app.clock import CLOCK
from shortstop.app.router import AnyRouter
from shortstop.config import Config
from shortstop.pipeline.clearing import Clearing
from shortstop.pipeline.compare import second_look
from shortstop.serving.cascade import Cascade
from shortstop.serving.completion import Completion
from shortstop.serving.models import Models


def build_cascade(config: Config, models: Models, router: AnyRouter, clearing: Clearing) -> Cascade:
    return Cascade(
        models=models,
        check=router,
        second=second_look(router, config.routing.second_model),
        clock=CLOCK,
        commit_tokens=config.routing.commit_tokens,
        complete=Completion(clearing.clear, models.answer),
    )
