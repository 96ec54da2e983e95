-- Gengfu's processes by their last sign of life. One that is silent for a day was taken away and is not here.
--
-- role: ingest, worker
-- holder: which process of that role
-- heartbeat_at: last sign of life
-- silence_s: seconds since then
-- is_alive: no more than a minute ago
-- state: alive, silent
-- sites: ids of the sites it serves, separated by spaces; empty: all
-- connected: connections to the broker; null: it says nothing of them
-- messages: messages heard since its start
-- readings: readings stored since its start
-- rejected: messages refused since its start
-- lag_s: from receipt to storage, of readings
-- urgent_lag_s: the same of fires and taps
-- stalled_s: nothing could be stored for so long
-- deaf_s: it has heard or stored nothing for so long
-- spool_rows: readings that wait for InfluxDB; null: there is no spool
SELECT
    h.role,
    h.holder,
    h.at AS heartbeat_at,
    extract(epoch FROM now() - h.at)::double precision AS silence_s,
    abs(extract(epoch FROM now() - h.at)) <= 60 AS is_alive,
    CASE WHEN abs(extract(epoch FROM now() - h.at)) <= 60 THEN 'alive' ELSE 'silent' END AS state,
    coalesce((SELECT string_agg(site, ' ' ORDER BY site) FROM json_array_elements_text(h.sites) AS site), '') AS sites,
    (h.figures ->> 'connected')::double precision AS connected,
    (h.figures ->> 'messages')::double precision AS messages,
    (h.figures ->> 'readings')::double precision AS readings,
    (h.figures ->> 'rejected')::double precision AS rejected,
    (h.figures ->> 'lag_ms')::double precision / 1000 AS lag_s,
    (h.figures ->> 'urgent_lag_ms')::double precision / 1000 AS urgent_lag_s,
    (h.figures ->> 'stalled_s')::double precision AS stalled_s,
    (h.figures ->> 'deaf_s')::double precision AS deaf_s,
    (h.figures ->> 'spool_rows')::double precision AS spool_rows
FROM heartbeat h
WHERE h.at > now() - interval '24 hours'
