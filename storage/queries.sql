-- Every statement that V-Asset sends, by name. Parameters are :named; each fits one call.
-- "Held" means claim_until > now(): somebody works on the row.

-- name: users_insert
INSERT INTO users (email, nickname, password_hash, role)
VALUES (:email, :nickname, :password_hash, :role)
ON CONFLICT (email) DO NOTHING
RETURNING user_id, email, nickname, role, token_version, created_at;

-- name: users_by_email
SELECT user_id, email, nickname, role, token_version, created_at, password_hash
FROM users WHERE email = :email AND disabled_at IS NULL;

-- name: users_by_id
SELECT user_id, email, nickname, role, token_version, created_at, password_hash
FROM users WHERE user_id = :user_id AND disabled_at IS NULL;

-- name: users_all
SELECT user_id, email, nickname, role, token_version, created_at, disabled_at
FROM users ORDER BY user_id;

-- Each of these three ends every token by itself: access and refresh tokens carry the version.
-- name: users_set_password
UPDATE users SET password_hash = :password_hash, token_version = token_version + 1
WHERE email = :email RETURNING user_id;

-- name: users_disable
UPDATE users SET disabled_at = coalesce(disabled_at, now()), token_version = token_version + 1
WHERE email = :email RETURNING user_id;

-- name: users_end_tokens
UPDATE users SET token_version = token_version + 1 WHERE user_id = :user_id RETURNING user_id;

-- name: refresh_insert
INSERT INTO refresh_tokens (token_hash, family, user_id, version, expires_at)
VALUES (:token_hash, :family, :user_id, :version, now() + make_interval(secs => :ttl_s));

-- Behind the family's lock, and the heir is made with the use: who ends the family finds it in it.
-- The heir has the version of the token that was spent, so what ends that ends it too.
-- name: refresh_exchange
WITH turn AS MATERIALIZED (
    SELECT pg_advisory_xact_lock(hashtext('vasset.refresh'), hashtext(CAST(family AS text)))
    FROM refresh_tokens WHERE token_hash = :token_hash),
used AS (
    UPDATE refresh_tokens t SET used_at = now() FROM users u, turn
    WHERE t.token_hash = :token_hash AND t.used_at IS NULL AND t.expires_at > now()
      AND u.user_id = t.user_id AND u.token_version = t.version AND u.disabled_at IS NULL
    RETURNING t.family, t.version AS token_version,
              u.user_id, u.email, u.nickname, u.role, u.created_at),
heir AS (
    INSERT INTO refresh_tokens (token_hash, family, user_id, version, expires_at)
    SELECT :next_hash, family, user_id, token_version, now() + make_interval(secs => :ttl_s)
    FROM used)
SELECT user_id, email, nickname, role, token_version, created_at FROM used;

-- name: refresh_lock_family
-- By itself, so that the statement behind it sees what was exchanged until now.
SELECT pg_advisory_xact_lock(hashtext('vasset.refresh'), hashtext(CAST(family AS text)))
FROM refresh_tokens WHERE token_hash = :token_hash;

-- name: refresh_end_family
-- A row if the token was used before.
WITH shown AS (
    SELECT family, user_id, used_at FROM refresh_tokens WHERE token_hash = :token_hash),
gone AS (
    DELETE FROM refresh_tokens t USING shown s WHERE t.family = s.family)
SELECT user_id FROM shown WHERE used_at IS NOT NULL;

-- name: refresh_forget_old
DELETE FROM refresh_tokens WHERE expires_at < now();

-- name: sessions_insert
INSERT INTO sessions (token_hash, user_id, version, expires_at)
VALUES (:token_hash, :user_id, :version, now() + make_interval(secs => :ttl_s));

-- name: sessions_renew
UPDATE sessions s SET expires_at = now() + make_interval(secs => :ttl_s) FROM users u
WHERE s.token_hash = :token_hash AND s.expires_at > now()
  AND u.user_id = s.user_id AND u.token_version = s.version AND u.disabled_at IS NULL
RETURNING u.user_id, u.email, u.nickname, u.role, u.token_version, u.created_at;

-- name: sessions_end
DELETE FROM sessions WHERE token_hash = :token_hash;

-- name: sessions_forget_old
DELETE FROM sessions WHERE expires_at < now();

-- The count is raised under the lock of the account's row, so it is exact.
-- name: api_keys_insert
WITH owner AS (
    UPDATE users SET key_count = key_count + 1
    WHERE user_id = :user_id AND key_count < :most AND disabled_at IS NULL RETURNING user_id)
INSERT INTO api_keys (user_id, name, prefix, key_hash, scopes, expires_at)
SELECT user_id, :key_name, :prefix, :key_hash, CAST(:scopes AS varchar[]),
       now() + make_interval(days => CAST(:expires_in_d AS int))
FROM owner
RETURNING user_id, key_id, name, prefix, scopes, created_at, expires_at, last_used_at;

-- name: api_keys_of_user
SELECT key_id, name, prefix, scopes, created_at, expires_at, last_used_at
FROM api_keys WHERE user_id = :user_id ORDER BY key_id DESC;

-- name: api_keys_open
SELECT k.key_id, k.scopes, u.user_id, u.email, u.nickname, u.role, u.token_version, u.created_at,
       coalesce(k.last_used_at < now() - interval '1 minute', true) AS is_stale
FROM api_keys k JOIN users u ON u.user_id = k.user_id
WHERE k.key_hash = :key_hash AND (k.expires_at IS NULL OR k.expires_at > now())
  AND u.disabled_at IS NULL;

-- name: api_keys_open_again
SELECT k.key_id, k.scopes, u.user_id, u.email, u.nickname, u.role, u.token_version, u.created_at,
       coalesce(k.last_used_at < now() - interval '1 minute', true) AS is_stale
FROM api_keys k JOIN users u ON u.user_id = k.user_id
WHERE k.key_id = :key_id AND (k.expires_at IS NULL OR k.expires_at > now())
  AND u.disabled_at IS NULL;

-- name: api_keys_note_use
UPDATE api_keys SET last_used_at = now()
WHERE key_id = :key_id AND coalesce(last_used_at < now() - interval '1 minute', true)
RETURNING key_id;

-- name: api_keys_delete
WITH gone AS (
    DELETE FROM api_keys WHERE key_id = :key_id AND user_id = :user_id RETURNING user_id)
UPDATE users u SET key_count = u.key_count - 1 FROM gone WHERE u.user_id = gone.user_id
RETURNING u.user_id;

-- name: nodes_beat
INSERT INTO nodes
    (node, url, sandbox, disk_total_bytes, disk_free_bytes, staging_bytes, room_bytes)
VALUES (:node, :url, :sandbox, CAST(:total_bytes AS bigint), CAST(:free_bytes AS bigint),
        CAST(:staging_bytes AS bigint), CAST(:room_bytes AS bigint))
ON CONFLICT (node) DO UPDATE SET
    url = :url, sandbox = :sandbox, heartbeat_at = now(),
    beating_since = CASE WHEN nodes.heartbeat_at > now() - make_interval(secs => :silent_s)
                         THEN nodes.beating_since ELSE now() END,
    disk_total_bytes = excluded.disk_total_bytes, disk_free_bytes = excluded.disk_free_bytes,
    staging_bytes = excluded.staging_bytes, room_bytes = excluded.room_bytes
RETURNING draining;

-- name: nodes_room
-- Whether a node that takes downloads has room for so much. Where none lives there is nothing to
-- be full: what is submitted waits. What runs is not counted: it ends, mostly smaller than expected.
SELECT coalesce(bool_or(coalesce(
           room_bytes - staging_bytes >= disk_need('fetch', :expected_bytes), true)), true)
    AS has_room
FROM nodes
WHERE NOT draining AND heartbeat_at > now() - make_interval(secs => :silent_s);

-- name: nodes_note_cleaned
UPDATE nodes SET cleaned_at = now() WHERE node = :node;

-- name: nodes_cleanups
-- The lag is the age of the oldest file that should be gone.
SELECT n.node, n.heartbeat_at > now() - make_interval(secs => :silent_s) AS alive,
       CAST(coalesce(extract(epoch FROM n.cleaned_at), 0) AS float8) AS cleaned_at,
       CAST(greatest(0, coalesce(extract(epoch FROM now() - (
           SELECT min(d.expire_at) FROM download_history d
           WHERE d.storage_node = n.node AND d.status = 3)), 0)) AS float8) AS lag_s
FROM nodes n ORDER BY n.node;

-- name: counters_add
INSERT INTO counter_events (counter, labels, number)
VALUES (:counter, CAST(:labels AS varchar[]), :number);

-- name: counters_fold
WITH taken AS (
    DELETE FROM counter_events
    -- Two at once would fold the totals in turns, each waiting for the other.
    WHERE (SELECT pg_try_advisory_xact_lock(hashtext('vasset.counters')))
    RETURNING *)
INSERT INTO counters (counter, labels, number, amount)
SELECT counter, labels, sum(number), sum(amount) FROM taken GROUP BY counter, labels
ON CONFLICT (counter, labels) DO UPDATE SET
    number = counters.number + excluded.number, amount = counters.amount + excluded.amount;

-- name: counters_all
-- In one snapshot, so that what is being folded is counted once.
SELECT counter, labels, CAST(sum(number) AS bigint) AS number, sum(amount) AS amount
FROM (SELECT * FROM counters UNION ALL
      SELECT counter, labels, number, amount FROM counter_events) counted
