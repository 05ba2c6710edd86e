"""The relay: a program for another host. It hears heartbeats and tells viewers who is at work on what."""
