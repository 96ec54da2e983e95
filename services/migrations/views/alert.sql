-- Alerts with the state that people see. What was raised under duress is not here: boards hang on walls.
--
-- id: id of the alert; the console shows it under `/alerts/{id}`
-- site: id of the site
-- area: id of the area; empty: it has none
-- area_path: Chinese names from the outermost area
-- family: fire, patrol, system (Gengfu itself), equipment
-- rule: id of the limit or rule, with its variant
-- requirement: requirement id
-- target: global id of what is wrong
-- title: Chinese title
-- title_en: English title
-- severity: low, medium, high, critical: what the condition deserves now
-- max_severity: the worst since somebody last acknowledged
-- level: max_severity as a number, 1 for low to 4 for critical
-- state: active_unack, active_ack, rtn_unack, latched, normal, shelved, suppressed, out_of_service, closed
-- is_open: it is on the list
-- is_active: the condition holds
-- is_acked: somebody has seen the newest occurrence
-- occurrence: how often it asked for attention
-- opened_at: event time of the first activation
-- last_active_at: event time of the newest activation
-- cleared_at: event time of the return to normal; null while active
-- closed_at: when it left the list; null: open
-- age_s: seconds from opened_at to closed_at, or to now
-- is_late: it was over or old when we heard of it
-- value: the reading that raised it
-- unit: unit of the value
-- limit_text: the limit in words
-- source: document and section the limit comes from
SELECT
    a.id,
    a.site,
    coalesce(a.detail ->> 'area', p.area, '') AS area,
    coalesce(r.area_path, p.area_path, '') AS area_path,
    CASE
        WHEN starts_with(a.rule, 'FIRE-') THEN 'fire'
        WHEN starts_with(a.rule, 'PATROL-') THEN 'patrol'
        WHEN starts_with(a.rule, 'SYS-') THEN 'system'
        ELSE 'equipment'
    END AS family,
    a.rule,
    a.requirement,
    a.target,
    a.title,
    coalesce(nullif(a.title_en, ''), a.title) AS title_en,
    a.severity,
    a.max_severity,
    CASE a.max_severity WHEN 'low' THEN 1 WHEN 'medium' THEN 2 WHEN 'high' THEN 3 ELSE 4 END AS level,
    CASE
        WHEN a.closed_at IS NOT NULL THEN CASE WHEN a.occurrence > 0 THEN 'closed' ELSE 'normal' END
        WHEN a.out_of_service IS NOT NULL THEN 'out_of_service'
        WHEN a.suppressed IS NOT NULL THEN 'suppressed'
        WHEN a.shelved_until > now() THEN 'shelved'
        WHEN a.active THEN CASE WHEN a.acked_occurrence >= a.occurrence THEN 'active_ack' ELSE 'active_unack' END
        WHEN a.latched THEN 'latched'
        WHEN a.acked_occurrence >= a.occurrence THEN 'normal'
        ELSE 'rtn_unack'
    END AS state,
    a.closed_at IS NULL AS is_open,
    a.active AS is_active,
    a.acked_occurrence >= a.occurrence AS is_acked,
    a.occurrence,
    a.opened_at,
    a.last_active_at,
    a.cleared_at,
    a.closed_at,
    extract(epoch FROM coalesce(a.closed_at, now()) - a.opened_at)::double precision AS age_s,
    a.late AS is_late,
    a.value,
    a.unit,
    a.limit_text,
    a.source
FROM alert a
LEFT JOIN catalog_entry p
    ON p.site = a.site AND p.kind = 'point' AND p.id = substr(a.target, length(a.site) + 2)
LEFT JOIN catalog_entry r ON r.site = a.site AND r.kind = 'area' AND r.id = a.detail ->> 'area'
WHERE a.rule <> 'PATROL-DURESS'