GROUP BY counter, labels ORDER BY counter, labels;

-- name: counters_stage_bounds
SELECT stage_bounds() AS bounds;

-- name: ends_fold
WITH taken AS (
    DELETE FROM end_events
    WHERE (SELECT pg_try_advisory_xact_lock(hashtext('vasset.ends')))
    RETURNING *)
INSERT INTO end_counts (day, status, code, site, number)
SELECT day, status, code, site, count(*) FROM taken GROUP BY day, status, code, site
ON CONFLICT (day, status, code, site) DO UPDATE SET number = end_counts.number + excluded.number;

-- name: ends_forget
DELETE FROM end_counts WHERE day <= (now() AT TIME ZONE 'UTC')::date - CAST(:days AS int);

-- name: ends_by_day
SELECT CAST(day AS date) AS day,
       CAST(coalesce(sum(number) FILTER (WHERE status IN (1, 3)), 0) AS bigint) AS completed,
       CAST(coalesce(sum(number) FILTER (WHERE status = 0), 0) AS bigint) AS failed,
       CAST(coalesce(sum(number) FILTER (WHERE status = 6), 0) AS bigint) AS cancelled
FROM (SELECT (now() AT TIME ZONE 'UTC')::date - ago AS day
      FROM generate_series(0, CAST(:days AS int) - 1) ago) days
LEFT JOIN ends USING (day)
GROUP BY day ORDER BY day;

-- name: ends_failed_by_code
SELECT code, CAST(sum(number) AS bigint) AS number FROM ends
WHERE status = 0 AND day > (now() AT TIME ZONE 'UTC')::date - CAST(:days AS int)
GROUP BY code ORDER BY number DESC, code;

-- name: ends_failed_by_site
-- Of the sites with the most, by code too.
WITH failed AS (
    SELECT site, code, sum(number) AS number,
           sum(sum(number)) OVER (PARTITION BY site) AS of_site
    FROM ends
    WHERE status = 0 AND day > (now() AT TIME ZONE 'UTC')::date - CAST(:days AS int)
    GROUP BY site, code),
ranked AS (
    SELECT *, dense_rank() OVER (ORDER BY of_site DESC, site) AS place FROM failed)
SELECT site, code, CAST(number AS bigint) AS number FROM ranked
WHERE place <= :sites ORDER BY place, number DESC, code;

-- name: nodes_set_draining
UPDATE nodes SET draining = :draining WHERE node = :node RETURNING node;

-- name: nodes_all
SELECT n.node, n.url, n.draining, n.heartbeat_at, n.sandbox,
       n.disk_total_bytes, n.disk_free_bytes, n.staging_bytes,
       CAST(disk_room(n.node, 0) AS bigint) AS room_bytes,
       CAST(n.room_bytes - disk_room(n.node, 0) AS bigint) AS reserved_bytes,
       n.heartbeat_at > now() - make_interval(secs => :silent_s) AS alive,
       (SELECT count(*) FROM download_history d
        WHERE d.storage_node = n.node AND d.status = 5) AS running
FROM nodes n ORDER BY n.node;

-- name: downloads_submit
-- As many as the quota has room for, in their order; one row without an id if it has for none.
WITH taken AS MATERIALIZED (
    SELECT * FROM take_quota(
        CAST(:user_id AS bigint), cardinality(CAST(:urls AS text[])), CAST(:reserve AS bigint),
        CAST(:daily AS bigint), CAST(:archive AS bigint), CAST(:active AS bigint))),
batch AS MATERIALIZED (
    SELECT CASE WHEN CAST(:is_batch AS boolean) AND granted > 0 THEN nextval('batch_ids') END
        AS batch_id
    FROM taken),
inserted AS (
    INSERT INTO download_history
        (user_id, url, site, entry, list_title, title, twin_key, mode, quality, format_id, format_ids,
         container, audio_bitrate_kbps, subtitles, live, batch_id, behind_twin, reserved_bytes)
    SELECT CAST(:user_id AS bigint), w.url, w.site, w.entry, w.title, w.title, w.twin_key, :mode,
           :quality, :format_id, :format_ids, :container, :audio_bitrate_kbps, :subtitles, :live,
           b.batch_id,
           w.twin_key IS NOT NULL AND w.site NOT IN (SELECT site FROM site_cookies)
           AND (row_number() OVER (PARTITION BY w.twin_key ORDER BY w.place) > 1
                OR EXISTS (SELECT FROM download_history a
                           WHERE a.twin_key = w.twin_key AND a.status IN (4, 5)
                             AND a.user_id = :user_id)),
           least(CAST(:reserve AS bigint), t.archive_left - (w.place - 1) * :reserve)
    FROM taken t CROSS JOIN batch b
    CROSS JOIN unnest(CAST(:urls AS text[]), CAST(:sites AS text[]), CAST(:entries AS text[]),
                      CAST(:titles AS text[]), CAST(:twin_keys AS bytea[]))
        WITH ORDINALITY AS w (url, site, entry, title, twin_key, place)
    WHERE w.place <= t.granted ORDER BY w.place
    RETURNING *)
SELECT t.refused_by, t.refused_limit, t.resets_in_s, i.*
FROM taken t LEFT JOIN inserted i ON true ORDER BY i.history_id;

-- name: quotas_lock
SELECT lock_quota(:user_id);

-- name: quotas_of_user
SELECT * FROM quota_books(CAST(:user_id AS bigint), CAST(:daily AS bigint),
                          CAST(:archive AS bigint), CAST(:active AS bigint));

-- name: quotas_set
INSERT INTO quotas (user_id, daily_downloads, archive_bytes, active_downloads)
SELECT user_id, CAST(:daily AS bigint), CAST(:archive AS bigint), CAST(:active AS bigint)
FROM users WHERE user_id = :user_id
ON CONFLICT (user_id) DO UPDATE SET
    daily_downloads = CASE WHEN :sets_daily THEN excluded.daily_downloads
                           ELSE quotas.daily_downloads END,
    archive_bytes = CASE WHEN :sets_archive THEN excluded.archive_bytes
                         ELSE quotas.archive_bytes END,
    active_downloads = CASE WHEN :sets_active THEN excluded.active_downloads
                            ELSE quotas.active_downloads END
RETURNING user_id;

-- name: quotas_room
SELECT CAST(d.reserved_bytes + greatest(0, b.archive_limit - b.archive_used - b.archive_reserved)
            AS bigint) AS room_bytes
FROM download_history d
CROSS JOIN quota_books(CAST(:user_id AS bigint), 0, CAST(:archive AS bigint), 0) b
WHERE d.history_id = :history_id;

-- name: quotas_fold
-- Of a few thousand changes at a time, so that one after a long night is no long statement.
WITH taken AS (
    DELETE FROM archive_changes WHERE user_id IN (
        SELECT user_id FROM archive_changes WHERE NOT is_folded LIMIT 5000)
    -- Two at once would wait for each other's rows.
    AND (SELECT pg_try_advisory_xact_lock(hashtext('vasset.archive_changes')))
    RETURNING user_id, bytes)
INSERT INTO archive_changes (user_id, bytes, is_folded)
SELECT user_id, sum(bytes), true FROM taken GROUP BY user_id;

-- name: quotas_settle
SELECT settle_quota(CAST(:user_id AS bigint), CAST(:history_id AS bigint), CAST(:epoch AS int),
                    CAST(:size_bytes AS bigint), CAST(:archive AS bigint)) AS fits;

-- name: kept_answers_find
SELECT digest, status, location, body FROM idempotency_keys
WHERE user_id = :user_id AND key = :key AND made_at > now() - make_interval(secs => :ttl_s);

-- name: kept_answers_keep
INSERT INTO idempotency_keys (user_id, key, digest, status, location, body)
VALUES (:user_id, :key, :digest, :status, :location, :body)
ON CONFLICT (user_id, key) DO UPDATE SET
    digest = excluded.digest, status = excluded.status, location = excluded.location,
    body = excluded.body, made_at = now();

-- name: kept_answers_forget_old
-- A few with each new one; those that another forgets just now are left to it.
DELETE FROM idempotency_keys WHERE (user_id, key) IN (
    SELECT user_id, key FROM idempotency_keys
    WHERE made_at <= now() - make_interval(secs => :ttl_s)
    ORDER BY made_at LIMIT 10 FOR UPDATE SKIP LOCKED);

-- name: batches_of_user
SELECT history_id, status, attempts FROM download_history
WHERE batch_id = :batch_id AND user_id = :user_id AND hidden_at IS NULL
ORDER BY history_id;

-- name: downloads_of_user
SELECT * FROM download_history
WHERE history_id = :history_id AND user_id = :user_id AND hidden_at IS NULL;

-- name: downloads_watched
-- Of what is named hidden ones too: who hides a download is told that it was cancelled. Few
-- columns: a web process asks this every few seconds for each user who watches.
SELECT history_id, url, title, mode, status, stage, attempts, hidden_at FROM download_history
WHERE user_id = :user_id AND (history_id = ANY(CAST(:history_ids AS bigint[]))
    OR (status IN (4, 5) AND hidden_at IS NULL))
ORDER BY history_id DESC;

-- name: history_page
SELECT * FROM download_history
WHERE user_id = :user_id AND history_id < :before AND hidden_at IS NULL
ORDER BY history_id DESC LIMIT :limit;

