-- Measured values: name, set value, band, and the newest good sample. Their history is in InfluxDB.
--
-- site: id of the site, as the tag `site` of a reading
-- point: id of the point, as the tag `point` of a reading
-- series: `{site}/{point}`
-- name: Chinese name
-- name_en: English name, the Chinese one where there is none
-- area: id of the area
-- area_path: Chinese names from the outermost area
-- device: id of the device that publishes it
-- equipment: id of the equipment it is measured at; empty: none
-- equipment_name: Chinese name of the equipment
-- quantity: what is measured, e.g. pressure
-- unit: unit of value, band and set value
-- decimals: how many decimals it is shown with
-- set_value: set value of the site files, else the learned provisional one
-- low: lower end of the band of its first documented limit; null: open
-- high: upper end of the band; null: open
-- interval_s: seconds between two values; null: only when somebody measures
-- stale_after_s: silence longer than this is no data; null: never
-- value: newest good value
-- last_at: time of the newest good value
-- silence_s: seconds since then
-- in_band: whether the newest value is inside the band; null: no value or no band
-- state: normal, outside, nodata
-- position: order in the site files
-- gone_at: when it was first missing from the site files; null: it is there
SELECT
    c.site,
    c.id AS point,
    c.site || '/' || c.id AS series,
    c.name,
    coalesce(nullif(c.name_en, ''), c.name) AS name_en,
    c.area,
    c.area_path,
    c.parent AS device,
    coalesce(c.detail ->> 'equipment', '') AS equipment,
    coalesce(e.name, '') AS equipment_name,
    c.detail ->> 'quantity' AS quantity,
    c.unit,
    (c.detail ->> 'decimals')::integer AS decimals,
    coalesce(c.set_value, s.provisional_set) AS set_value,
    c.low,
    c.high,
    (c.detail ->> 'interval_s')::double precision AS interval_s,
    (c.detail ->> 'stale_after_s')::double precision AS stale_after_s,
    s.value,
    to_timestamp(s.last_ms / 1000.0) AS last_at,
    extract(epoch FROM now())::double precision - s.last_ms / 1000.0::double precision AS silence_s,
    CASE
        WHEN s.value IS NULL OR (c.low IS NULL AND c.high IS NULL) THEN NULL
        ELSE s.value >= coalesce(c.low, '-infinity') AND s.value <= coalesce(c.high, 'infinity')
    END AS in_band,
    CASE
        WHEN s.value IS NULL THEN 'nodata'
        WHEN extract(epoch FROM now()) - s.last_ms / 1000.0 > (c.detail ->> 'stale_after_s')::double precision THEN 'nodata'
        WHEN s.value < c.low OR s.value > c.high THEN 'outside'
        ELSE 'normal'
    END AS state,
    c.position,
    c.gone_at
FROM catalog_entry c
LEFT JOIN catalog_entry e ON e.site = c.site AND e.kind = 'equipment' AND e.id = c.detail ->> 'equipment'
LEFT JOIN point_state s ON s.point = c.site || '/' || c.id
WHERE c.kind = 'point'
