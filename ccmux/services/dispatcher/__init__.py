"""The dispatcher: types waiting messages into Claude, one batch a turn boundary.

`lookout` knows what Claude does, `typist` types one prompt, `settling` finds out what became of one,
`taking_back` clears what Claude gave back, `service` decides what is typed when.
"""

from ccmux.services.dispatcher.service import Dispatcher, DispatcherSettings, LongMessages

__all__ = ["Dispatcher", "DispatcherSettings", "LongMessages"]