-- name: history_page_filtered
-- Of each status and mode its own newest rows, so that no row is read in vain. By the negative
-- id, see the index in schema.sql.
SELECT d.* FROM unnest(CAST(:statuses AS int[])) AS s (status)
CROSS JOIN unnest(CAST(:modes AS varchar[])) AS m (mode)
CROSS JOIN LATERAL (
    SELECT * FROM download_history h
    WHERE h.user_id = :user_id AND h.status = s.status AND h.mode = m.mode
      AND -h.history_id > -CAST(:before AS bigint) AND h.hidden_at IS NULL
    ORDER BY -h.history_id LIMIT :limit) d
ORDER BY d.history_id DESC LIMIT :limit;

-- name: history_plan
-- What is NULL below falls out of a plan that is made for the values, and only out of such.
SELECT set_config('plan_cache_mode', 'force_custom_plan', true);

-- name: history_bound
SELECT set_config('statement_timeout', :ms, true);

-- name: history_walk
SELECT * FROM (
    SELECT * FROM download_history
    WHERE (CAST(:user_id AS bigint) IS NULL OR user_id = :user_id)
      AND history_id < :before AND hidden_at IS NULL
    ORDER BY history_id DESC LIMIT :reach) walked
WHERE (CAST(:status AS int) IS NULL OR status = :status)
  AND (CAST(:mode AS varchar) IS NULL OR mode = :mode)
  AND (CAST(:node AS varchar) IS NULL OR storage_node = :node)
  AND (CAST(:pattern AS text) IS NULL OR searched_text(title, url) ILIKE :pattern)
ORDER BY history_id DESC LIMIT :limit;

-- name: history_reach
-- The last row that the walk looked at, if it did not come to the end.
SELECT history_id FROM download_history
WHERE (CAST(:user_id AS bigint) IS NULL OR user_id = :user_id)
  AND history_id < :before AND hidden_at IS NULL
ORDER BY history_id DESC OFFSET :reach - 1 LIMIT 1;

-- name: history_index
-- OFFSET 0 keeps the planner from walking: that has been done.
SELECT * FROM (
    SELECT * FROM download_history
    WHERE (CAST(:user_id AS bigint) IS NULL OR user_id = :user_id)
      AND (CAST(:status AS int) IS NULL OR status = :status)
      AND (CAST(:mode AS varchar) IS NULL OR mode = :mode)
      AND (CAST(:pattern AS text) IS NULL OR searched_text(title, url) ILIKE :pattern)
      AND (CAST(:node AS varchar) IS NULL OR storage_node = :node)
      AND history_id < :before AND hidden_at IS NULL
    OFFSET 0) found
ORDER BY history_id DESC LIMIT :limit;

-- name: downloads_lock_turns
SELECT pg_advisory_xact_lock(hashtext('vasset.turns'));

-- name: downloads_claim_first
-- Takes a slot and room too, so it runs behind downloads_lock_turns and the counts are exact. What
-- is linked asks nothing of a site, a provider or the disk, so their limits are not for it; what
-- runs already waits for no twin, or two of them could wait for each other. A suspect runs on trial
-- only, beside the slots, so that it neither waits behind others nor takes their place.
WITH twin AS MATERIALIZED (
    SELECT t.waits, CASE WHEN t.links THEN (
        SELECT max(k.history_id) FROM twins_kept(a.twin_key, a.user_id, CAST(:share AS text)) k
        WHERE k.storage_node = :node) END AS link_from
    FROM download_history a CROSS JOIN LATERAL among_twins(
        a.history_id, a.user_id, a.site, a.twin_key, a.woken_at,
        CAST(:share AS text), CAST(:node AS text), CAST(:silent_s AS float8)) t
    WHERE a.history_id = :history_id),
claimed AS (UPDATE download_history d SET
    status = 5, storage_node = :node, claimed_by = :holder,
    claim_until = now() + make_interval(secs => :claim_s), epoch = epoch + 1,
    attempts = attempts + CASE WHEN continues THEN 0 ELSE 1 END, tries = 1,
    trial_until = CASE WHEN :on_trial THEN now() + make_interval(secs => :trial_s) END,
    continues = false, not_before = NULL, started_at = coalesce(started_at, now()),
    linked_from = t.link_from, behind_twin = false, exit_name = NULL,
    expected_bytes = coalesce(expected_bytes, :expected_bytes)
FROM twin t
WHERE history_id = :history_id AND stage = 'acquire_proxy'
  AND (status = 4 OR (status = 5 AND storage_node = :node)) AND claim_until IS NULL
  AND (crashes > 0) = CAST(:on_trial AS boolean)
  AND (crashes = 0 OR has_trial_free(CAST(:node AS varchar), d.history_id))
  AND coalesce(not_before, now()) <= now() AND cancel_wish_at IS NULL
  AND NOT EXISTS (SELECT FROM nodes n WHERE n.node = :node AND n.draining)
  AND (SELECT count(*) FROM download_history o
       WHERE o.status = 5 AND o.storage_node = :node AND o.history_id <> :history_id)
      < CAST(:slots AS int) + CASE
          WHEN :on_trial THEN 1
          WHEN EXISTS (SELECT FROM download_history o
                       WHERE o.status = 5 AND o.user_id = d.user_id
                         AND o.history_id <> :history_id) THEN -CAST(:newcomer_slots AS int)
          ELSE 0 END
  AND (SELECT count(*) FROM download_history o
       WHERE o.status = 5 AND o.user_id = d.user_id AND o.history_id <> :history_id)
      < CAST(:per_user AS int) + CAST(CAST(:on_trial AS boolean) AS int)
  AND (t.link_from IS NOT NULL OR (
       (d.status = 5 OR NOT t.waits)
       AND coalesce(disk_need(d.stage, coalesce(d.expected_bytes, :expected_bytes))
                    <= disk_room(CAST(:node AS varchar), d.history_id), true)
       AND d.site NOT IN (SELECT closed_sites(:per_site, :site_starts))
       AND :provider NOT IN (SELECT closed_names('provider', :provider_starts))))
RETURNING d.*),
counted AS (
    INSERT INTO limits (kind, name, paid_until)
    SELECT k.kind, k.name, now() + interval '60 s' / coalesce(l.max_starts, k.starts)
    FROM claimed c CROSS JOIN LATERAL (VALUES
        ('site', c.site, CAST(:site_starts AS int)),
        ('provider', CAST(:provider AS varchar), CAST(:provider_starts AS int))
    ) AS k (kind, name, starts)
    LEFT JOIN limits l ON l.kind = k.kind AND l.name = k.name
    WHERE coalesce(l.max_starts, k.starts) > 0 AND c.linked_from IS NULL
    ON CONFLICT (kind, name) DO UPDATE SET
        paid_until = greatest(limits.paid_until, now()) + (excluded.paid_until - now())),
turn AS (UPDATE users u SET turn_at = clock_timestamp() FROM claimed c
         WHERE u.user_id = c.user_id)
SELECT *, CAST(coalesce(extract(epoch FROM now() - proxy_failing_since), 0) AS float8)
    AS proxy_failing_s
FROM claimed;

-- name: downloads_claim
UPDATE download_history SET
    claimed_by = :holder, claim_until = now() + make_interval(secs => :claim_s),
    epoch = epoch + 1, tries = tries + 1, not_before = NULL,
    trial_until = CASE WHEN :on_trial THEN coalesce(
        trial_until, now() + make_interval(secs => :trial_s)) END
WHERE history_id = :history_id AND stage = :stage AND status = 5 AND storage_node = :node
  AND claim_until IS NULL AND (crashes > 0) = CAST(:on_trial AS boolean)
  AND (crashes = 0 OR has_trial_free(CAST(:node AS varchar), history_id))
  AND coalesce(not_before, now()) <= now() AND cancel_wish_at IS NULL
RETURNING *, CAST(coalesce(extract(epoch FROM now() - proxy_failing_since), 0) AS float8)
    AS proxy_failing_s;

-- name: downloads_held
SELECT *, CAST(coalesce(extract(epoch FROM now() - proxy_failing_since), 0) AS float8)
    AS proxy_failing_s
FROM download_history
WHERE history_id = :history_id AND epoch = :epoch AND status = 5 AND claim_until > now();

-- name: downloads_renew
UPDATE download_history SET claim_until = now() + make_interval(secs => :claim_s)
WHERE history_id = :history_id AND epoch = :epoch AND status = 5 AND claim_until > now()
RETURNING cancel_wish_at IS NOT NULL AS cancel_wished;

-- name: downloads_estimate
UPDATE download_history SET expected_bytes = :size_bytes
WHERE history_id = :history_id AND status = 4
RETURNING history_id;

-- name: downloads_expect
-- Behind downloads_lock_turns, as a claim. The size is kept though it may not fit: the next claim
-- must know it.
UPDATE download_history d SET expected_bytes = CAST(:size_bytes AS bigint)
WHERE history_id = :history_id AND epoch = :epoch AND status = 5
RETURNING
    coalesce(disk_need(stage, expected_bytes) <= disk_room(storage_node, history_id), true)
        AS fits,
    coalesce((SELECT bool_and(coalesce(
                  n.disk_total_bytes < disk_need(d.stage, d.expected_bytes), false))
              FROM nodes n), false) AS is_hopeless;

