-- The areas of the sites: buildings, garages, pump rooms and what lies in them.
--
-- site: id of the site
-- area: id of the area
-- name: Chinese name
-- name_en: English name, the Chinese one where there is none
-- kind: building, garage, pump_room, corridor, perimeter, other
-- parent: id of the area it lies in; empty: none
-- area_path: Chinese names from the outermost area to this one
-- is_key: a key area 重点部位
-- position: order in the site files
-- gone_at: when it was first missing from the site files; null: it is there
SELECT
    c.site,
    c.id AS area,
    c.name,
    coalesce(nullif(c.name_en, ''), c.name) AS name_en,
    c.detail ->> 'kind' AS kind,
    c.parent,
    c.area_path,
    coalesce((c.detail ->> 'key')::boolean, false) AS is_key,
    c.position,
    c.gone_at
FROM catalog_entry c
WHERE c.kind = 'area'
