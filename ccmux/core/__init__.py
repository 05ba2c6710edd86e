"""The layer that decides: plain values in, plain values out; no clock, no chance, no files, no tasks."""