-- name: downloads_pass_on
UPDATE download_history SET
    stage = :next_stage, claim_until = NULL, tries = 0, woken_at = now(),
    title = coalesce(:title, title), extractor = coalesce(:extractor, extractor),
    webpage_url = coalesce(:webpage_url, webpage_url),
    thumbnail = coalesce(:thumbnail, thumbnail), duration_s = coalesce(:duration_s, duration_s),
    extension = coalesce(:extension, extension), exit_name = coalesce(:exit_name, exit_name),
    file_size = coalesce(:file_size, file_size), file_hash = coalesce(:file_hash, file_hash),
    expected_bytes = coalesce(:expected_bytes, expected_bytes),
    warnings = coalesce(CAST(:warnings AS jsonb), warnings),
    -- It has outlived what its worker died of.
    crashes = CASE WHEN is_past_crash(stage, crashed_in) THEN 0 ELSE crashes END,
    lone_crashes = CASE WHEN is_past_crash(stage, crashed_in) THEN 0 ELSE lone_crashes END
WHERE history_id = :history_id AND epoch = :epoch AND status = 5 AND claim_until > now()
  AND cancel_wish_at IS NULL
RETURNING history_id;

-- name: downloads_hold
SELECT history_id FROM download_history
WHERE history_id = :history_id AND epoch = :epoch AND status = 5 AND claim_until > now()
  AND cancel_wish_at IS NULL
FOR UPDATE;

-- name: downloads_finish
-- What was staged is staged no more; until the node measures again, it is taken from its room.
WITH finished AS (UPDATE download_history d SET
    status = :status, claim_until = NULL, finished_at = now(), file_path = :file_path,
    file_name = :file_name, file_size = :file_size, file_hash = :file_hash,
    file_inode = :file_inode, file_fault = NULL, file_fault_at = NULL,
    -- A linked file was last read when its twin's was.
    file_read_at = CASE WHEN linked_from IS NULL THEN now() ELSE (
        SELECT k.file_read_at FROM download_history k WHERE k.history_id = d.linked_from) END,
    expire_at = CASE WHEN :status = 3 THEN now() + make_interval(secs => :ttl_s) END,
    error_code = NULL, error_message = NULL, error_retryable = NULL
WHERE history_id = :history_id AND epoch = :epoch AND status = 5
RETURNING history_id, storage_node,
    -- A link takes nothing.
    CASE WHEN linked_from IS NULL THEN file_size ELSE 0 END AS file_size),
room AS (
    UPDATE nodes n SET room_bytes = n.room_bytes - f.file_size,
        staging_bytes = greatest(0, n.staging_bytes - f.file_size)
    FROM finished f WHERE n.node = f.storage_node)
SELECT history_id FROM finished;

-- name: downloads_put_back
-- Back to the queue: after a failed attempt (with its error) or when the worker stops.
WITH moved AS (UPDATE download_history SET
    status = 4, stage = 'acquire_proxy', claim_until = NULL, storage_node = NULL,
    continues = :continues, woken_at = now() + make_interval(secs => :delay_s),
    not_before = now() + make_interval(secs => :delay_s),
    proxy_faults = :proxy_faults, proxy_failing_since = CASE
        WHEN :proxy_faults > 0 THEN coalesce(proxy_failing_since, now()) END,
    error_code = :error_code, error_message = :error_message, error_retryable = true
WHERE history_id = :history_id AND epoch = :epoch AND status = 5
  AND cancel_wish_at IS NULL
RETURNING history_id, epoch),
noted AS (
    UPDATE stage_runs r SET detail = CAST(:error_detail AS text)
    FROM moved m WHERE r.history_id = m.history_id AND r.epoch = m.epoch)
SELECT history_id FROM moved;

-- name: downloads_repeat_stage
-- The file is good and stays; only this stage is tried again, on the same node.
WITH moved AS (UPDATE download_history SET
    claim_until = NULL, woken_at = now() + make_interval(secs => :delay_s),
    not_before = now() + make_interval(secs => :delay_s),
    error_code = :error_code, error_message = :error_message, error_retryable = true
WHERE history_id = :history_id AND epoch = :epoch AND status = 5
  AND cancel_wish_at IS NULL
RETURNING history_id, epoch),
noted AS (
    UPDATE stage_runs r SET detail = CAST(:error_detail AS text)
    FROM moved m WHERE r.history_id = m.history_id AND r.epoch = m.epoch)
SELECT history_id FROM moved;

-- name: downloads_let_go
-- The worker stops; the stage is due again at once, on this node.
UPDATE download_history SET claim_until = NULL, tries = tries - 1, woken_at = now()
WHERE history_id = :history_id AND epoch = :epoch AND status = 5
RETURNING history_id;

-- name: downloads_fail
WITH moved AS (UPDATE download_history SET
    status = 0, claim_until = NULL, finished_at = now(),
    file_size = NULL, file_hash = NULL, error_code = :error_code,
    error_message = :error_message, error_retryable = :error_retryable
WHERE history_id = :history_id AND epoch = :epoch AND status = 5
RETURNING history_id, epoch),
noted AS (
    UPDATE stage_runs r SET detail = CAST(:error_detail AS text)
    FROM moved m WHERE r.history_id = m.history_id AND r.epoch = m.epoch)
SELECT history_id FROM moved;

-- name: downloads_end_cancelled
UPDATE download_history SET
    status = 6, claim_until = NULL, finished_at = now(), file_size = NULL, file_hash = NULL,
    error_code = 'cancelled', error_message = 'It was cancelled.', error_retryable = false
WHERE history_id = :history_id AND epoch = :epoch AND status = 5
RETURNING history_id;

-- name: downloads_cancel
-- Nobody holds it: cancelled at once. Held: a wish that the holder finds. The rows are locked in
-- their order, so that two of these over the same ones do not collide.
UPDATE download_history SET
    cancel_wish_at = now(),
    status = CASE WHEN claim_until > now() THEN status ELSE 6 END,
    finished_at = CASE WHEN claim_until > now() THEN NULL ELSE now() END,
    claim_until = CASE WHEN claim_until > now() THEN claim_until END,
    error_code = CASE WHEN claim_until > now() THEN error_code ELSE 'cancelled' END,
    error_message = CASE WHEN claim_until > now() THEN error_message
                         ELSE 'It was cancelled.' END,
    error_retryable = CASE WHEN claim_until > now() THEN error_retryable ELSE false END
WHERE history_id IN (
    SELECT history_id FROM download_history
    WHERE history_id = ANY(CAST(:history_ids AS bigint[])) AND user_id = :user_id
      AND status IN (4, 5) AND hidden_at IS NULL
    ORDER BY history_id FOR UPDATE)
RETURNING *;

-- name: downloads_to_retry
SELECT mode FROM download_history
WHERE history_id = :history_id AND user_id = :user_id AND status IN (0, 6)
  AND hidden_at IS NULL
FOR UPDATE;

-- name: downloads_retry
-- Behind quotas_lock and downloads_to_retry: it is one more download for the quota.
WITH taken AS MATERIALIZED (
    SELECT * FROM take_quota(
        CAST(:user_id AS bigint), 1, CAST(:reserve AS bigint),
        CAST(:daily AS bigint), CAST(:archive AS bigint), CAST(:active AS bigint))),
moved AS (UPDATE download_history SET
    reserved_bytes = least(CAST(:reserve AS bigint), taken.archive_left), status = 4, stage = 'acquire_proxy', storage_node = NULL, claim_until = NULL,
    continues = false, attempts = 0, crashes = 0, lone_crashes = 0, not_before = NULL, woken_at = now(),
    proxy_faults = 0, proxy_failing_since = NULL,
    cancel_wish_at = NULL, finished_at = NULL, started_at = NULL, behind_twin = false,
    error_code = NULL, error_message = NULL, error_retryable = NULL,
    asset_uuid = gen_random_uuid()
FROM taken WHERE history_id = :history_id AND taken.granted = 1
RETURNING download_history.*)
SELECT t.refused_by, t.refused_limit, t.resets_in_s, m.*
FROM taken t LEFT JOIN moved m ON true;

-- name: downloads_hide
-- The owner's record goes at once; the file's node removes the file.
UPDATE download_history SET hidden_at = now()
WHERE history_id = :history_id AND user_id = :user_id AND hidden_at IS NULL
RETURNING *;

-- name: downloads_to_remove
SELECT history_id, user_id, mode, asset_uuid, created_at FROM download_history
WHERE storage_node = :node AND hidden_at IS NOT NULL AND file_removed_at IS NULL
  AND status IN (1, 3) AND history_id > :after
ORDER BY history_id LIMIT :limit;

-- name: downloads_set_removed
WITH removed AS (UPDATE download_history SET file_removed_at = now(),
    status = CASE WHEN status = 3 THEN 2 ELSE status END
WHERE history_id = ANY(CAST(:history_ids AS bigint[])) AND hidden_at IS NOT NULL
  AND file_removed_at IS NULL AND status IN (1, 3)
RETURNING history_id, storage_node)
INSERT INTO counter_events (counter, labels, number)
SELECT 'cleanup_deleted', ARRAY[storage_node], count(*) FROM removed GROUP BY storage_node;

-- name: downloads_named
SELECT history_id, user_id, mode, asset_uuid, created_at FROM download_history
WHERE history_id = ANY(CAST(:history_ids AS bigint[])) AND status NOT IN (0, 2, 6)
  AND coalesce(storage_node, :node) = :node AND file_removed_at IS NULL;

-- name: downloads_running
SELECT history_id FROM download_history
WHERE history_id = ANY(CAST(:history_ids AS bigint[])) AND status = 5;

-- name: downloads_waiting
-- The age is that of the one that has been due for longest; it is 0 if all wait for their time.
SELECT count(*) AS number,
       CAST(greatest(0, coalesce(extract(epoch FROM now() - min(woken_at)), 0)) AS float8)
           AS oldest_s
