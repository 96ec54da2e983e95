-- Work orders with both clocks. Timely 及时: arrived and finished within their limits; open overdue ones count as not
-- timely from the moment they are overdue, cancelled ones not at all.
--
-- id: id of the order; the console shows it under `/work-orders/{id}`
-- site: id of the site
-- area: id of the area of its alert; empty: none
-- area_path: Chinese names from the outermost area
-- number: what people call it
-- title: what is to be done
-- place: where, in words
-- equipment: equipment in words
-- priority: P1 to P4
-- level: severity of its alert as a number, 1 for low to 4 for critical; 0: it has none
-- state: reported, accepted, dispatched, in_progress, on_hold, submitted, verified, closed, cancelled
-- state_zh: the state in Chinese
-- is_open: neither closed nor cancelled
-- assignee_name: role label of whom it is dispatched to; empty: nobody
-- created_at: when it was reported
-- respond_due_at: somebody must be on site by then; null: no limit
-- responded_at: when somebody was
-- finish_due_at: it must be finished by then; null: no limit
-- finished_at: when it was submitted
-- closed_at: when it was rated or cancelled; null: open
-- held_at: on hold since; null: it is not
-- hold_reason: why
-- age_s: seconds from created_at to closed_at, or to now
-- respond_overdue: it was, or is, not answered in time
-- finish_overdue: it was, or is, not finished in time
-- is_overdue: it is open, and a clock that still runs has run out
-- respond_in_time: true or false once decided; null: nobody can say yet, no limit, or cancelled
-- finish_in_time: true or false once decided; null: nobody can say yet, no limit, or cancelled
-- timely: arrived and finished in time; null: neither finished nor overdue, or cancelled
-- counted_at: when `timely` was decided: finished, or the first deadline missed; the time to filter rates by
-- rework_count: how often it was sent back
-- rating: 1 to 5 stars; null: not rated
-- alert_id: the alert it came from; null: none
SELECT
    o.id,
    o.site,
    coalesce(a.detail ->> 'area', p.area, '') AS area,
    coalesce(r.area_path, p.area_path, '') AS area_path,
    o.number,
    o.title,
    o.place,
    o.equipment,
    o.priority,
    CASE a.max_severity WHEN 'low' THEN 1 WHEN 'medium' THEN 2 WHEN 'high' THEN 3 WHEN 'critical' THEN 4 ELSE 0 END
        AS level,
    o.state,
    CASE o.state
        WHEN 'reported' THEN '已上报' WHEN 'accepted' THEN '已受理' WHEN 'dispatched' THEN '已派工'
        WHEN 'in_progress' THEN '实施中' WHEN 'on_hold' THEN '已挂起' WHEN 'submitted' THEN '待验收'
        WHEN 'verified' THEN '已验收' WHEN 'closed' THEN '已评价关闭' WHEN 'cancelled' THEN '已取消'
        ELSE o.state
    END AS state_zh,
    o.closed_at IS NULL AS is_open,
    coalesce(w.name, '') AS assignee_name,
    o.created_at,
    o.respond_due_at,
    o.responded_at,
    o.finish_due_at,
    o.finished_at,
    o.closed_at,
    o.held_at,
    o.hold_reason,
    extract(epoch FROM coalesce(o.closed_at, now()) - o.created_at)::double precision AS age_s,
    coalesce(t.respond_late, false) AS respond_overdue,
    coalesce(t.finish_late, false) AS finish_overdue,
    o.closed_at IS NULL AND (
        (o.responded_at IS NULL AND coalesce(t.respond_late, false))
        OR (o.finished_at IS NULL AND coalesce(t.finish_late, false))
    ) AS is_overdue,
    CASE
        WHEN o.state = 'cancelled' THEN NULL
        WHEN t.respond_late THEN false
        WHEN o.respond_due_at IS NOT NULL AND o.responded_at IS NOT NULL THEN true
    END AS respond_in_time,
    CASE
        WHEN o.state = 'cancelled' THEN NULL
        WHEN t.finish_late THEN false
        WHEN o.finish_due_at IS NOT NULL AND o.finished_at IS NOT NULL THEN true
    END AS finish_in_time,
    CASE
        WHEN o.state = 'cancelled' THEN NULL
        WHEN t.respond_late OR t.finish_late THEN false
        WHEN o.finished_at IS NOT NULL THEN true
    END AS timely,
    CASE
        WHEN o.state = 'cancelled' THEN NULL
        WHEN o.finished_at IS NOT NULL THEN o.finished_at
        WHEN t.respond_late OR t.finish_late THEN least(
            CASE WHEN t.respond_late THEN o.respond_due_at END, CASE WHEN t.finish_late THEN o.finish_due_at END
        )
    END AS counted_at,
    o.rework_count,
    o.rating,
    o.alert_id
FROM work_order o
CROSS JOIN LATERAL (
    SELECT
        coalesce(o.responded_at, o.closed_at, now()) > o.respond_due_at AS respond_late,
        coalesce(o.finished_at, o.closed_at, now()) > o.finish_due_at AS finish_late
) t
LEFT JOIN alert a ON a.id = o.alert_id
LEFT JOIN catalog_entry p
    ON p.site = a.site AND p.kind = 'point' AND p.id = substr(a.target, length(a.site) + 2)
LEFT JOIN catalog_entry r ON r.site = a.site AND r.kind = 'area' AND r.id = a.detail ->> 'area'
LEFT JOIN catalog_entry w ON w.site = o.site AND w.kind = 'person' AND w.id = o.assignee
WHERE coalesce(a.rule, '') <> 'PATROL-DURESS'
