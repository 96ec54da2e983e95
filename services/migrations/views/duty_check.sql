-- Duty checks 查岗: whether somebody at the transmission device pressed the key, and how soon.
--
-- id: id of the check
-- site: id of the site
-- area: id of the area of the device
-- area_path: Chinese names from the outermost area
-- source: id of the transmission device
-- name: Chinese name of it
-- name_en: English name of it
-- asked_at: when it was asked
-- asked_by_name: role label of who asked; empty: nobody known
-- minutes: how long the operator has
-- answer_by_at: when it counts as missed; null: the device has not confirmed it
-- answered_at: when the key was pressed; null: it was not
-- answer_s: seconds from asking to the answer
-- state: waiting, answered, late (answered after its time), missed, denied, timeout, unreachable, expired
-- state_zh: the state in Chinese
-- is_decided: it was answered or missed; what did not reach the device says nothing of people
-- in_time: answered in time; null: not decided
SELECT
    k.id,
    k.site,
    coalesce(d.area, '') AS area,
    coalesce(d.area_path, '') AS area_path,
    k.source,
    coalesce(d.name, k.source) AS name,
    coalesce(nullif(d.name_en, ''), d.name, k.source) AS name_en,
    k.asked_at,
    coalesce(w.name, '') AS asked_by_name,
    (k.params ->> 'minutes')::integer AS minutes,
    k.answer_by AS answer_by_at,
    k.answered_at,
    extract(epoch FROM k.answered_at - k.asked_at)::double precision AS answer_s,
    t.state,
    CASE t.state
        WHEN 'waiting' THEN '等待应答' WHEN 'answered' THEN '已应答' WHEN 'late' THEN '迟到应答'
        WHEN 'missed' THEN '无人应答' WHEN 'denied' THEN '被拒绝' WHEN 'timeout' THEN '超时'
        WHEN 'unreachable' THEN '未连接' WHEN 'expired' THEN '已过期' ELSE t.state
    END AS state_zh,
    t.state IN ('answered', 'late', 'missed') AS is_decided,
    CASE WHEN t.state IN ('answered', 'late', 'missed') THEN t.state = 'answered' END AS in_time
FROM fire_command k
CROSS JOIN LATERAL (
    SELECT CASE
        WHEN k.answered_at > k.answer_by THEN 'late'
        WHEN k.answered_at IS NOT NULL THEN 'answered'
        WHEN k.outcome NOT IN ('', 'confirmed', 'answered') THEN k.outcome
        WHEN k.answer_by <= now() THEN 'missed'
        WHEN k.outcome = '' AND k.expires_at <= now() THEN 'expired'
        ELSE 'waiting'
    END AS state
) t
LEFT JOIN catalog_entry d ON d.site = k.site AND d.kind = 'device' AND d.id = k.source
LEFT JOIN catalog_entry w ON w.site = k.site AND w.kind = 'person' AND w.id = k.asked_by
WHERE k.kind = 'duty_check'
