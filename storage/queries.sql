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

-- name: users_set_password
UPDATE users SET password_hash = :password_hash, token_version = token_version + 1
WHERE email = :email RETURNING user_id;

-- name: users_disable
UPDATE users SET disabled_at = coalesce(disabled_at, now()), token_version = token_version + 1
WHERE email = :email RETURNING user_id;

-- name: users_end_tokens
UPDATE users SET token_version = token_version + 1 WHERE user_id = :user_id RETURNING user_id;

-- name: refresh_insert
INSERT INTO refresh_tokens (token_hash, family, user_id, expires_at)
VALUES (:token_hash, :family, :user_id, now() + make_interval(secs => :ttl_s));

-- name: refresh_use
UPDATE refresh_tokens SET used_at = now()
WHERE token_hash = :token_hash AND used_at IS NULL AND expires_at > now()
RETURNING user_id, family;

-- name: refresh_end_family
DELETE FROM refresh_tokens
WHERE family = (SELECT family FROM refresh_tokens WHERE token_hash = :token_hash);

-- name: refresh_end_all
DELETE FROM refresh_tokens WHERE user_id = :user_id;

-- name: refresh_forget_old
DELETE FROM refresh_tokens WHERE expires_at < now();

-- name: nodes_beat
INSERT INTO nodes (node, url) VALUES (:node, :url)
ON CONFLICT (node) DO UPDATE SET url = :url, heartbeat_at = now()
RETURNING draining;

-- name: nodes_set_draining
UPDATE nodes SET draining = :draining WHERE node = :node RETURNING node;

-- name: nodes_all
SELECT n.node, n.url, n.draining, n.heartbeat_at,
       n.heartbeat_at > now() - make_interval(secs => :silent_s) AS alive,
       (SELECT count(*) FROM download_history d
        WHERE d.storage_node = n.node AND d.status = 5) AS running
FROM nodes n ORDER BY n.node;

-- name: downloads_insert
INSERT INTO download_history (user_id, url, mode, quality, format_id)
VALUES (:user_id, :url, :mode, :quality, :format_id)
RETURNING *;

-- name: downloads_of_user
SELECT * FROM download_history WHERE history_id = :history_id AND user_id = :user_id;

-- name: downloads_active_of_user
SELECT * FROM download_history WHERE user_id = :user_id AND status IN (4, 5)
ORDER BY history_id DESC;

-- name: downloads_page
SELECT * FROM download_history
WHERE user_id = :user_id AND history_id < :before
ORDER BY history_id DESC LIMIT :limit;

-- name: downloads_lock_turns
SELECT pg_advisory_xact_lock(hashtext('vasset.turns'));

-- name: downloads_claim_first
-- Takes a slot too, so it runs behind downloads_lock_turns and the counts are exact.
WITH claimed AS (UPDATE download_history d SET
    status = 5, storage_node = :node, claimed_by = :holder,
    claim_until = now() + make_interval(secs => :claim_s), epoch = epoch + 1,
    attempts = attempts + CASE WHEN continues THEN 0 ELSE 1 END, tries = 1,
    crashes = crashes + CASE WHEN claim_until IS NULL THEN 0 ELSE 1 END,
    continues = false, not_before = NULL, started_at = coalesce(started_at, now())
WHERE history_id = :history_id AND stage = 'acquire_proxy'
  AND (status = 4 OR (status = 5 AND storage_node = :node))
  AND (claim_until IS NULL OR claim_until < now())
  AND coalesce(not_before, now()) <= now() AND cancel_wish_at IS NULL
  AND NOT EXISTS (SELECT FROM nodes n WHERE n.node = :node AND n.draining)
  AND (SELECT count(*) FROM download_history o
       WHERE o.status = 5 AND o.storage_node = :node AND o.history_id <> :history_id) < :slots
  AND (SELECT count(*) FROM download_history o
       WHERE o.status = 5 AND o.user_id = d.user_id AND o.history_id <> :history_id) < :per_user
RETURNING *),
turn AS (UPDATE users u SET turn_at = clock_timestamp() FROM claimed c
         WHERE u.user_id = c.user_id)
SELECT * FROM claimed;

-- name: downloads_claim
UPDATE download_history SET
    claimed_by = :holder, claim_until = now() + make_interval(secs => :claim_s),
    epoch = epoch + 1, tries = tries + 1,
    crashes = crashes + CASE WHEN claim_until IS NULL THEN 0 ELSE 1 END, not_before = NULL
WHERE history_id = :history_id AND stage = :stage AND status = 5 AND storage_node = :node
  AND (claim_until IS NULL OR claim_until < now())
  AND coalesce(not_before, now()) <= now() AND cancel_wish_at IS NULL
RETURNING *;