FROM download_history WHERE status = 4;

-- name: downloads_active
SELECT stage, storage_node AS node, count(*) AS number,
       count(*) FILTER (WHERE claim_until IS NULL OR claim_until < now()) AS unclaimed
FROM download_history WHERE status = 5 GROUP BY stage, storage_node;

-- name: downloads_next_turns
-- The fair order: of each user the oldest; users with fewer running first, and among them
-- the one whose last turn is longest ago. The last slots of a node are for users of whom nothing
-- runs. Of a site no more than may run beside what does.
WITH closed AS MATERIALIZED (
    SELECT closed_sites(:per_site, :site_starts) AS site),
free AS MATERIALIZED (
    SELECT disk_room(CAST(:node AS varchar), 0) AS room),
turns AS (
    SELECT turn.history_id, turn.place, turn.is_linked, waiting.turn_at,
           row_number() OVER (PARTITION BY turn.site, turn.is_linked
                              ORDER BY turn.place, waiting.turn_at, turn.history_id)
           + (SELECT count(*) FROM download_history s
              WHERE s.status = 5 AND s.site = turn.site) AS place_at_site,
           coalesce(l.max_active, :per_site) AS per_site
    FROM
        (SELECT user_id, turn_at FROM users u
         WHERE EXISTS (SELECT FROM download_history w
                       WHERE w.user_id = u.user_id AND w.status = 4)) waiting
        CROSS JOIN LATERAL (
            SELECT count(*) AS running FROM download_history r
            WHERE r.status = 5 AND r.user_id = waiting.user_id) busy
        CROSS JOIN LATERAL (
            SELECT q.history_id, q.site, t.links AS is_linked,
                   busy.running + row_number() OVER (ORDER BY q.history_id) AS place
            FROM download_history q CROSS JOIN LATERAL among_twins(
                q.history_id, q.user_id, q.site, q.twin_key, q.woken_at,
                CAST(:share AS text), CAST(:node AS text), CAST(:silent_s AS float8)) t
            WHERE q.user_id = waiting.user_id AND q.status = 4 AND q.cancel_wish_at IS NULL
              AND q.crashes = 0
              AND (CAST(:share AS text) = 'off' OR NOT q.behind_twin)
              AND coalesce(q.not_before, now()) <= now()
              AND (t.links OR (
                   q.site NOT IN (SELECT site FROM closed) AND NOT t.waits
                   AND coalesce(disk_need(q.stage, coalesce(q.expected_bytes, :expected_bytes))
                                <= (SELECT room FROM free), true)))
            ORDER BY q.history_id LIMIT :per_user) turn
        LEFT JOIN limits l ON l.kind = 'site' AND l.name = turn.site
    WHERE turn.place <= :per_user)
SELECT history_id FROM (
    SELECT history_id, place, turn_at,
           row_number() OVER (ORDER BY place, turn_at, history_id)
           + (SELECT count(*) FROM download_history o
              WHERE o.status = 5 AND o.storage_node = :node) AS place_on_node
    FROM turns
    WHERE (is_linked OR (
           place_at_site <= per_site
           AND :provider NOT IN (SELECT closed_names('provider', :provider_starts))))
      AND NOT EXISTS (SELECT FROM nodes n WHERE n.node = :node AND n.draining)) placed
WHERE place_on_node <= CAST(:slots AS int)
                       - CASE WHEN place > 1 THEN CAST(:newcomer_slots AS int) ELSE 0 END
ORDER BY place, turn_at, history_id;

-- name: twins_kept
SELECT * FROM download_history d
WHERE history_id = :history_id AND EXISTS (
    SELECT FROM twins_kept(d.twin_key, d.user_id, 'user') k WHERE k.history_id = d.history_id);

-- name: twins_disown
WITH disowned AS (
    UPDATE download_history d SET twin_key = NULL FROM download_history old
    WHERE d.history_id = :history_id AND d.epoch = :epoch AND d.status = 5
      AND old.history_id = d.history_id
    RETURNING d.user_id, old.twin_key)
UPDATE download_history SET behind_twin = false WHERE history_id IN (
    SELECT b.history_id FROM download_history b JOIN disowned o USING (user_id, twin_key)
    WHERE b.status = 4 AND b.behind_twin ORDER BY b.history_id FOR UPDATE OF b SKIP LOCKED);

-- name: twins_free
-- Of those behind a twin the first, if they need not wait: who was before them has gone, and
-- nobody could tell them. When it ends it frees the others.
UPDATE download_history SET behind_twin = false WHERE history_id IN (
    SELECT b.history_id FROM download_history b
    JOIN (SELECT min(history_id) AS history_id FROM download_history
          WHERE status = 4 AND behind_twin GROUP BY user_id, twin_key) f USING (history_id)
    CROSS JOIN LATERAL among_twins(
        b.history_id, b.user_id, b.site, b.twin_key, b.woken_at,
        CAST(:share AS text), CAST(:node AS text), CAST(:silent_s AS float8)) t
    WHERE t.links OR NOT t.waits
    FOR UPDATE OF b SKIP LOCKED);

-- name: limits_cool
INSERT INTO limits (kind, name, cooling_until)
VALUES (:kind, :limited, now() + make_interval(secs => :seconds))
ON CONFLICT (kind, name) DO UPDATE SET
    cooling_until = greatest(limits.cooling_until, now() + make_interval(secs => :seconds))
RETURNING name;

-- name: limits_cooling
SELECT extract(epoch FROM cooling_until - now()) AS left_s FROM limits
WHERE kind = :kind AND name = :limited AND cooling_until > now();

-- name: limits_set
INSERT INTO limits (kind, name, max_active, max_starts)
VALUES (:kind, :limited, CAST(:max_active AS int), CAST(:max_starts AS int))
ON CONFLICT (kind, name) DO UPDATE SET
    max_active = CAST(:max_active AS int), max_starts = CAST(:max_starts AS int)
RETURNING name;

-- name: limits_all
SELECT l.kind, l.name, l.max_active, l.max_starts,
       CASE WHEN l.cooling_until > now() THEN l.cooling_until END AS cooling_until,
       (SELECT count(*) FROM download_history d
        WHERE l.kind = 'site' AND d.site = l.name AND d.status = 5) AS running
FROM limits l ORDER BY l.kind, l.name;

-- name: downloads_waits
-- What holds back what is queued, and what pauses within a stage: of several things the one that
-- ends last. It follows downloads_next_turns, and decides nothing.
WITH waiting AS (
    SELECT d.history_id, d.status, d.site, d.behind_twin, d.proxy_faults,
           CASE WHEN d.not_before > now() THEN d.not_before END AS not_before,
           CASE WHEN s.cooling_until > now() THEN s.cooling_until END AS site_until,
           CASE WHEN p.cooling_until > now() THEN p.cooling_until END AS provider_until,
           (SELECT count(*) FROM download_history r
            WHERE r.status = 5 AND r.user_id = d.user_id) AS running
    FROM download_history d
    LEFT JOIN limits s ON s.kind = 'site' AND s.name = d.site
    LEFT JOIN limits p ON p.kind = 'provider' AND p.name = :provider
    WHERE d.history_id = ANY(CAST(:history_ids AS bigint[]))
      AND (d.status = 4 OR (d.status = 5 AND d.not_before > now())))
SELECT history_id,
       CASE WHEN status = 4 AND behind_twin AND CAST(:share AS text) <> 'off' THEN 'duplicate'
            WHEN status = 4 AND site_until >= greatest(not_before, provider_until, site_until)
                THEN 'site_cooldown'
            WHEN status = 4 AND provider_until >= greatest(not_before, provider_until) THEN 'proxy'
            WHEN not_before IS NOT NULL AND proxy_faults > 0 THEN 'proxy'
            WHEN not_before IS NOT NULL THEN 'retry'
            WHEN :provider IN (SELECT closed_names('provider', :provider_starts)) THEN 'proxy'
            WHEN site IN (SELECT closed_sites(:per_site, :site_starts)) THEN 'site_limit'
            WHEN running >= :per_user THEN 'user_limit'
            ELSE 'slot' END AS reason,
       CASE WHEN status = 4 AND behind_twin AND CAST(:share AS text) <> 'off' THEN NULL
            WHEN status = 5 THEN not_before
            ELSE greatest(not_before, site_until, provider_until) END AS until
FROM waiting;

-- name: stage_runs_of
SELECT attempt, stage, storage_node AS node, exit_name AS exit, outcome, detail, began_at,
       CAST(extract(epoch FROM coalesce(ended_at, clock_timestamp()) - began_at) AS float8)
           AS seconds
FROM stage_runs WHERE history_id = :history_id ORDER BY epoch;

-- name: downloads_ran_out
-- Fetches of this node whose holder died; what they brought may be complete.
SELECT history_id, attempts FROM download_history
WHERE status = 5 AND stage = 'fetch' AND storage_node = :node AND claim_until < now()
  AND cancel_wish_at IS NULL;

-- name: downloads_lapsed_holders
-- Of claims of this node that ran out; who of them has died is for the caller to find out.
SELECT DISTINCT claimed_by AS holder FROM download_history
WHERE status = 5 AND storage_node = :node AND claim_until < now();

