-- What held at fire panels and zones, from change to change: for state timelines. Reaches back 35 days.
--
-- It replays the signals by the time they were heard: a complete report ends what it does not name, a reset ends what
-- panels latch. What began earlier and holds now is there; what began and ended earlier is not. Where no signal says
-- otherwise the state is normal, also while the line to the panel is down.
--
-- site: id of the site
-- scope: panel or zone
-- id: id of the panel or zone
-- name: Chinese name
-- name_en: English name
-- area: id of the area: of the zone, or the panel's building
-- area_path: Chinese names from the outermost area
-- at: since when
-- until_at: until when; the year 9999: it holds now. `until_at > from AND at < to` gives all that a range shows
-- level: 0 normal, 1 test, 2 shield, 3 supervisory, 4 started or feedback, 5 fault, 6 fire
-- state: normal, test, shield, supervisory, feedback, fault, fire
-- state_zh: the state in Chinese
WITH signal AS NOT MATERIALIZED (
    SELECT
        s.site,
        s.panel,
        s.component,
        s.at,
        s.received_at,
        coalesce(substring(s.id FROM '[0-9]+$')::numeric, 0) AS number,
        s.test,
        s.states::jsonb AS states,
        s.ended::jsonb AS ended,
        coalesce((s.body ->> 'complete')::boolean, false) AS complete,
        CASE WHEN s.scope = 'operation' AND s.marks::jsonb ? 'reply' THEN '[]' ELSE s.operations::jsonb END AS operations,
        CASE
            WHEN s.marks::jsonb ? 'unknown_source'
                THEN s.site || '/' || s.panel || '/' || split_part(split_part(s.component, '/', 3), ':', 1) || ':'
            ELSE s.site || '/' || s.panel || '/'
        END AS reach
    FROM fire_signal s
    WHERE s.received_at >= now() - interval '35 days'
),
kind (state, kind, latched) AS (
    VALUES
        ('fire', 'fire', true), ('fault', 'fault', false), ('power_fault', 'fault', false),
        ('mains_fault', 'fault', false), ('battery_fault', 'fault', false), ('bus_fault', 'fault', false),
        ('link_fault', 'fault', false), ('centre_fault', 'fault', false), ('shield', 'shield', false),
        ('supervisory', 'supervisory', false), ('alarm', 'supervisory', true), ('start', 'feedback', true),
        ('delay', 'feedback', true), ('feedback', 'feedback', true)
),
named AS NOT MATERIALIZED (
    SELECT s.site, s.panel, s.component, k.state
    FROM signal s
    JOIN kind k ON s.states ? k.state OR (k.state = 'fire' AND s.operations ? 'manual_alarm')
    UNION
    SELECT c.site, c.panel, c.id, k.state
    FROM fire_component c
    JOIN kind k ON c.states::jsonb ? k.state
    WHERE c.is_open
),
fact AS NOT MATERIALIZED (
    SELECT s.site, s.panel, s.component, k.state, s.at, s.received_at, s.number, true AS holds, s.test
    FROM signal s
    JOIN kind k ON s.states ? k.state
    UNION ALL
    SELECT s.site, s.panel, s.component, 'fire', s.at, s.received_at, s.number, s.operations ? 'manual_alarm', s.test
    FROM signal s
    WHERE s.operations ?| ARRAY['manual_alarm', 'cleared'] AND NOT s.states ? 'fire'
    UNION ALL
    SELECT s.site, s.panel, s.component, n.state, s.at, s.received_at, s.number, false, s.test
    FROM signal s
    JOIN named n ON n.site = s.site AND n.component = s.component
    WHERE (s.complete OR s.ended ? n.state) AND NOT s.states ? n.state
        AND NOT (n.state = 'fire' AND s.operations ?| ARRAY['manual_alarm', 'cleared'])
    UNION ALL
    SELECT s.site, n.panel, n.component, n.state, s.at, s.received_at, s.number, false, s.test
    FROM signal s
    JOIN named n ON n.site = s.site AND n.panel = s.panel AND starts_with(n.component, s.reach)
    JOIN kind k ON k.state = n.state
    WHERE (s.operations ?| ARRAY['normal', 'system_normal']
        OR (k.latched AND (s.operations ? 'reset' OR s.states ? 'reset')))
        AND NOT (s.component = n.component AND s.states ? n.state)
    UNION ALL
    SELECT c.site, c.panel, c.id, k.state, since.at, since.at, 0, true, c.tests::jsonb ? k.state
    FROM fire_component c
    JOIN kind k ON c.states::jsonb ? k.state
    CROSS JOIN LATERAL (SELECT (c.states ->> k.state)::timestamptz AS at) since
    WHERE c.is_open AND since.at < now() - interval '35 days'
),
run AS NOT MATERIALIZED (
    SELECT
        f.*,
        count(*) FILTER (WHERE NOT f.holds) OVER (
            PARTITION BY f.site, f.panel, f.component, f.state ORDER BY f.at, f.received_at, f.number, f.holds
        ) AS run
    FROM fact f
),
held AS NOT MATERIALIZED (
    SELECT
        r.*,
        CASE
            WHEN NOT r.holds THEN ''
            -- What was heard outside test mode stays real when a test says it again.
            WHEN bool_and(r.test) FILTER (WHERE r.holds) OVER (
                PARTITION BY r.site, r.panel, r.component, r.state, r.run ORDER BY r.at, r.received_at, r.number, r.holds
            ) THEN 'test'
            ELSE k.kind
        END AS kind
    FROM run r
    JOIN kind k ON k.state = r.state
),
turn AS NOT MATERIALIZED (
    SELECT
        h.site,
        h.panel,
        h.component,
        h.at,
        h.kind,
        lag(h.kind, 1, '') OVER (
            PARTITION BY h.site, h.panel, h.component, h.state ORDER BY h.at, h.received_at, h.number, h.holds
        ) AS was
    FROM held h
),
step AS NOT MATERIALIZED (
    SELECT
        t.site,
        place.scope,
        place.id,
        t.at,
        sum((t.kind = 'fire')::integer - (t.was = 'fire')::integer) AS fire,
        sum((t.kind = 'fault')::integer - (t.was = 'fault')::integer) AS fault,
        sum((t.kind = 'feedback')::integer - (t.was = 'feedback')::integer) AS feedback,
        sum((t.kind = 'supervisory')::integer - (t.was = 'supervisory')::integer) AS supervisory,
        sum((t.kind = 'shield')::integer - (t.was = 'shield')::integer) AS shield,
        sum((t.kind = 'test')::integer - (t.was = 'test')::integer) AS test
    FROM turn t
    LEFT JOIN fire_component c ON c.id = t.component
    CROSS JOIN LATERAL (VALUES ('panel', t.panel), ('zone', c.zone)) AS place (scope, id)
    WHERE t.kind <> t.was AND place.id <> ''
    GROUP BY t.site, place.scope, place.id, t.at
    UNION ALL
    SELECT e.site, CASE e.kind WHEN 'fire_panel' THEN 'panel' ELSE 'zone' END, e.id,
        now() - interval '35 days', 0, 0, 0, 0, 0, 0
    FROM catalog_entry e
    WHERE e.kind IN ('fire_panel', 'fire_zone') AND e.gone_at IS NULL
),
level AS NOT MATERIALIZED (
    SELECT
        site,
        scope,
        id,
        at,
        CASE
            WHEN sum(fire) OVER so_far > 0 THEN 6
            WHEN sum(fault) OVER so_far > 0 THEN 5
            WHEN sum(feedback) OVER so_far > 0 THEN 4
            WHEN sum(supervisory) OVER so_far > 0 THEN 3
            WHEN sum(shield) OVER so_far > 0 THEN 2
            WHEN sum(test) OVER so_far > 0 THEN 1
            ELSE 0
        END AS level
    FROM step
    WINDOW so_far AS (PARTITION BY site, scope, id ORDER BY at)
),
change AS NOT MATERIALIZED (
    SELECT
        site, scope, id, at, level,
        level IS DISTINCT FROM lag(level) OVER (PARTITION BY site, scope, id ORDER BY at) AS changed
    FROM level
)
SELECT
    h.site,
    h.scope,
    h.id,
    coalesce(e.name, h.id) AS name,
    coalesce(nullif(e.name_en, ''), e.name, h.id) AS name_en,
    coalesce(e.area, '') AS area,
    coalesce(e.area_path, '') AS area_path,
    h.at,
    lead(h.at, 1, '9999-12-31') OVER (PARTITION BY h.site, h.scope, h.id ORDER BY h.at) AS until_at,
    h.level,
    (ARRAY['normal', 'test', 'shield', 'supervisory', 'feedback', 'fault', 'fire'])[h.level + 1] AS state,
    (ARRAY['正常', '测试', '屏蔽', '监管', '联动', '故障', '火警'])[h.level + 1] AS state_zh
FROM change h
LEFT JOIN catalog_entry e
    ON e.site = h.site AND e.id = h.id
    AND e.kind = CASE h.scope WHEN 'panel' THEN 'fire_panel' ELSE 'fire_zone' END
WHERE h.changed
