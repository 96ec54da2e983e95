-- Times at which a value was outside a limit, however short, alerted or not; those that go on have no end yet.
--
-- id: id; of one that goes on `{series} {rule}`
-- site: id of the site
-- area: id of the area of the point
-- area_path: Chinese names from the outermost area
-- point: id of the point
-- series: `{site}/{point}`
-- name: Chinese name of the point
-- name_en: English name of the point
-- unit: unit of `worst`
-- rule: id of the limit, with its variant
-- started_at: when the value left the band
-- ended_at: when it was back; null: it goes on
-- minutes: from then to then, or to now
-- worst: the value farthest outside; null while it goes on
-- alerted: it became an alert
-- suspended: a maintenance mode or a running fire pump excused it
-- is_running: it goes on
SELECT
    e.id,
    split_part(e.point, '/', 1) AS site,
    coalesce(c.area, '') AS area,
    coalesce(c.area_path, '') AS area_path,
    substr(e.point, length(split_part(e.point, '/', 1)) + 2) AS point,
    e.point AS series,
    coalesce(c.name, e.point) AS name,
    coalesce(nullif(c.name_en, ''), c.name, e.point) AS name_en,
    coalesce(c.unit, '') AS unit,
    e.rule,
    e.started_at,
    e.ended_at,
    (extract(epoch FROM coalesce(e.ended_at, now()) - e.started_at) / 60)::double precision AS minutes,
    e.worst,
    e.alerted,
    e.suspended,
    e.ended_at IS NULL AS is_running
FROM (
    SELECT x.id, x.point, x.rule, x.started_at, x.ended_at, x.worst, x.alerted, x.suspended
    FROM excursion x
    UNION ALL
    SELECT
        r.point || ' ' || r.rule,
        r.point,
        r.rule,
        to_timestamp((r.state::json ->> 3)::bigint / 1000.0),
        NULL,
        NULL,
        (r.state::json ->> 5)::boolean,
        false
    FROM rule_state r
    WHERE (r.state::json ->> 3)::bigint > 0
) e
LEFT JOIN catalog_entry c
    ON c.kind = 'point' AND c.site = split_part(e.point, '/', 1)
    AND c.id = substr(e.point, length(split_part(e.point, '/', 1)) + 2)
