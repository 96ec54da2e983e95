-- The sites.
--
-- site: id of the site
-- name: Chinese name
-- name_en: English name, the Chinese one where there is none
-- timezone: IANA name; days of boards follow it
-- position: order
-- gone_at: when it was first missing from the site files; null: it is there
SELECT
    c.id AS site,
    c.name,
    coalesce(nullif(c.name_en, ''), c.name) AS name_en,
    coalesce(c.detail ->> 'timezone', 'Asia/Shanghai') AS timezone,
    c.position,
    c.gone_at
FROM catalog_entry c
WHERE c.kind = 'site'
