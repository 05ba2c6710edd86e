"""Programs that connect other systems to ccmux: separate processes; they see `ccmux.client` alone."""
