"""The layer that runs: a long-lived task a module, owner of one piece of state; it knows no other service."""
