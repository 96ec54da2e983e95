-- Rounds that are, were or will be walked. A suspended round is not due; a miss that is unconfirmed counts as due.
--
-- id: `{site}/{plan}`; the console shows it under `/patrol/rounds/{id}`
-- site: id of the site
-- route: id of the route
-- name: Chinese name of the route
-- name_en: English name of the route
-- route_kind: kind of route, e.g. public, fire, must_check
-- shift: id of the shift's instance
-- state: planned, open, running, complete, incomplete, missed, unconfirmed, suspended
-- state_zh: the state in Chinese
-- level: the state as a number: 0 planned, 1 open, 2 running, 3 complete, 4 suspended, 5 incomplete, 6 unconfirmed, 7 missed
-- starts_at: planned start
-- ends_at: planned end
-- opens_at: first moment at which a tap counts
-- closes_at: last moment at which a tap counts
-- started_at: first tap that counted; null: none
-- finished_at: last tap that counted; null: none
-- stops: stops that count
-- visited: stops visited
-- missed: stops missed
-- flagged: visited stops with something wrong
-- is_due: its time has run out and it counts
-- is_complete: every stop was visited; null: it is not due
-- percent: visited of counted stops, 0 to 100; null: none counts
-- guard_names: role labels of who walked it
SELECT
    r.id,
    r.site,
    r.route,
    coalesce(c.name, r.route) AS name,
    coalesce(nullif(c.name_en, ''), c.name, r.route) AS name_en,
    coalesce(c.detail ->> 'kind', '') AS route_kind,
    r.shift,
    t.state,
    CASE t.state
        WHEN 'planned' THEN '计划' WHEN 'open' THEN '应巡' WHEN 'running' THEN '巡更中' WHEN 'complete' THEN '完成'
        WHEN 'suspended' THEN '不计' WHEN 'incomplete' THEN '未完成' WHEN 'unconfirmed' THEN '待确认'
        WHEN 'missed' THEN '漏检' ELSE t.state
    END AS state_zh,
    CASE t.state
        WHEN 'planned' THEN 0 WHEN 'open' THEN 1 WHEN 'running' THEN 2 WHEN 'complete' THEN 3
        WHEN 'suspended' THEN 4 WHEN 'incomplete' THEN 5 WHEN 'unconfirmed' THEN 6 ELSE 7
    END AS level,
    r.starts_at,
    r.ends_at,
    r.opens_at,
    r.closes_at,
    r.started_at,
    r.finished_at,
    r.stops,
    r.visited,
    r.missed,
    r.flagged,
    t.state IN ('complete', 'incomplete', 'missed', 'unconfirmed') AS is_due,
    CASE WHEN t.state IN ('complete', 'incomplete', 'missed', 'unconfirmed') THEN t.state = 'complete' END
        AS is_complete,
    100.0::double precision * r.visited / nullif(r.stops, 0) AS percent,
    coalesce(g.names, '') AS guard_names
FROM patrol_round r
CROSS JOIN LATERAL (
    SELECT CASE
        WHEN r.unconfirmed AND r.state IN ('incomplete', 'missed') THEN 'unconfirmed' ELSE r.state
    END AS state
) t
LEFT JOIN catalog_entry c ON c.site = r.site AND c.kind = 'route' AND c.id = r.route
LEFT JOIN LATERAL (
    SELECT string_agg(w.name, '、' ORDER BY w.position) AS names
    FROM json_array_elements_text(r.guards) AS guard
    JOIN catalog_entry w ON w.site = r.site AND w.kind = 'person' AND w.id = guard
) g ON true