-- name: downloads_renew
UPDATE download_history SET claim_until = now() + make_interval(secs => :claim_s)
WHERE history_id = :history_id AND epoch = :epoch AND status = 5 AND claim_until > now()
RETURNING cancel_wish_at IS NOT NULL AS cancel_wished;

-- name: downloads_pass_on
UPDATE download_history SET
    stage = :next_stage, claim_until = NULL, tries = 0, woken_at = now(),
    title = coalesce(:title, title), extractor = coalesce(:extractor, extractor),
    webpage_url = coalesce(:webpage_url, webpage_url),
    thumbnail = coalesce(:thumbnail, thumbnail), duration_s = coalesce(:duration_s, duration_s),
    extension = coalesce(:extension, extension),
    file_size = coalesce(:file_size, file_size), file_hash = coalesce(:file_hash, file_hash)
WHERE history_id = :history_id AND epoch = :epoch AND status = 5 AND claim_until > now()
  AND cancel_wish_at IS NULL
RETURNING history_id;

-- name: downloads_hold
SELECT history_id FROM download_history
WHERE history_id = :history_id AND epoch = :epoch AND status = 5 AND claim_until > now()
  AND cancel_wish_at IS NULL
FOR UPDATE;

-- name: downloads_finish
UPDATE download_history SET
    status = :status, claim_until = NULL, finished_at = now(), file_path = :file_path,
    file_name = :file_name, file_size = :file_size, file_hash = :file_hash,
    expire_at = CASE WHEN :status = 3 THEN now() + make_interval(secs => :ttl_s) END,
    error_code = NULL, error_message = NULL, error_retryable = NULL
WHERE history_id = :history_id AND epoch = :epoch AND status = 5
RETURNING history_id;

-- name: downloads_put_back
-- Back to the queue: after a failed attempt (with its error) or when the worker stops.
UPDATE download_history SET
    status = 4, stage = 'acquire_proxy', claim_until = NULL, storage_node = NULL,
    continues = :continues, woken_at = now() + make_interval(secs => :delay_s),
    not_before = now() + make_interval(secs => :delay_s),
    error_code = :error_code, error_message = :error_message, error_retryable = true
WHERE history_id = :history_id AND epoch = :epoch AND status = 5
  AND cancel_wish_at IS NULL
RETURNING history_id;

-- name: downloads_repeat_stage
-- The file is good and stays; only this stage is tried again, on the same node.
UPDATE download_history SET
    claim_until = NULL, woken_at = now() + make_interval(secs => :delay_s),
    not_before = now() + make_interval(secs => :delay_s),
    error_code = :error_code, error_message = :error_message, error_retryable = true
WHERE history_id = :history_id AND epoch = :epoch AND status = 5
  AND cancel_wish_at IS NULL
RETURNING history_id;

-- name: downloads_let_go
-- The worker stops; the stage is due again at once, on this node.
UPDATE download_history SET claim_until = NULL, tries = tries - 1, woken_at = now()
WHERE history_id = :history_id AND epoch = :epoch AND status = 5
RETURNING history_id;

-- name: downloads_fail
UPDATE download_history SET
    status = 0, claim_until = NULL, finished_at = now(),
    file_size = NULL, file_hash = NULL, error_code = :error_code,
    error_message = :error_message, error_retryable = :error_retryable
WHERE history_id = :history_id AND epoch = :epoch AND status = 5
RETURNING history_id;

-- name: downloads_end_cancelled
UPDATE download_history SET
    status = 6, claim_until = NULL, finished_at = now(), file_size = NULL, file_hash = NULL,
    error_code = 'cancelled', error_message = 'Cancelled by its owner.', error_retryable = false
WHERE history_id = :history_id AND epoch = :epoch AND status = 5
RETURNING history_id;

-- name: downloads_cancel
-- Nobody holds it: cancelled at once. Held: a wish that the holder finds.
UPDATE download_history SET
    cancel_wish_at = now(),
    status = CASE WHEN claim_until > now() THEN status ELSE 6 END,
    finished_at = CASE WHEN claim_until > now() THEN NULL ELSE now() END,
    claim_until = CASE WHEN claim_until > now() THEN claim_until END,
    error_code = CASE WHEN claim_until > now() THEN error_code ELSE 'cancelled' END,
    error_message = CASE WHEN claim_until > now() THEN error_message
                         ELSE 'Cancelled by its owner.' END,
    error_retryable = CASE WHEN claim_until > now() THEN error_retryable ELSE false END
WHERE history_id = :history_id AND user_id = :user_id AND status IN (4, 5)
RETURNING *;

-- name: downloads_retry
UPDATE download_history SET
    status = 4, stage = 'acquire_proxy', storage_node = NULL, claim_until = NULL,
    continues = false, attempts = 0, crashes = 0, not_before = NULL, woken_at = now(),
    cancel_wish_at = NULL, finished_at = NULL, started_at = NULL,
    error_code = NULL, error_message = NULL, error_retryable = NULL,
    asset_uuid = gen_random_uuid()
