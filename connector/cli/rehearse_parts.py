"""From settings to what a rehearsal needs: the router and the legal entities, with a key made for the run."""

from __future__ import annotations

from typing import Any

import requests

from connector.codes import use_folder
from connector.dmp.client import DmpClient
from connector.dmp.exchange import Exchange
from connector.flows.feeders import feeders_of
from connector.flows.refusals import CdaGate
from connector.flows.rehearsal import Moment, Parts, Router
from connector.flows.rehearsal_departure import Departures, Stage
from connector.flows.rehearsal_key import throwaway_key, throwaway_pair
from connector.flows.routing import Router as PipelineRouter
from connector.settings import Settings


def parts_of(settings: Settings, cda: CdaGate) -> Parts:
    """The pipeline these settings describe, up to the network; `cda` judges the documents. Raises SettingsError."""
    use_folder(settings.codes.folder)

    def router(moment: Moment) -> Router:
        return PipelineRouter(settings.intake, today=moment.today)

    def departures(moment: Moment) -> Departures:
        key, session = throwaway_key(), requests.Session()

        def stage(_name: str, structure: str) -> Stage:
            line: dict[str, Any] = {
                "session": session,
                "signer": throwaway_pair(key, structure),
                "vihf": settings.vihf,
                "clock": moment.now,
                "uuid_factory": moment.uuid,
            }
            return Stage(DmpClient(settings.dmp, **line), Exchange(settings.dmp, **line))

        feeders = feeders_of(settings.keys, settings.entities, settings.caller, settings.dmp, stage)
        return Departures(settings.intake, feeders, cda, moment.now, moment.today, moment.uuid)

    return Parts(settings.intake, router, departures)
