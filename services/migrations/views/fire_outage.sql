-- Components that are, or were, shielded and systems that were stopped, with what form B.1 of GB 25201 asks for.
--
-- id: id of the outage; the console shows it under `/fire/outages/{id}`
-- site: id of the site
-- area: id of the area: of the zone, else the building
-- area_path: Chinese names from the outermost area
-- component: `{site}/{panel}/{address}`
-- name: Chinese name of the component, else what the panel calls it
-- name_en: English name of the component, else the Chinese one
-- kind: shield, stop
-- kind_zh: the kind in Chinese
-- began_at: begin
-- ended_at: end; null: it goes on
-- hours: from then to then, or to now
-- is_open: it goes on
-- prompted_at: when filing and measures were asked for; null: not yet
-- filed: reported to the fire authority; null: nobody has said
-- measures: protective measures in words
-- noted_at: when they were written down
SELECT
    o.id,
    o.site,
    coalesce(z.area, f.building, '') AS area,
    coalesce(z.area_path, b.area_path, '') AS area_path,
    o.component,
    coalesce(n.name, nullif(f.text, ''), f.address, o.component) AS name,
    coalesce(nullif(n.name_en, ''), n.name, nullif(f.text, ''), f.address, o.component) AS name_en,
    o.kind,
    CASE o.kind WHEN 'shield' THEN '屏蔽' WHEN 'stop' THEN '停用' ELSE o.kind END AS kind_zh,
    o.began_at,
    o.ended_at,
    (extract(epoch FROM coalesce(o.ended_at, now()) - o.began_at) / 3600)::double precision AS hours,
    o.ended_at IS NULL AS is_open,
    o.prompted_at,
    o.filed,
    o.measures,
    o.noted_at
FROM fire_outage o
LEFT JOIN fire_component f ON f.id = o.component
LEFT JOIN catalog_entry z ON z.site = f.site AND z.kind = 'fire_zone' AND z.id = f.zone
LEFT JOIN catalog_entry n ON n.site = f.site AND n.kind = 'fire_point' AND n.id = f.point
LEFT JOIN catalog_entry b ON b.site = f.site AND b.kind = 'area' AND b.id = f.building