-- name: downloads_take_back
-- The one place where a holder's death is written: of this node once the claim has run out, or at
-- once if the caller saw it (:dead), and of a node that fell silent. What is fetched keeps its
-- stage, anything else is queued again. It is a crash if somebody held the row and has died: not
-- if the holder lives (:alive) and the database was away, and no other node's before this one has
-- heard from the database for so long that the other would have been heard of too.
WITH lost AS (
    SELECT o.history_id, o.storage_node = :node
               AND (o.stage IN ('checksum', 'record')
                    OR o.history_id = ANY(CAST(:keep AS bigint[]))) AS stays,
           o.claim_until IS NOT NULL AND CASE WHEN o.storage_node = :node
               THEN coalesce(o.claimed_by, '') <> ALL(CAST(:alive AS text[]))
               ELSE EXISTS (SELECT FROM nodes n WHERE n.node = :node
                            AND n.beating_since <= now() - make_interval(secs => :silent_s))
               END AS is_crash
    FROM download_history o
    WHERE o.status = 5 AND o.cancel_wish_at IS NULL
      AND CASE WHEN CAST(:dead AS text[]) IS NOT NULL
          THEN o.storage_node = :node AND o.claimed_by = ANY(CAST(:dead AS text[])) AND o.claim_until IS NOT NULL
          ELSE ((o.claim_until < now() AND o.storage_node = :node)
                OR NOT EXISTS (SELECT FROM nodes n WHERE n.node = o.storage_node
                               AND n.heartbeat_at > now() - make_interval(secs => :silent_s)))
               AND coalesce(o.claim_until, o.woken_at + make_interval(secs => :silent_s)) < now()
          END
    ORDER BY o.history_id LIMIT 500 FOR UPDATE SKIP LOCKED),
taken AS (UPDATE download_history d SET
    status = CASE WHEN l.stays THEN 5 ELSE 4 END,
    stage = CASE WHEN l.stays THEN d.stage ELSE 'acquire_proxy' END,
    storage_node = CASE WHEN l.stays THEN d.storage_node END,
    continues = false, claim_until = NULL, trial_until = NULL, woken_at = now(),
    crashes = d.crashes + CAST(l.is_crash AS int),
    lone_crashes = d.lone_crashes + CAST(l.is_crash AND CAST(:is_alone AS boolean) AS int),
    crashed_in = CASE WHEN l.is_crash THEN d.stage ELSE d.crashed_in END
FROM lost l WHERE d.history_id = l.history_id
RETURNING d.*),
counted AS (
    INSERT INTO counter_events (counter, labels, number)
    SELECT 'sweep_recovered', '{taken_back}', count(*) FROM taken HAVING count(*) > 0)
SELECT * FROM taken;

-- name: downloads_suspects
-- Those that may be tried on this node, the one that waits longest first.
SELECT history_id, stage, crashes, lone_crashes,
       -- It may have been woken at -infinity, and nobody waits for longer than this.
       CAST(extract(epoch FROM now() - greatest(woken_at, now() - interval '1 day')) AS float8)
           AS waited_s
FROM download_history
WHERE crashes > 0 AND status IN (4, 5) AND claim_until IS NULL AND cancel_wish_at IS NULL
  AND coalesce(not_before, now()) <= now()
  AND (status = 4 OR (status = 5 AND storage_node = :node))
ORDER BY woken_at, history_id LIMIT 100;

-- name: downloads_end_cancel_wishes
-- The holder died before it saw the wish.
WITH ended AS (UPDATE download_history SET
    status = 6, claim_until = NULL, finished_at = now(), error_code = 'cancelled',
    error_message = 'It was cancelled.', error_retryable = false
WHERE status IN (4, 5) AND cancel_wish_at IS NOT NULL
  AND (claim_until IS NULL OR claim_until < now())
RETURNING *),
counted AS (
    INSERT INTO counter_events (counter, labels, number)
    SELECT 'sweep_recovered', '{cancelled}', count(*) FROM ended HAVING count(*) > 0)
SELECT * FROM ended;

-- name: downloads_unheard
-- Stages of this node that are due, held by nobody, and whose wake-up must have been lost.
WITH woken AS (UPDATE download_history SET woken_at = now()
WHERE history_id IN (
    SELECT history_id FROM download_history
    WHERE status = 5 AND storage_node = :node AND claim_until IS NULL AND crashes = 0
      AND coalesce(not_before, now()) <= now()
      AND woken_at < now() - make_interval(secs => :patience_s)
    ORDER BY woken_at LIMIT 500 FOR UPDATE SKIP LOCKED)
RETURNING history_id, stage),
counted AS (
    INSERT INTO counter_events (counter, labels, number)
    SELECT 'sweep_recovered', '{woken}', count(*) FROM woken HAVING count(*) > 0)
SELECT history_id, stage FROM woken;

-- name: downloads_drop_claims
-- Only when no worker of this node can be alive: `vasset up` holds the lock of its folder. Whoever
-- stops well lets go of its claims, so what is claimed was held by one that died.
UPDATE download_history SET
    crashes = crashes + CAST(claim_until IS NOT NULL AS int),
    crashed_in = CASE WHEN claim_until IS NULL THEN crashed_in ELSE stage END,
    woken_at = CASE WHEN claim_until IS NULL THEN '-infinity' ELSE now() END,
    claim_until = NULL, trial_until = NULL
WHERE status = 5 AND storage_node = :node
RETURNING history_id;

-- name: downloads_claim_live
SELECT attempts FROM download_history
WHERE history_id = :history_id AND status = 5 AND storage_node = :node;

-- name: downloads_expired
SELECT history_id, user_id, mode, asset_uuid, created_at FROM download_history
WHERE storage_node = :node AND status = 3 AND mode = 'quick_download' AND expire_at <= now()
  AND history_id > :after
ORDER BY history_id LIMIT :limit;

-- name: transitions_of
SELECT from_status, to_status, stage, attempt, storage_node, error_code, moved_at
FROM transitions WHERE history_id = :history_id ORDER BY transition_id;

-- name: downloads_set_expired
WITH moved AS (UPDATE download_history SET status = 2
WHERE history_id = ANY(CAST(:history_ids AS bigint[])) AND status = 3
  AND mode = 'quick_download' AND expire_at <= now()
RETURNING *),
counted AS (
    INSERT INTO counter_events (counter, labels, number)
    SELECT 'cleanup_deleted', ARRAY[storage_node], count(*) FROM moved GROUP BY storage_node)
SELECT * FROM moved;

-- name: server_takes_writes
-- Changes no row, and yet is refused by whoever may only read.
UPDATE nodes SET node = node WHERE FALSE RETURNING node;

-- name: server_examined
SELECT clock_timestamp() AS now, current_setting('server_version') AS version,
       to_regclass('nodes') IS NOT NULL AS has_schema;

-- name: exits_avoided
SELECT exit_name, cooling_until > now() AS cooling FROM exits
WHERE cooling_until > now() OR failures > successes + 2;

-- name: exits_praise
INSERT INTO exits (exit_name, successes) VALUES (:exit_name, 1)
ON CONFLICT (exit_name) DO UPDATE SET successes = exits.successes + 1, used_at = now()
RETURNING exit_name;

-- name: exits_blame
INSERT INTO exits (exit_name, failures, cooling_until)
VALUES (:exit_name, 1, now() + make_interval(secs => :seconds))
ON CONFLICT (exit_name) DO UPDATE SET
    failures = exits.failures + 1, used_at = now(),
    cooling_until = greatest(exits.cooling_until, now() + make_interval(secs => :seconds))
RETURNING exit_name;

-- name: exits_all
SELECT e.exit_name, e.successes, e.failures, e.used_at,
       CAST((e.successes + 1.0) / (e.successes + e.failures + 2.0) AS float8) AS score,
       CASE WHEN e.cooling_until > now() THEN e.cooling_until END AS cooling_until,
       (SELECT count(*) FROM download_history d
        WHERE d.status = 5 AND d.exit_name = e.exit_name) AS running
FROM exits e ORDER BY e.used_at DESC, e.exit_name LIMIT :limit;

-- name: exits_cooling
SELECT count(*) AS number FROM exits WHERE cooling_until > now();

-- name: proxy_counts_add
INSERT INTO proxy_counts (provider, outcome, number, seconds, cost)
VALUES (:provider, :outcome, 1, :seconds, :cost)
ON CONFLICT (provider, outcome) DO UPDATE SET
    number = proxy_counts.number + 1, seconds = proxy_counts.seconds + :seconds,
    cost = proxy_counts.cost + :cost
RETURNING number;

-- name: proxy_counts_all
SELECT provider, outcome, number, seconds, cost FROM proxy_counts ORDER BY provider, outcome;

-- name: cookies_put
INSERT INTO site_cookies (site, sealed, number) VALUES (:site, :sealed, :number)
ON CONFLICT (site) DO UPDATE SET sealed = :sealed, number = :number, added_at = now()
RETURNING site;

-- name: cookies_of
SELECT sealed FROM site_cookies WHERE site = :site;

-- name: cookies_all
SELECT site, number, added_at FROM site_cookies ORDER BY site;

-- name: cookies_remove
DELETE FROM site_cookies WHERE site = :site RETURNING site;

-- name: assets_of_user
-- Those that their owner deleted too: they are gone, which is not to be no one's.
SELECT *, coalesce(expire_at <= now(), false) OR hidden_at IS NOT NULL AS is_gone
FROM download_history
WHERE history_id = ANY(CAST(:history_ids AS bigint[])) AND user_id = :user_id;

