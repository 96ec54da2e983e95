-- Stops of rounds with their verdict.
--
-- site: id of the site
-- round_id: id of the round
-- route: id of the route
-- route_name: Chinese name of the route
-- position: place in the round, from 0
-- checkpoint: id of the checkpoint
-- name: Chinese name of the checkpoint
-- name_en: English name of the checkpoint
-- area: id of its area
-- area_path: Chinese names from the outermost area
-- verdict: pending, on_time, early, late, missed, out_of_order, too_fast, too_slow, suspended
-- certainty: of a miss: unconfirmed or confirmed
-- state: the verdict, a miss that is not sure being unconfirmed
-- state_zh: the state in Chinese
-- starts_at: planned start of its round
-- due_at: end of its on-time window
-- visited_at: time of the tap that counted; null: none
-- is_due: visited or missed: it counts
-- is_missed: nobody came, whether that is sure or not
SELECT
    r.site,
    s.round_id,
    r.route,
    coalesce(rt.name, r.route) AS route_name,
    s.position,
    s.checkpoint,
    coalesce(c.name, s.checkpoint) AS name,
    coalesce(nullif(c.name_en, ''), c.name, s.checkpoint) AS name_en,
    coalesce(c.area, '') AS area,
    coalesce(c.area_path, '') AS area_path,
    s.verdict,
    s.certainty,
    CASE WHEN s.verdict = 'missed' AND s.certainty = 'unconfirmed' THEN 'unconfirmed' ELSE s.verdict END AS state,
    CASE
        WHEN s.verdict = 'missed' AND s.certainty = 'unconfirmed' THEN '待确认'
        WHEN s.verdict = 'pending' THEN '未到时间' WHEN s.verdict = 'on_time' THEN '准时'
        WHEN s.verdict = 'early' THEN '早到' WHEN s.verdict = 'late' THEN '迟到' WHEN s.verdict = 'missed' THEN '漏检'
        WHEN s.verdict = 'out_of_order' THEN '顺序不符' WHEN s.verdict = 'too_fast' THEN '过快'
        WHEN s.verdict = 'too_slow' THEN '过慢' WHEN s.verdict = 'suspended' THEN '不计' ELSE s.verdict
    END AS state_zh,
    r.starts_at,
    to_timestamp((r.plan -> 'stops' -> s.position ->> 3)::bigint / 1000.0) AS due_at,
    s.at AS visited_at,
    s.verdict NOT IN ('pending', 'suspended') AS is_due,
    s.verdict = 'missed' AS is_missed
FROM patrol_round r
JOIN patrol_stop s ON s.round_id = r.id
LEFT JOIN catalog_entry rt ON rt.site = r.site AND rt.kind = 'route' AND rt.id = r.route
LEFT JOIN catalog_entry c ON c.site = r.site AND c.kind = 'checkpoint' AND c.id = s.checkpoint
