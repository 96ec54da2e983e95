-- Maintenance modes: what people said is being worked on.
--
-- id: id of the mode
-- site: id of the site
-- target: id of the point or equipment; empty: the whole site
-- name: Chinese name of it
-- name_en: English name of it
-- area: id of its area; empty: the whole site
-- area_path: Chinese names from the outermost area
-- reason: in the words of whoever began it
-- by_name: role label of whoever began it
-- started_at: begin
-- until_at: announced end
-- ended_at: when somebody ended it; null: nobody did
-- over_at: when it was, or will be, over
-- is_active: it holds now
SELECT
    m.id,
    split_part(m.target, '/', 1) AS site,
    split_part(m.target, '/', 2) AS target,
    coalesce(p.name, q.name, s.name, m.target) AS name,
    coalesce(nullif(p.name_en, ''), nullif(q.name_en, ''), nullif(s.name_en, ''), p.name, q.name, s.name, m.target)
        AS name_en,
    coalesce(p.area, q.area, '') AS area,
    coalesce(p.area_path, q.area_path, '') AS area_path,
    m.reason,
    coalesce(w.name, '') AS by_name,
    m.started_at,
    m.until AS until_at,
    m.ended_at,
    least(m.until, m.ended_at) AS over_at,
    m.ended_at IS NULL AND m.until > now() AS is_active
FROM maintenance_mode m
LEFT JOIN catalog_entry p
    ON p.site = split_part(m.target, '/', 1) AND p.kind = 'point' AND p.id = split_part(m.target, '/', 2)
LEFT JOIN catalog_entry q
    ON q.site = split_part(m.target, '/', 1) AND q.kind = 'equipment' AND q.id = split_part(m.target, '/', 2)
LEFT JOIN catalog_entry s ON s.kind = 'site' AND s.site = m.target AND s.id = m.target
LEFT JOIN catalog_entry w ON w.site = split_part(m.target, '/', 1) AND w.kind = 'person' AND w.id = m.by
