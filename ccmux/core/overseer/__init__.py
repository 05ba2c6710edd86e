"""The overseer's thinking: who may come in, what is asked, when a task runs again, how its output reads.

Nothing here starts a process, waits, or knows who listens.
"""
