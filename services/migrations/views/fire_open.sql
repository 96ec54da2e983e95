-- What holds at components of fire panels now and should be seen: a line for each component and state.
--
-- site: id of the site
-- area: id of the area: of the zone, else the building
-- area_path: Chinese names from the outermost area
-- panel: id of the panel
-- panel_name: Chinese name of the panel
-- zone: id of the zone; empty: the ledger does not know
-- zone_name: Chinese name of the zone
-- component: `{site}/{panel}/{address}`
-- name: Chinese name of the component, else what the panel calls it
-- name_en: English name of the component, else the Chinese one
-- state: fire, fault, shield, supervisory, start, feedback, mains_fault, …
-- state_zh: the state in Chinese
-- kind: group of the state: fire, fault, shield, supervisory, feedback, other
-- level: the group as a number, as in fire_state
-- since_at: when it began
-- age_s: seconds since then
-- is_test: it was heard in test mode
SELECT
    f.site,
    coalesce(z.area, f.building) AS area,
    coalesce(z.area_path, b.area_path, '') AS area_path,
    f.panel,
    coalesce(p.name, f.panel) AS panel_name,
    f.zone,
    coalesce(z.name, '') AS zone_name,
    f.id AS component,
    coalesce(n.name, nullif(f.text, ''), f.address) AS name,
    coalesce(nullif(n.name_en, ''), n.name, nullif(f.text, ''), f.address) AS name_en,
    h.key AS state,
    CASE h.key
        WHEN 'fire' THEN '火警' WHEN 'fault' THEN '故障' WHEN 'shield' THEN '屏蔽' WHEN 'supervisory' THEN '监管'
        WHEN 'alarm' THEN '报警' WHEN 'start' THEN '启动' WHEN 'feedback' THEN '反馈' WHEN 'delay' THEN '延时'
        WHEN 'power_fault' THEN '电源故障' WHEN 'mains_fault' THEN '主电故障' WHEN 'battery_fault' THEN '备电故障'
        WHEN 'bus_fault' THEN '总线故障' WHEN 'link_fault' THEN '通信线路故障'
        WHEN 'centre_fault' THEN '监控中心通信故障' WHEN 'manual' THEN '手动状态' ELSE h.key
    END AS state_zh,
    g.kind,
    CASE g.kind
        WHEN 'fire' THEN 6 WHEN 'fault' THEN 5 WHEN 'feedback' THEN 4 WHEN 'supervisory' THEN 3 WHEN 'shield' THEN 2
        ELSE 0
    END AS level,
    h.value::timestamptz AS since_at,
    extract(epoch FROM now() - h.value::timestamptz)::double precision AS age_s,
    f.tests::jsonb ? h.key AS is_test
FROM fire_component f
CROSS JOIN LATERAL json_each_text(f.states) AS h
CROSS JOIN LATERAL (
    SELECT CASE
        WHEN h.key = 'fire' THEN 'fire'
        WHEN h.key IN ('fault', 'power_fault', 'mains_fault', 'battery_fault', 'bus_fault', 'link_fault', 'centre_fault')
            THEN 'fault'
        WHEN h.key = 'shield' THEN 'shield'
        WHEN h.key IN ('supervisory', 'alarm') THEN 'supervisory'
        WHEN h.key IN ('start', 'delay', 'feedback') THEN 'feedback'
        ELSE 'other'
    END AS kind
) g
LEFT JOIN catalog_entry z ON z.site = f.site AND z.kind = 'fire_zone' AND z.id = f.zone
LEFT JOIN catalog_entry p ON p.site = f.site AND p.kind = 'fire_panel' AND p.id = f.panel
LEFT JOIN catalog_entry n ON n.site = f.site AND n.kind = 'fire_point' AND n.id = f.point
LEFT JOIN catalog_entry b ON b.site = f.site AND b.kind = 'area' AND b.id = f.building
WHERE f.is_open
