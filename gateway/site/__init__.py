"""Site files: YAML in `device_configs/` → frozen models and resolved limits, or every problem at once."""
