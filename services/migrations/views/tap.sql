-- Taps at checkpoints, with the time since the tap before.
--
-- id: id of the tap
-- site: id of the site
-- checkpoint: id of the checkpoint; null: nobody knows this tag
-- name: Chinese name of the checkpoint
-- name_en: English name of the checkpoint
-- area: id of its area
-- area_path: Chinese names from the outermost area
-- device: id of the device that published it
-- guard_name: role label of the guard; empty: nobody known
-- at: corrected time
-- received_at: when it arrived
-- delay_s: seconds between the two
-- verdict: on_time, early, late, extra, duplicate, …
-- evidence: how much it proves: sun, uid_walked, uid, qr, manual
-- marks: what detectors say, separated by spaces
-- is_marked: they say something
-- previous_at: the tap before at the same checkpoint; null: none
-- minutes_since_previous: minutes since then
-- guard_previous_at: the tap before of the same guard, anywhere; null: none
-- minutes_since_guard_previous: minutes since then
SELECT
    t.id,
    t.site,
    t.checkpoint,
    coalesce(c.name, t.checkpoint, '未知标签') AS name,
    coalesce(nullif(c.name_en, ''), c.name, t.checkpoint, 'Unknown tag') AS name_en,
    coalesce(c.area, '') AS area,
    coalesce(c.area_path, '') AS area_path,
    t.device,
    coalesce(w.name, '') AS guard_name,
    t.at,
    t.received_at,
    extract(epoch FROM t.received_at - t.at)::double precision AS delay_s,
    t.verdict,
    t.evidence,
    m.marks,
    m.marks <> '' AS is_marked,
    b.at AS previous_at,
    (extract(epoch FROM t.at - b.at) / 60)::double precision AS minutes_since_previous,
    g.at AS guard_previous_at,
    (extract(epoch FROM t.at - g.at) / 60)::double precision AS minutes_since_guard_previous
FROM patrol_tap t
CROSS JOIN LATERAL (
    SELECT coalesce(string_agg(mark, ' ' ORDER BY mark), '') AS marks FROM json_array_elements_text(t.marks) AS mark
) m
LEFT JOIN LATERAL (
    SELECT x.at FROM patrol_tap x
    WHERE x.site = t.site AND x.checkpoint = t.checkpoint AND x.at < t.at
    ORDER BY x.at DESC
    LIMIT 1
) b ON true
LEFT JOIN LATERAL (
    SELECT x.at FROM patrol_tap x
    WHERE x.site = t.site AND x.guard = t.guard AND x.at < t.at
    ORDER BY x.at DESC
    LIMIT 1
) g ON t.guard <> ''
LEFT JOIN catalog_entry c ON c.site = t.site AND c.kind = 'checkpoint' AND c.id = t.checkpoint
LEFT JOIN catalog_entry w ON w.site = t.site AND w.kind = 'person' AND w.id = t.guard
