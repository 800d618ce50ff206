"""The alarms on top of the desk's pages."""

from __future__ import annotations

from digest.flows.watch import Line, open_alarms
from digest.store.engine import reading
from digest.web.site import Site


def shown_alarms(site: Site) -> list[Line]:
    """List the alarms that hold, for `alarms.html`."""
    with reading(site.services.engine) as session:
        return open_alarms(session)
