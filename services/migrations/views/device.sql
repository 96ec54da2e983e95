-- Devices: declared ones and any other that was heard; when last, what is missing, how far its clock runs ahead.
--
-- site: id of the site
-- device: id of the device
-- name: Chinese name; the id of one that nobody declared
-- name_en: English name, else the Chinese one
-- kind: kind of device in the site files; unknown: nobody declared it
-- area: id of the area
-- area_path: Chinese names from the outermost area
-- heartbeat_s: it says something at least this often; null: nobody said how often
-- last_at: when a message of it last arrived; null: never
-- event_at: time of its newest event
-- silence_s: seconds since last_at
-- online: what its status events say; null: it never said
-- state: online, silent (longer than three heartbeats), offline (it said so), never
-- clock_ahead_s: how far its clock ran ahead when that was last seen; 0: it did not
-- missing_events: numbers of its counters that never arrived
-- gaps: in how many pieces they are missing
-- newest_gap_at: when the newest of them was noticed
-- gone_at: when it was first missing from the site files; null: it is there
SELECT
    coalesce(c.site, split_part(d.device, '/', 1)) AS site,
    coalesce(c.id, substr(d.device, length(split_part(d.device, '/', 1)) + 2)) AS device,
    coalesce(c.name, substr(d.device, length(split_part(d.device, '/', 1)) + 2)) AS name,
    coalesce(nullif(c.name_en, ''), c.name, substr(d.device, length(split_part(d.device, '/', 1)) + 2)) AS name_en,
    coalesce(c.detail ->> 'kind', 'unknown') AS kind,
    coalesce(c.area, '') AS area,
    coalesce(c.area_path, '') AS area_path,
    (c.detail ->> 'heartbeat_s')::double precision AS heartbeat_s,
    to_timestamp(d.heard_ms / 1000.0) AS last_at,
    to_timestamp(d.event_ms / 1000.0) AS event_at,
    extract(epoch FROM now())::double precision - d.heard_ms / 1000.0::double precision AS silence_s,
    d.online,
    CASE
        WHEN d.device IS NULL THEN 'never'
        WHEN d.online IS FALSE THEN 'offline'
        WHEN extract(epoch FROM now()) - d.heard_ms / 1000.0 > 3 * (c.detail ->> 'heartbeat_s')::double precision
            THEN 'silent'
        ELSE 'online'
    END AS state,
    coalesce(d.ahead_ms, 0) / 1000.0::double precision AS clock_ahead_s,
    least(coalesce(g.missing, 0), 9223372036854775807)::bigint AS missing_events,
    coalesce(g.gaps, 0)::bigint AS gaps,
    g.newest_at AS newest_gap_at,
    c.gone_at
FROM (SELECT * FROM catalog_entry WHERE kind = 'device') c
FULL JOIN device_state d ON d.device = c.site || '/' || c.id
LEFT JOIN LATERAL (
    SELECT
        sum((gap ->> 1)::bigint - (gap ->> 0)::bigint + 1) AS missing,
        count(*) AS gaps,
        to_timestamp(max((gap ->> 2)::bigint) / 1000.0) AS newest_at
    FROM device_sequence q, json_array_elements(q.gaps) AS gap
    WHERE q.device = coalesce(d.device, c.site || '/' || c.id)
) g ON true