WHERE history_id = :history_id AND user_id = :user_id AND status IN (0, 6)
RETURNING *;

-- name: downloads_next_turns
-- The fair order: of each user the oldest; users with fewer running first, and among them
-- the one whose last turn is longest ago.
SELECT turn.history_id FROM
    (SELECT user_id, turn_at FROM users u
     WHERE EXISTS (SELECT FROM download_history w WHERE w.user_id = u.user_id AND w.status = 4)
    ) waiting
    CROSS JOIN LATERAL (
        SELECT count(*) AS running FROM download_history r
        WHERE r.status = 5 AND r.user_id = waiting.user_id) busy
    CROSS JOIN LATERAL (
        SELECT q.history_id, busy.running + row_number() OVER (ORDER BY q.history_id) AS place
        FROM download_history q
        WHERE q.user_id = waiting.user_id AND q.status = 4 AND q.cancel_wish_at IS NULL
          AND coalesce(q.not_before, now()) <= now()
        ORDER BY q.history_id LIMIT :per_user) turn
WHERE turn.place <= :per_user
  AND NOT EXISTS (SELECT FROM nodes n WHERE n.node = :node AND n.draining)
ORDER BY turn.place, waiting.turn_at, turn.history_id
LIMIT greatest(0, :slots - (SELECT count(*) FROM download_history o
                            WHERE o.status = 5 AND o.storage_node = :node));

-- name: downloads_take_back
-- Claims that ran out before the file was fetched, and those of a node that fell silent.
UPDATE download_history d SET
    status = 4, stage = 'acquire_proxy', storage_node = NULL, claim_until = NULL,
    continues = false, crashes = crashes + 1, woken_at = now()
WHERE history_id IN (
    SELECT history_id FROM download_history o
    WHERE o.status = 5 AND o.cancel_wish_at IS NULL
      AND ((o.claim_until < now() AND o.stage IN ('acquire_proxy', 'fetch')
            AND o.storage_node = :node)
           OR NOT EXISTS (SELECT FROM nodes n WHERE n.node = o.storage_node
                          AND n.heartbeat_at > now() - make_interval(secs => :silent_s)))
      AND coalesce(o.claim_until, o.woken_at + make_interval(secs => :silent_s)) < now()
    ORDER BY o.history_id LIMIT 500 FOR UPDATE SKIP LOCKED)
RETURNING *;

-- name: downloads_end_cancel_wishes
-- The holder died before it saw the wish.
UPDATE download_history SET
    status = 6, claim_until = NULL, finished_at = now(), error_code = 'cancelled',
    error_message = 'Cancelled by its owner.', error_retryable = false
WHERE status IN (4, 5) AND cancel_wish_at IS NOT NULL
  AND (claim_until IS NULL OR claim_until < now())
RETURNING *;

-- name: downloads_unheard
-- Stages of this node that are due, held by nobody, and whose wake-up must have been lost.
UPDATE download_history SET woken_at = now()
WHERE history_id IN (
    SELECT history_id FROM download_history
    WHERE status = 5 AND storage_node = :node
      AND (claim_until IS NULL OR claim_until < now())
      AND coalesce(not_before, now()) <= now()
      AND woken_at < now() - make_interval(secs => :patience_s)
    ORDER BY woken_at LIMIT 500 FOR UPDATE SKIP LOCKED)
RETURNING history_id, stage;

-- name: downloads_drop_claims
-- Only when no worker of this node can be alive: `vasset up` holds the lock of its folder.
UPDATE download_history SET claim_until = NULL, woken_at = '-infinity'
WHERE status = 5 AND storage_node = :node
RETURNING history_id;

-- name: downloads_claim_live
SELECT attempts FROM download_history
WHERE history_id = :history_id AND status = 5 AND storage_node = :node;

-- name: downloads_expired
SELECT history_id, user_id, asset_uuid, created_at FROM download_history
WHERE storage_node = :node AND status = 3 AND mode = 'quick_download' AND expire_at <= now()
ORDER BY expire_at LIMIT :limit;

-- name: transitions_of
SELECT from_status, to_status, stage, attempt, storage_node, error_code, moved_at
FROM transitions WHERE history_id = :history_id ORDER BY transition_id;

-- name: downloads_set_expired
UPDATE download_history SET status = 2
WHERE history_id = ANY(CAST(:history_ids AS bigint[])) AND status = 3
  AND mode = 'quick_download' AND expire_at <= now()
RETURNING *;

-- name: server_examined
SELECT clock_timestamp() AS now, current_setting('server_version') AS version,
       to_regclass('nodes') IS NOT NULL AS has_schema;
