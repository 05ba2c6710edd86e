"""Programs that connect other systems to ccmux. Separate processes; of ccmux they see `ccmux.client` alone."""
