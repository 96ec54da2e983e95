-- Fires, or what looked like one: from the first signal of a building to somebody's verdict.
--
-- id: id of the incident; the console shows it under `/fire/incidents/{id}`
-- site: id of the site
-- number: what people call it
-- area: id of the building
-- area_path: Chinese names from the outermost area
-- name: Chinese name of the building
-- name_en: English name of the building
-- zones: Chinese names of the zones that reported fire
-- stage: unconfirmed, small, large, closed
-- stage_zh: the stage in Chinese
-- reason: why it is large
-- opened_at: first signal
-- confirm_by_at: somebody has to confirm it by then
-- graded_at: when somebody did
-- reset_at: when the panel was last reset
-- closed_at: verdict; null: open
-- is_open: nobody has closed it
-- verdict: real, false, test; empty while open
-- verdict_zh: the verdict in Chinese
-- cause: in words
-- signals: how many signals it had
-- minutes: from opened_at to closed_at, or to now
-- called: how many people were called
-- accepted: how many of them accepted
-- arrived: how many of them were there
-- first_arrival_s: seconds until the first one was there; null: nobody was
SELECT
    i.id,
    i.site,
    i.number,
    i.building AS area,
    coalesce(b.area_path, '') AS area_path,
    coalesce(b.name, i.building) AS name,
    coalesce(nullif(b.name_en, ''), b.name, i.building) AS name_en,
    coalesce(z.names, '') AS zones,
    i.stage,
    CASE i.stage
        WHEN 'unconfirmed' THEN '待确认' WHEN 'small' THEN '小火' WHEN 'large' THEN '大火' WHEN 'closed' THEN '已关闭'
        ELSE i.stage
    END AS stage_zh,
    i.reason,
    i.opened_at,
    i.confirm_by AS confirm_by_at,
    i.graded_at,
    i.reset_at,
    i.closed_at,
    i.closed_at IS NULL AS is_open,
    i.verdict,
    CASE i.verdict WHEN 'real' THEN '真实火警' WHEN 'false' THEN '误报' WHEN 'test' THEN '测试' ELSE '' END
        AS verdict_zh,
    i.cause,
    i.signals,
    (extract(epoch FROM coalesce(i.closed_at, now()) - i.opened_at) / 60)::double precision AS minutes,
    k.called,
    k.accepted,
    k.arrived,
    extract(epoch FROM k.first_at - i.opened_at)::double precision AS first_arrival_s
FROM fire_incident i
LEFT JOIN LATERAL (
    SELECT count(*) AS called, count(accepted_at) AS accepted, count(arrived_at) AS arrived, min(arrived_at) AS first_at
    FROM fire_call
    WHERE incident_id = i.id
) k ON true
LEFT JOIN LATERAL (
    SELECT string_agg(coalesce(e.name, zone), '、') AS names
    FROM json_object_keys(i.zones) AS zone
    LEFT JOIN catalog_entry e ON e.site = i.site AND e.kind = 'fire_zone' AND e.id = zone
    WHERE zone <> ''
) z ON true
LEFT JOIN catalog_entry b ON b.site = i.site AND b.kind = 'area' AND b.id = i.building
