"""工单: five steps from report to rating, two clocks, one history."""
