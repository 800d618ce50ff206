"""The vitals in Prometheus' text format: whichever process is asked gives the same answer, since it is SQL's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator

from prometheus_client.core import CollectorRegistry, GaugeMetricFamily
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from digest.core.delivery import DeliveryState
from digest.core.plan import Task
from digest.flows.vitals import Vitals

# Issues by age and not by date: a label that grows by a value a day makes a series a day.
_AGES = ("newest", "before", "third")
_ISSUE_STATES = ("frozen", "sending", "complete", "held")


def exposition(vitals: Vitals, asked: Collection[tuple[str, str]]) -> bytes:
    """Write the vitals as Prometheus reads them; only a (source, scope) of `asked` has an age that grows."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Vitals(vitals, asked))
    return generate_latest(registry)


class _Vitals(Collector):
    def __init__(self, vitals: Vitals, asked: Collection[tuple[str, str]]) -> None:
        self._vitals, self._asked = vitals, asked

    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield from self._issues()
        yield from self._mail()
        yield from self._schedule()
        yield from self._sources()

    def _issues(self) -> Iterator[GaugeMetricFamily]:
        deliveries = GaugeMetricFamily(
            "firstlight_deliveries", "Mails of the newest issues, by state", labels=("issue", "state")
        )
        state = GaugeMetricFamily(
            "firstlight_issue_state", "1 for the state in which an issue is", labels=("issue", "state")
        )
        for age, issue in zip(_AGES, self._vitals.issues, strict=False):
            for one in DeliveryState:
                deliveries.add_metric((age, one.value), issue.counts.get(one.value, 0))
            for name in _ISSUE_STATES:
                state.add_metric((age, name), float(issue.state == name))
        yield deliveries
        yield state
        at = self._vitals.issues[0].issued_on.toordinal() if self._vitals.issues else None
        if at is not None:
            days = self._vitals.at.date().toordinal() - at
            yield GaugeMetricFamily("firstlight_issue_age_days", "Days since the date of the newest issue", value=days)

    def _mail(self) -> Iterator[GaugeMetricFamily]:
        oldest = GaugeMetricFamily(
            "firstlight_oldest_due_seconds",
            "For how long the oldest mail has been due that was not handed over; 0 where none is",
            labels=("queue",),
        )
        for queue, since in self._vitals.oldest_due.items():
            oldest.add_metric((queue,), self._vitals.age(since) or 0.0)
        yield oldest
        yield GaugeMetricFamily(
            "firstlight_unknown", "Deliveries of unknown fate, for an admin to decide", value=self._vitals.unknown
        )
        deferred = GaugeMetricFamily(
            "firstlight_deferred",
            "Deliveries that the relay put off, by domain; domains of few readers are other",
            labels=("domain",),
        )
        for domain, number in (self._vitals.deferred or {"other": 0}).items():
            deferred.add_metric((domain,), number)
        yield deferred
        yield GaugeMetricFamily(
            "firstlight_braked_issues", "Issues that the brake holds", value=len(self._vitals.braked)
        )

    def _schedule(self) -> Iterator[GaugeMetricFamily]:
        vitals = self._vitals
        yield GaugeMetricFamily("firstlight_leader", "1 while a scheduler leads", value=float(vitals.leads))
        fence = vitals.leader.fence if vitals.leader else 0
        yield GaugeMetricFamily("firstlight_leader_changes", "How often the lead changed hands", value=fence)
        yield GaugeMetricFamily("firstlight_restores", "How often the database was restored", value=vitals.epoch)
        ages = {
            "firstlight_tick_age_seconds": ("Since the newest tick", vitals.leader and vitals.leader.ticked_at),
            "firstlight_scores_age_seconds": ("Since papers were scored", vitals.scored_at),
            "firstlight_mailbox_age_seconds": ("Since the bounce mailbox was read", vitals.mailbox_read_at),
        }
        for name, (words, since) in ages.items():
            age = vitals.age(since)
            if age is not None:
                yield GaugeMetricFamily(name, words, value=age)
        done = GaugeMetricFamily(
            "firstlight_chore_age_seconds", "Since a piece of housekeeping was done", labels=("chore",)
        )
        for name, at in vitals.chores.items():
            done.add_metric((name,), vitals.age(at) or 0.0)
        yield done
        aside = GaugeMetricFamily(
            "firstlight_tasks_set_aside", "Tasks that took their worker with them and are not tried", labels=("task",)
        )
        counted = Counter(one.work.task for one in vitals.set_aside)
        for task in Task:
            aside.add_metric((task.value,), counted[task])
        yield aside

    def _sources(self) -> Iterator[GaugeMetricFamily]:
        age = GaugeMetricFamily(
            "firstlight_source_success_age_seconds", "Since a source was read well", labels=("source", "scope")
        )
        ended = GaugeMetricFamily(
            "firstlight_source_up", "Whether a source's newest run ended well", labels=("source", "scope")
        )
        for one in self._vitals.sources:
            since = self._vitals.age(one.last_ok)
            if since is not None and (one.source, one.scope) in self._asked:
                age.add_metric((one.source, one.scope), since)
            ended.add_metric((one.source, one.scope), float(one.status in ("ok", "quiet", "running")))
        yield age
        yield ended