-- name: assets_fault
-- Marks an asset that is not as its row says; a mark of the same kind keeps its time, and
-- `corrupt` stays: the others heal without anybody reading the bytes.
UPDATE download_history SET file_fault_at = now(), file_fault = :fault
WHERE history_id = :history_id AND status IN (1, 3) AND hidden_at IS NULL
  AND file_removed_at IS NULL AND coalesce(expire_at, 'infinity') > now()
  AND coalesce(file_fault, '') NOT IN (:fault, 'corrupt')
RETURNING history_id;

-- name: assets_mend
UPDATE download_history SET file_fault = NULL, file_fault_at = NULL
WHERE history_id = :history_id AND file_fault = :fault
RETURNING history_id;

-- name: assets_read
-- The digest was compared and fits: what stands there is the file, whatever its inode was.
UPDATE download_history SET
    file_fault = NULL, file_fault_at = NULL, file_read_at = now(), file_inode = :inode
WHERE history_id = :history_id AND status IN (1, 3)
RETURNING history_id;

-- name: assets_to_scrub
-- Those with a fault are always due: what was brought back is to be found well again. Quick ones
-- are read when all are: after a restore each is another inode. As one array: an archive may have
-- a million, and as rows they would hold the loop for a second.
SELECT coalesce(array_agg(history_id ORDER BY file_read_at NULLS FIRST, history_id), '{}')
    AS history_ids
FROM download_history
WHERE storage_node = :node AND hidden_at IS NULL
  AND (status = 1 OR (status = 3 AND CAST(:age_s AS double precision) = 0))
  AND (file_fault IS NOT NULL
       OR coalesce(file_read_at, '-infinity') < now() - make_interval(secs => :age_s))
  AND coalesce(file_taken_at, '-infinity') < now() - make_interval(secs => :rest_s);

-- name: assets_take
-- The same once more: it may be long since it was found to be due.
UPDATE download_history SET file_taken_at = now()
WHERE history_id = :history_id AND storage_node = :node AND hidden_at IS NULL
  AND (status = 1 OR (status = 3 AND CAST(:age_s AS double precision) = 0))
  AND (file_fault IS NOT NULL
       OR coalesce(file_read_at, '-infinity') < now() - make_interval(secs => :age_s))
  AND coalesce(file_taken_at, '-infinity') < now() - make_interval(secs => :rest_s)
RETURNING *;

-- name: assets_faulty
SELECT history_id, user_id, storage_node AS node, file_fault AS fault, file_fault_at AS since
FROM download_history WHERE file_fault IS NOT NULL AND status IN (1, 3) AND hidden_at IS NULL
ORDER BY storage_node, history_id LIMIT :limit;

-- name: assets_fault_counts
SELECT storage_node AS node, file_fault AS fault, count(*) AS number
FROM download_history WHERE file_fault IS NOT NULL AND status IN (1, 3) AND hidden_at IS NULL
GROUP BY storage_node, file_fault ORDER BY storage_node, file_fault;

-- name: nodes_may_mark
-- A node that is new, or whose administrator said that its root is.
SELECT coalesce((SELECT adopts_root FROM nodes WHERE node = :node), true) AS may_mark;

-- name: nodes_set_adopts
UPDATE nodes SET adopts_root = :adopts WHERE node = :node RETURNING node;

-- name: nodes_one
SELECT url, heartbeat_at > now() - make_interval(secs => :silent_s) AS alive
FROM nodes WHERE node = :node;

-- name: delivery_counts_add
INSERT INTO delivery_counts (user_id, history_id, transfers, bytes)
SELECT d.user_id, d.history_id, t.transfers, t.bytes
FROM unnest(CAST(:history_ids AS bigint[]), CAST(:transfers AS bigint[]),
            CAST(:sent_bytes AS bigint[])) AS t (history_id, transfers, bytes)
JOIN download_history d USING (history_id)
ORDER BY d.history_id
ON CONFLICT (user_id, history_id) DO UPDATE SET
    transfers = delivery_counts.transfers + excluded.transfers,
    bytes = delivery_counts.bytes + excluded.bytes, last_at = now();

-- name: delivery_totals_add
INSERT INTO delivery_totals (node, outcome, number, bytes)
SELECT :node, t.outcome, t.number, t.bytes
FROM unnest(CAST(:outcomes AS varchar[]), CAST(:numbers AS bigint[]),
            CAST(:sent_bytes AS bigint[])) AS t (outcome, number, bytes)
ORDER BY t.outcome
ON CONFLICT (node, outcome) DO UPDATE SET
    number = delivery_totals.number + excluded.number,
    bytes = delivery_totals.bytes + excluded.bytes;

-- name: delivery_totals_all
SELECT node, outcome, number, bytes FROM delivery_totals ORDER BY node, outcome;

-- name: delivery_counts_of_user
SELECT history_id, transfers, bytes, last_at FROM delivery_counts
WHERE user_id = :user_id ORDER BY last_at DESC LIMIT :limit;

-- name: stats_downloads
SELECT status, count(*) AS number FROM download_history
WHERE user_id = :user_id AND hidden_at IS NULL GROUP BY status;

-- name: stats_bytes
SELECT u.created_at AS since,
       CAST((SELECT coalesce(sum(bytes), 0) FROM archive_changes WHERE user_id = u.user_id)
          + (SELECT coalesce(sum(file_size), 0) FROM download_history
             WHERE user_id = u.user_id AND status = 3 AND file_removed_at IS NULL) AS bigint)
           AS bytes_kept,
       CAST(coalesce(d.bytes, 0) AS bigint) AS bytes_delivered,
       CAST(coalesce(d.transfers, 0) AS bigint) AS transfers
FROM users u
CROSS JOIN LATERAL (SELECT sum(bytes) AS bytes, sum(transfers) AS transfers
                    FROM delivery_counts WHERE user_id = u.user_id) d
WHERE u.user_id = :user_id;

-- name: roster_page
SELECT user_id, email, nickname, role, created_at, disabled_at FROM users
WHERE user_id < :before AND (CAST(:pattern AS text) IS NULL OR email ILIKE :pattern)
ORDER BY user_id DESC LIMIT :limit;

-- name: roster_lock
-- So that of two administrators who disable each other at once one stays.
SELECT pg_advisory_xact_lock(hashtext('vasset.roster'));

-- name: roster_one
SELECT u.user_id, u.email, u.nickname, u.role, u.created_at, u.disabled_at,
       EXISTS (SELECT FROM users o WHERE o.user_id <> u.user_id
               AND o.role = 'admin' AND o.disabled_at IS NULL) AS has_other_admin
FROM users u WHERE u.user_id = :user_id FOR UPDATE OF u;

-- name: roster_end_sessions
DELETE FROM refresh_tokens WHERE user_id = :user_id;

-- name: roster_change
UPDATE users SET role = :role, token_version = token_version + 1,
    disabled_at = CASE WHEN :disabled THEN coalesce(disabled_at, now()) END
WHERE user_id = :user_id
RETURNING user_id, email, nickname, role, created_at, disabled_at;

-- name: history_owner
SELECT user_id FROM download_history WHERE history_id = :history_id AND hidden_at IS NULL;

-- name: audit_note
INSERT INTO audit (actor_id, action, user_id, history_id, detail, request_id, network)
SELECT CAST(:actor_id AS bigint), :action, CAST(:user_id AS bigint), h.history_id,
       CAST(:detail AS varchar), CAST(:request_id AS varchar), CAST(:network AS varchar)
FROM unnest(CAST(:history_ids AS bigint[])) AS h (history_id);

-- name: audit_count
INSERT INTO audit (action, hour) VALUES (:action, date_trunc('hour', now()))
ON CONFLICT (hour, action, coalesce(user_id, 0), coalesce(history_id, 0)) WHERE hour IS NOT NULL
DO UPDATE SET number = audit.number + 1;

-- name: audit_count_deliveries
-- One row for each user, file and hour: a player asks for a thousand ranges.
INSERT INTO audit (actor_id, action, user_id, history_id, number, hour)
SELECT d.user_id, 'delivered', d.user_id, d.history_id, t.transfers, date_trunc('hour', now())
FROM unnest(CAST(:history_ids AS bigint[]), CAST(:transfers AS bigint[]))
    AS t (history_id, transfers)
JOIN download_history d USING (history_id)
ORDER BY d.history_id
ON CONFLICT (hour, action, coalesce(user_id, 0), coalesce(history_id, 0)) WHERE hour IS NOT NULL
DO UPDATE SET number = audit.number + excluded.number;

-- name: audit_page
SELECT audit_id, at, actor_id, action, user_id, history_id, number, detail, request_id, network
FROM audit
WHERE audit_id < :before
  AND (CAST(:user_id AS bigint) IS NULL OR user_id = :user_id OR actor_id = :user_id)
  AND (CAST(:action AS varchar) IS NULL OR action = :action)
  AND (CAST(:history_id AS bigint) IS NULL OR history_id = :history_id)
  AND (CAST(:since AS timestamptz) IS NULL OR at >= :since)
ORDER BY audit_id DESC LIMIT :limit;

-- name: audit_forget
DELETE FROM audit WHERE audit_id IN (
    SELECT audit_id FROM audit WHERE at < now() - make_interval(secs => :keep_s)
    ORDER BY at LIMIT 5000)
RETURNING audit_id;

-- name: webhook_secrets_of
SELECT made_at, CASE WHEN old_until > now() THEN old_until END AS old_until
FROM webhook_secrets WHERE user_id = :user_id;

