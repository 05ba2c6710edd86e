"""The sockets in the wall: what services and web need of the outside, as protocols. Drivers fit them.

A room for each outside thing; names are imported from here. Every method that may block is `async`. Every
error a port raises is one of `core/errors.py`.
"""

from ccmux.ports.asking import Dispatching, LineListener
from ccmux.ports.channels import ChannelInfo, Channels, SendOutcome, SendResult
from ccmux.ports.clock import Clock
from ccmux.ports.crashes import Reached, go_on
from ccmux.ports.file_events import FileChange, FileEvent, FileEvents
from ccmux.ports.hub import Ear, Sightings
from ccmux.ports.inputs import NOTHING_READ, InputChunk, Inputs, ReadTo
from ccmux.ports.keeper import Keeper, NoKeeper
from ccmux.ports.live import (
    GrowingFiles,
    KeptSession,
    Lines,
    LiveStore,
    Position,
    PublisherLock,
    Relay,
)
from ccmux.ports.outputs import OutputChange, Outputs
from ccmux.ports.runs import Runs
from ccmux.ports.store import ExpectedPrompt, FinishedTurn, HostedSession, Standing, Store, Taken
from ccmux.ports.tasks import Children, EventLog, RunningChild, TaskStore
from ccmux.ports.terminal import Pane, Terminal
from ccmux.ports.witnesses import LineTail, Processes, RegistryFiles, SpoolFile, SpoolFiles

__all__ = [
    "NOTHING_READ",
    "ChannelInfo",
    "Channels",
    "Children",
    "Clock",
    "Dispatching",
    "Ear",
    "EventLog",
    "ExpectedPrompt",
    "FileChange",
    "FileEvent",
    "FileEvents",
    "FinishedTurn",
    "GrowingFiles",
    "HostedSession",
    "InputChunk",
    "Inputs",
    "Keeper",
    "KeptSession",
    "LineListener",
    "LineTail",
    "Lines",
    "LiveStore",
    "NoKeeper",
    "OutputChange",
    "Outputs",
    "Pane",
    "Position",
    "Processes",
    "PublisherLock",
    "Reached",
    "ReadTo",
    "RegistryFiles",
    "Relay",
    "RunningChild",
    "Runs",
    "SendOutcome",
    "SendResult",
    "Sightings",
    "SpoolFile",
    "SpoolFiles",
    "Standing",
    "Store",
    "Taken",
    "TaskStore",
    "Terminal",
    "go_on",
]
