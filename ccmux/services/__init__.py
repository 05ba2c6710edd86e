"""The layer that runs: one long-lived task a module, owner of one piece of state; it knows no other service."""
