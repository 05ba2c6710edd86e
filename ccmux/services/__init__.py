"""The layer that runs: one long-lived task a module, which owns one piece of state and knows no other service."""