-- name: webhook_secrets_ensure
INSERT INTO webhook_secrets (user_id, sealed) VALUES (:user_id, :sealed)
ON CONFLICT (user_id) DO NOTHING;

-- name: webhook_secrets_show
-- The first one that nobody has seen stays; else what is there becomes an old one. A few of
-- those go on: who rotates twice in a minute has not brought the second to the receiver yet.
INSERT INTO webhook_secrets AS s (user_id, sealed, shown_at) VALUES (:user_id, :sealed, now())
ON CONFLICT (user_id) DO UPDATE SET
    sealed = CASE WHEN s.shown_at IS NULL THEN s.sealed ELSE excluded.sealed END,
    old_sealed = CASE WHEN s.shown_at IS NULL THEN '{}'
                      WHEN s.old_until > now() THEN (s.sealed || s.old_sealed)[1:4]
                      ELSE ARRAY[s.sealed] END,
    old_until = CASE WHEN s.shown_at IS NOT NULL
                     THEN now() + make_interval(secs => :overlap_s) END,
    made_at = CASE WHEN s.shown_at IS NULL THEN s.made_at ELSE now() END,
    shown_at = now()
RETURNING user_id, sealed, made_at, old_until;

-- name: webhooks_attach
UPDATE download_history SET webhook = :url
WHERE history_id = ANY(CAST(:history_ids AS bigint[])) AND user_id = :user_id;

-- name: webhooks_lock
SELECT pg_advisory_xact_lock(hashtext('vasset.webhooks'));

-- name: webhooks_claim
-- Runs behind webhooks_lock, so the counts are exact. It goes from lane to lane, each of one user
-- at one host, by the index: the ten thousand that wait for a dead host are not read. Of each
-- lane the few that are longest due, of those a few of each user, and of those a few at each host.
WITH RECURSIVE lanes AS (
    (SELECT host, user_id FROM webhook_deliveries WHERE status = 'pending'
     ORDER BY host, user_id LIMIT 1)
    UNION ALL
    SELECT n.host, n.user_id FROM lanes l CROSS JOIN LATERAL (
        SELECT host, user_id FROM webhook_deliveries d
        WHERE d.status = 'pending' AND (d.host, d.user_id) > (l.host, l.user_id)
        ORDER BY d.host, d.user_id LIMIT 1) n),
held AS MATERIALIZED (
    SELECT host, user_id FROM webhook_deliveries
    WHERE claimed_until IS NOT NULL AND claimed_until > now()),
of_lanes AS (
    SELECT due.* FROM lanes l CROSS JOIN LATERAL (
        SELECT delivery_id, host, user_id, due_at FROM webhook_deliveries
        WHERE status = 'pending' AND host = l.host AND user_id = l.user_id
          AND due_at <= now() AND (claimed_until IS NULL OR claimed_until <= now())
        ORDER BY due_at
        LIMIT greatest(0, :per_lane - (SELECT count(*) FROM held h
                                       WHERE h.host = l.host AND h.user_id = l.user_id))) due),
of_users AS (
    SELECT l.*, row_number() OVER (PARTITION BY user_id ORDER BY due_at)
           + (SELECT count(*) FROM held h WHERE h.user_id = l.user_id) AS place
    FROM of_lanes l),
of_hosts AS (
    SELECT u.delivery_id, u.due_at, row_number() OVER (PARTITION BY host ORDER BY due_at)
           + (SELECT count(*) FROM held h WHERE h.host = u.host) AS place
    FROM of_users u WHERE place <= :per_user),
claimed AS (
    UPDATE webhook_deliveries SET
        claimed_until = now() + make_interval(secs => :claim_s),
        epoch = epoch + 1, tries = tries + 1,
        tried_at = CASE WHEN tries = 0 THEN now() ELSE tried_at END
    WHERE status = 'pending' AND (claimed_until IS NULL OR claimed_until <= now())
      AND delivery_id IN (SELECT delivery_id FROM of_hosts WHERE place <= :per_host
                          ORDER BY due_at LIMIT :limit)
    RETURNING *),
begun AS (
    INSERT INTO webhook_attempts (delivery_id, epoch) SELECT delivery_id, epoch FROM claimed)
SELECT c.delivery_id, c.epoch, c.message_id, c.history_id, c.url, c.body, c.tries,
       CAST(extract(epoch FROM now() - c.tried_at) AS float8) AS age_s,
       CAST(extract(epoch FROM now()) AS bigint) AS timestamp,
       u.disabled_at IS NOT NULL AS is_disabled,
       CASE WHEN s.old_until > now() THEN s.sealed || s.old_sealed
            ELSE ARRAY[s.sealed] END AS sealed
FROM claimed c JOIN users u ON u.user_id = c.user_id
LEFT JOIN webhook_secrets s ON s.user_id = c.user_id;

-- name: webhooks_settle
WITH settled AS (
    UPDATE webhook_deliveries SET
        status = :status, claimed_until = NULL, due_at = now() + make_interval(secs => :wait_s)
    WHERE delivery_id = :delivery_id AND epoch = :epoch AND claimed_until IS NOT NULL
    RETURNING delivery_id, epoch),
told AS (
    UPDATE webhook_attempts a SET
        ended_at = clock_timestamp(), http_status = CAST(:http_status AS int),
        fault = CAST(:fault AS varchar)
    FROM settled s WHERE a.delivery_id = s.delivery_id AND a.epoch = s.epoch),
counted AS (
    INSERT INTO webhook_counts (outcome, number) SELECT :outcome, 1 FROM settled
    ON CONFLICT (outcome) DO UPDATE SET number = webhook_counts.number + 1)
SELECT delivery_id FROM settled;

-- name: webhooks_counts
SELECT outcome, number FROM webhook_counts ORDER BY outcome;

-- name: webhooks_page
SELECT delivery_id, message_id, history_id, event, url, status, created_at,
       CASE WHEN status = 'pending' AND coalesce(claimed_until, now()) <= now() THEN due_at END
           AS next_attempt_at
FROM webhook_deliveries
WHERE user_id = :user_id AND delivery_id < :before
  AND (CAST(:history_id AS bigint) IS NULL OR history_id = :history_id)
  AND (CAST(:status AS varchar) IS NULL OR status = :status)
ORDER BY delivery_id DESC LIMIT :limit;

-- name: webhooks_attempts
-- The newest of each. One that was not settled while its claim lasted died with its worker.
SELECT d.delivery_id, a.began_at AS at, a.http_status,
       CAST(extract(epoch FROM a.ended_at - a.began_at) AS float8) AS seconds,
       CASE WHEN a.ended_at IS NULL
                 AND (a.epoch < d.epoch OR coalesce(d.claimed_until, now()) <= now())
            THEN 'interrupted' ELSE a.fault END AS fault
FROM webhook_deliveries d CROSS JOIN LATERAL (
    SELECT * FROM webhook_attempts WHERE delivery_id = d.delivery_id
    ORDER BY epoch DESC LIMIT :most) a
WHERE d.delivery_id = ANY(CAST(:delivery_ids AS bigint[]))
ORDER BY a.epoch;

-- name: webhooks_lock_replays
-- The replays of a user one by one, so that of many at once none is one too many.
SELECT user_id FROM webhook_secrets WHERE user_id = :user_id FOR UPDATE;

-- name: webhooks_replay
-- The attempts that the log shows no more go, or who replays for a month would fill it.
WITH due AS (
    UPDATE webhook_deliveries SET
        status = 'pending', tries = 0, due_at = now(), replayed_at = now()
    WHERE delivery_id = :delivery_id AND user_id = :user_id AND status <> 'pending'
      AND coalesce(replayed_at, '-infinity') < now() - make_interval(secs => :within_s)
      AND (SELECT count(*) FROM webhook_deliveries r WHERE r.user_id = :user_id
           AND r.replayed_at IS NOT NULL
           AND r.replayed_at > now() - make_interval(secs => :within_s)) < :most
    RETURNING delivery_id, history_id, epoch),
unseen AS (
    DELETE FROM webhook_attempts a USING due d
    WHERE a.delivery_id = d.delivery_id AND a.epoch <= d.epoch - :shown)
SELECT delivery_id, history_id FROM due;

-- name: webhooks_one
SELECT status FROM webhook_deliveries WHERE delivery_id = :delivery_id AND user_id = :user_id;

-- name: webhooks_forget
DELETE FROM webhook_deliveries WHERE delivery_id IN (
    SELECT delivery_id FROM webhook_deliveries
    WHERE status <> 'pending' AND created_at < now() - make_interval(secs => :keep_s)
    ORDER BY created_at LIMIT 5000)
RETURNING delivery_id;

-- name: schema_lock
SELECT pg_try_advisory_lock(hashtext('vasset.schema')) AS is_ours;

-- name: schema_memory
SELECT set_config('maintenance_work_mem', :amount, false);

-- name: schema_index
SELECT i.indexrelid IS NOT NULL AS is_there, coalesce(i.indisvalid, false) AS is_whole,
       pg_relation_size(to_regclass(CAST(:table AS text))) > 0 AS is_filled
FROM (SELECT to_regclass(CAST(:index AS text)) AS id) wanted
LEFT JOIN pg_index i ON i.indexrelid = wanted.id;

-- name: schema_progress
-- Of a table that is read once and then a second time; none between these.
SELECT phase, 100 * blocks_done / blocks_total AS percent FROM pg_stat_progress_create_index
WHERE datname = current_database() AND blocks_total > 0;
