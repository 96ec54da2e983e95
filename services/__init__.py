"""What Gengfu decides and shows: rules, alerts, work orders, messages, people, pages."""
