-- Gengfu's own figures, about once a minute for 14 days.
--
-- role: ingest, worker, or queue for what waits
-- holder: which process of that role; empty for queues
-- name: of processes lag_ms, urgent_lag_ms, stalled_s, deaf_s, messages, readings, rejected, connected, alive, spool_rows, …; of queues timers, messages, quarantine, annotations, commands
-- at: the minute
-- value: the figure
SELECT f.role, f.holder, f.name, f.at, f.value
FROM process_figure f
