-- Announced maintenance of fire panels or zones, in which signals are recorded as tests and nobody is called.
--
-- id: id of the test mode
-- site: id of the site
-- area: id of the area: of the zone, else of the panel's building
-- area_path: Chinese names from the outermost area
-- panel: id of the panel
-- zone: id of the zone; empty: the whole panel
-- name: Chinese name of panel and zone
-- name_en: English name of panel and zone
-- reason: in the words of whoever began it
-- by_name: role label of who began it; empty: nobody known
-- second_name: role label of who confirmed it; empty: nobody known
-- begun_at: begin
-- until_at: announced end: from then on signals call people again
-- ended_at: when somebody ended it; null: nobody did
-- over_at: when it was, or will be, over
-- is_active: it holds now
-- is_forgotten: its end has passed and nobody ended it
SELECT
    m.id,
    m.site,
    coalesce(z.area, p.area, '') AS area,
    coalesce(z.area_path, p.area_path, '') AS area_path,
    m.panel,
    m.zone,
    coalesce(p.name, m.panel) || coalesce(' · ' || nullif(coalesce(z.name, m.zone), ''), '') AS name,
    coalesce(nullif(p.name_en, ''), p.name, m.panel)
        || coalesce(' · ' || coalesce(nullif(z.name_en, ''), z.name, nullif(m.zone, '')), '') AS name_en,
    m.reason,
    coalesce(w.name, '') AS by_name,
    coalesce(x.name, '') AS second_name,
    m.begun_at,
    m.until AS until_at,
    m.ended_at,
    least(m.until, m.ended_at) AS over_at,
    m.ended_at IS NULL AND m.until > now() AS is_active,
    m.ended_at IS NULL AND m.until <= now() AS is_forgotten
FROM fire_test_mode m
LEFT JOIN catalog_entry z ON z.site = m.site AND z.kind = 'fire_zone' AND z.id = m.zone
LEFT JOIN catalog_entry p ON p.site = m.site AND p.kind = 'fire_panel' AND p.id = m.panel
LEFT JOIN catalog_entry w ON w.site = m.site AND w.kind = 'person' AND w.id = m.begun_by
LEFT JOIN catalog_entry x ON x.site = m.site AND x.kind = 'person' AND x.id = m.second
