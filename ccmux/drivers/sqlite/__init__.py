"""The database: messages, typed batches, events, turns, the outbox. The only importer of sqlite3.

One connection in one thread. Every change and the events that tell of it are one transaction, and the events
are handed on in the order of their commits. It decides nothing: which state may follow which stands in
`core/messages.py`.

`tasks.py` is a database of its own, the overseer's; it shares the thread and the care for the file.

`store.py` is the door. Behind it `intake`, `messages`, `letters`, `turns`, `hosting`, `events`, `outbox`,
`runs` and `ledger` hold the SQL, as functions that run in the thread with the `connection` first.
"""

from __future__ import annotations

from ccmux.drivers.sqlite.ledger import read_ledger
from ccmux.drivers.sqlite.live import SqliteLiveStore
from ccmux.drivers.sqlite.schema import MIGRATIONS
from ccmux.drivers.sqlite.store import SqliteStore
from ccmux.drivers.sqlite.tasks import SqliteTasks

__all__ = ["MIGRATIONS", "SqliteLiveStore", "SqliteStore", "SqliteTasks", "read_ledger"]
