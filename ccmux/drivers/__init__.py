"""The layer that acts: one outside thing a module, the only importer of its library; it decides nothing."""
