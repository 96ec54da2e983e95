-- What waits inside Gengfu: a line for each queue, also when nothing waits.
--
-- queue: timers, messages, quarantine, annotations, commands
-- name: Chinese name
-- name_en: English name
-- waiting: how many wait: timers that are due, messages to be sent, …
-- oldest_at: since when the oldest waits; null: nothing waits
-- age_s: seconds since then; 0: nothing waits
SELECT
    q.queue,
    q.name,
    q.name_en,
    q.waiting,
    q.oldest_at,
    coalesce(greatest(extract(epoch FROM now() - q.oldest_at), 0), 0)::double precision AS age_s
FROM (
    SELECT 'timers' AS queue, '到期定时任务' AS name, 'Timers due' AS name_en, count(*) AS waiting, min(due_at) AS oldest_at
    FROM timer
    WHERE done_at IS NULL AND due_at <= now()
    UNION ALL
    SELECT 'messages', '待发消息', 'Messages to be sent', count(*), min(created_at)
    FROM message
    WHERE status IN ('pending', 'sending')
    UNION ALL
    SELECT 'quarantine', '隔离区', 'Quarantine', count(*), min(received_at)
    FROM quarantine
    WHERE dismissed_at IS NULL
    UNION ALL
    SELECT 'annotations', '待推送标注', 'Marks on boards', count(*), min(next_at)
    FROM annotation
    WHERE next_at IS NOT NULL
    UNION ALL
    SELECT 'commands', '进行中的消防命令', 'Fire commands under way', count(*), min(asked_at)
    FROM fire_command
    WHERE outcome = '' AND expires_at > now()
) q
