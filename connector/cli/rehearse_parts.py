"""From settings to what a rehearsal needs: the router and the legal entities, with a key made for the run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import requests

from connector.codes import use_folder
from connector.dmp.exchange import Exchange
from connector.flows.feeders import Feeders, feeders_of
from connector.flows.rehearsal import Moment, Parts, Router
from connector.flows.rehearsal_departure import Departures
from connector.flows.rehearsal_key import throwaway_key, throwaway_pair
from connector.flows.routing import Router as DocumentAndAdmissionRouter
from connector.settings import Settings


def parts_of(settings: Settings) -> Parts:
    """The pipeline these settings describe, up to the network. Raises SettingsError."""
    use_folder(settings.codes.folder)
    entities = _Entities(settings, requests.Session())

    def router(moment: Moment) -> Router:
        return DocumentAndAdmissionRouter(settings.intake, today=moment.today)

    def departures(moment: Moment) -> Departures:
        return Departures(settings.intake, entities.feeders(moment), moment.now, moment.today, moment.uuid)

    return Parts(settings.intake, router, departures)


@dataclass(frozen=True, slots=True)
class _Entities:
    settings: Settings
    session: requests.Session

    def feeders(self, moment: Moment) -> Feeders[Exchange]:
        settings = self.settings
        return feeders_of(settings.keys, settings.entities, settings.caller, settings.dmp, self._exchanges(moment))

    def _exchanges(self, moment: Moment) -> Callable[[str, str], Exchange]:
        key = throwaway_key()

        def exchange(_name: str, structure: str) -> Exchange:
            return Exchange(
                self.settings.dmp,
                session=self.session,
                signer=throwaway_pair(key, structure),
                vihf=self.settings.vihf,
                clock=moment.now,
                uuid_factory=moment.uuid,
            )

        return exchange
