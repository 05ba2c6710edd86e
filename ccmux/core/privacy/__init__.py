"""The privacy gate's decisions: what is looked at, what may stay, who passes. It runs nothing."""
