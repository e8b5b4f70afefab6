-- The schema of V-Asset. Safe to run again at any time: `vasset migrate` does, under a lock. It
-- builds each CREATE INDEX IF NOT EXISTS by itself, CONCURRENTLY, after all the rest.
-- All deadlines are compared with the database's own clock.

CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS btree_gin;

CREATE TABLE IF NOT EXISTS users (
    user_id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email         varchar(254) NOT NULL UNIQUE,      -- in its canonical form, storage/users.py
    nickname      varchar(64),
    password_hash varchar(255) NOT NULL,             -- argon2id
    role          varchar(8)  NOT NULL DEFAULT 'user' CHECK (role IN ('user', 'admin')),
    token_version int         NOT NULL DEFAULT 1,    -- raised to end every token at once
    disabled_at   timestamptz,
    turn_at       timestamptz NOT NULL DEFAULT '-infinity', -- when a download of theirs last began
    created_at    timestamptz NOT NULL DEFAULT now()
);

-- One row for each refresh token ever given; a used one that comes again ends its family.
CREATE TABLE IF NOT EXISTS refresh_tokens (
    token_hash char(64)    PRIMARY KEY,              -- SHA-256 of the token, in hex
    family     uuid        NOT NULL,
    user_id    bigint      NOT NULL REFERENCES users ON DELETE CASCADE,
    expires_at timestamptz NOT NULL,
    used_at    timestamptz
);
ALTER TABLE refresh_tokens
    ADD COLUMN IF NOT EXISTS version int NOT NULL DEFAULT 0; -- the account's token_version then
CREATE INDEX IF NOT EXISTS refresh_tokens_family ON refresh_tokens (family);
CREATE INDEX IF NOT EXISTS refresh_tokens_expiry ON refresh_tokens (expires_at);

-- Browsers that are signed in on the page; the secret is a cookie that no script can read.
CREATE TABLE IF NOT EXISTS sessions (
    token_hash char(64)    PRIMARY KEY,              -- SHA-256 of the secret, in hex
    user_id    bigint      NOT NULL REFERENCES users ON DELETE CASCADE,
    version    int         NOT NULL,                 -- the account's token_version then
    expires_at timestamptz NOT NULL                  -- moved on by every renewal
);
CREATE INDEX IF NOT EXISTS sessions_expiry ON sessions (expires_at);
CREATE INDEX IF NOT EXISTS sessions_of_user ON sessions (user_id);

-- What scripts show instead of a token.
CREATE TABLE IF NOT EXISTS api_keys (
    key_id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id      bigint        NOT NULL REFERENCES users ON DELETE CASCADE,
    name         varchar(64)   NOT NULL,
    prefix       varchar(12)   NOT NULL,              -- for its owner to know it by
    key_hash     char(64)      NOT NULL UNIQUE,       -- SHA-256 of the key, in hex
    scopes       varchar(16)[] NOT NULL,
    created_at   timestamptz   NOT NULL DEFAULT now(),
    expires_at   timestamptz,                         -- NULL: never
    last_used_at timestamptz                          -- true to the minute
);
CREATE INDEX IF NOT EXISTS api_keys_of_user ON api_keys (user_id);
ALTER TABLE users
    ADD COLUMN IF NOT EXISTS key_count int NOT NULL DEFAULT 0; -- rows in api_keys

CREATE TABLE IF NOT EXISTS nodes (
    node         varchar(63) PRIMARY KEY,
    url          text        NOT NULL DEFAULT '',
    draining     boolean     NOT NULL DEFAULT false,
    heartbeat_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS download_history (
    history_id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id         bigint        NOT NULL REFERENCES users,
    url             varchar(2048) NOT NULL,
    mode            varchar(16)   NOT NULL CHECK (mode IN ('quick_download', 'archive')),
    quality         varchar(8)    NOT NULL DEFAULT 'best',
    format_id       varchar(64),

    -- Where it stands. A claim is the triple of epoch, claimed_by and claim_until.
    status          int           NOT NULL DEFAULT 4 CHECK (status BETWEEN 0 AND 6),
    stage           varchar(16)   NOT NULL DEFAULT 'acquire_proxy'
                    CHECK (stage IN ('acquire_proxy', 'fetch', 'checksum', 'record')),
    storage_node    varchar(63),
    epoch           int           NOT NULL DEFAULT 0,
    claimed_by      varchar(128),
    claim_until     timestamptz,                     -- NULL: nobody holds it
    continues       boolean       NOT NULL DEFAULT false,  -- the next start is no new attempt
    attempts        int           NOT NULL DEFAULT 0,
    tries           int           NOT NULL DEFAULT 0, -- claims of this stage within the attempt
    crashes         int           NOT NULL DEFAULT 0, -- in a row that it was held in; a suspect
    not_before      timestamptz,
    woken_at        timestamptz   NOT NULL DEFAULT now(),
    cancel_wish_at  timestamptz,

    -- What the site said.
    title           varchar(200),
    extractor       varchar(100),
    webpage_url     text,
    thumbnail       text,
    duration_s      double precision,
    extension       varchar(8),

    -- The asset.
    asset_uuid      uuid          NOT NULL DEFAULT gen_random_uuid(),
    file_path       varchar,
    file_name       varchar(255),
    file_size       bigint,
    file_hash       char(32),
    expire_at       timestamptz,

    error_code      varchar(32),
    error_message   text,
    error_retryable boolean,

    created_at      timestamptz   NOT NULL DEFAULT now(),
    started_at      timestamptz,
    finished_at     timestamptz
);
ALTER TABLE download_history
    ADD COLUMN IF NOT EXISTS site            varchar(253) NOT NULL DEFAULT '',
    ADD COLUMN IF NOT EXISTS container       varchar(8),    -- wished; NULL: as it comes
    ADD COLUMN IF NOT EXISTS format_ids      varchar(200),  -- wished, joined by +; format_id: their
                                                            -- beginning, for an older version
    ADD COLUMN IF NOT EXISTS audio_bitrate_kbps int,        -- wished; NULL: what is usual
    ADD COLUMN IF NOT EXISTS subtitles       varchar(400) NOT NULL DEFAULT '', -- wished: en,pt-BR
    ADD COLUMN IF NOT EXISTS entry           text,          -- of a list, as JSON; NULL: one video
    ADD COLUMN IF NOT EXISTS list_title      varchar(200),  -- as that list calls it
    ADD COLUMN IF NOT EXISTS live            varchar(8),    -- record; NULL: refused if on air
    ADD COLUMN IF NOT EXISTS exit_name       varchar(300),  -- of its proxy, without credentials
    ADD COLUMN IF NOT EXISTS hidden_at       timestamptz,   -- its owner deleted the record
    ADD COLUMN IF NOT EXISTS file_removed_at timestamptz,   -- and after that its file went
    ADD COLUMN IF NOT EXISTS proxy_faults    int NOT NULL DEFAULT 0, -- since a proxy last worked
    ADD COLUMN IF NOT EXISTS proxy_failing_since timestamptz,
    ADD COLUMN IF NOT EXISTS file_inode      bigint,        -- NULL: not known, the scrub finds it
    ADD COLUMN IF NOT EXISTS file_fault      varchar(8)     -- what is wrong with the asset
        CHECK (file_fault IN ('missing', 'changed', 'corrupt')),
    ADD COLUMN IF NOT EXISTS file_fault_at   timestamptz,
    ADD COLUMN IF NOT EXISTS file_read_at    timestamptz,   -- when its digest was last compared
    ADD COLUMN IF NOT EXISTS file_taken_at   timestamptz,   -- when a scrub last took it up
    ADD COLUMN IF NOT EXISTS batch_id        bigint,        -- submitted in one request
    ADD COLUMN IF NOT EXISTS reserved_bytes  bigint NOT NULL DEFAULT 0, -- of the archive, till it ends
    ADD COLUMN IF NOT EXISTS webhook         varchar(2048), -- told of its ends; may hold a secret
    ADD COLUMN IF NOT EXISTS twin_key        bytea,         -- of its address, wish and mode
    ADD COLUMN IF NOT EXISTS linked_from     bigint,        -- whose file it took, unfetched
    ADD COLUMN IF NOT EXISTS behind_twin     boolean NOT NULL DEFAULT false, -- gets no turn yet
    ADD COLUMN IF NOT EXISTS expected_bytes  bigint,        -- of its file; reserved while it runs
    ADD COLUMN IF NOT EXISTS warnings        jsonb NOT NULL DEFAULT '[]'; -- [{code, subject, message}]
ALTER TABLE download_history
    ADD COLUMN IF NOT EXISTS lone_crashes    int NOT NULL DEFAULT 0, -- of these, those on trial
    ADD COLUMN IF NOT EXISTS crashed_in      varchar(16),   -- the stage of the last one
    ADD COLUMN IF NOT EXISTS trial_until     timestamptz;   -- till then no other is tried beside it
CREATE SEQUENCE IF NOT EXISTS batch_ids;
ALTER TABLE nodes
    ADD COLUMN IF NOT EXISTS sandbox varchar(16) NOT NULL DEFAULT '',  -- level in force there
    ADD COLUMN IF NOT EXISTS disk_total_bytes bigint,        -- NULL: it has not told yet
    ADD COLUMN IF NOT EXISTS disk_free_bytes  bigint,
    ADD COLUMN IF NOT EXISTS staging_bytes    bigint,
    ADD COLUMN IF NOT EXISTS room_bytes       bigint;        -- for all that runs there together
ALTER TABLE nodes
    ADD COLUMN IF NOT EXISTS cleaned_at timestamptz,         -- when a clean-up last left nothing
    ADD COLUMN IF NOT EXISTS beating_since timestamptz NOT NULL DEFAULT now(), -- without a pause
    ADD COLUMN IF NOT EXISTS adopts_root boolean NOT NULL DEFAULT false; -- it may mark a new root

-- What a search looks into.
CREATE OR REPLACE FUNCTION searched_text(title text, url text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT coalesce(title, '') || chr(10) || url $$;

-- A history is read from these three alone: docs/decisions/0016-history.md.
DROP INDEX IF EXISTS download_history_of_user;
CREATE INDEX IF NOT EXISTS download_history_shown
    ON download_history (user_id, history_id DESC) WHERE hidden_at IS NULL;
-- By the negative id, an order that no other index has: the planner, which knows how frequent a
-- status is but not of whom, would rather walk the one above, through a million rows for a rare one.
CREATE INDEX IF NOT EXISTS download_history_filtered
    ON download_history (user_id, status, mode, (-history_id)) WHERE hidden_at IS NULL;
-- Without fastupdate: its list of what is not sorted in yet would be read by every search.
CREATE INDEX IF NOT EXISTS download_history_searched
    ON download_history
    USING gin (user_id, status, mode, searched_text(title, url) gin_trgm_ops)
    WITH (fastupdate = off) WHERE hidden_at IS NULL;
CREATE INDEX IF NOT EXISTS download_history_queued
    ON download_history (user_id, history_id) WHERE status = 4;
CREATE INDEX IF NOT EXISTS download_history_waiting
    ON download_history (woken_at) WHERE status = 4;
CREATE INDEX IF NOT EXISTS download_history_running
    ON download_history (storage_node, user_id) WHERE status = 5;
CREATE INDEX IF NOT EXISTS download_history_expiring
    ON download_history (storage_node, expire_at) WHERE status = 3;
CREATE INDEX IF NOT EXISTS download_history_to_remove
    ON download_history (storage_node) WHERE hidden_at IS NOT NULL AND file_removed_at IS NULL;
CREATE INDEX IF NOT EXISTS download_history_to_scrub
    ON download_history (storage_node, file_read_at NULLS FIRST, history_id)
    WHERE status = 1 AND hidden_at IS NULL;
CREATE INDEX IF NOT EXISTS download_history_faulty
    ON download_history (storage_node) WHERE file_fault IS NOT NULL;
CREATE INDEX IF NOT EXISTS download_history_of_batch
    ON download_history (batch_id, history_id) WHERE batch_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS download_history_suspected
    ON download_history (woken_at) WHERE crashes > 0 AND status IN (4, 5);
CREATE INDEX IF NOT EXISTS download_history_active
    ON download_history (user_id) INCLUDE (reserved_bytes) WHERE status IN (4, 5);
DROP INDEX IF EXISTS download_history_kept;
CREATE INDEX IF NOT EXISTS download_history_twins
    ON download_history (twin_key, status, user_id, history_id) WHERE twin_key IS NOT NULL;
CREATE INDEX IF NOT EXISTS download_history_behind
    ON download_history (user_id, twin_key, history_id) WHERE status = 4 AND behind_twin;

-- What a user may use and has begun today; the rest of the books follows from the downloads.
-- Its row is the lock of the books: whoever adds to them holds it. docs/decisions/0013-quotas.md.
CREATE TABLE IF NOT EXISTS quotas (
    user_id          bigint PRIMARY KEY REFERENCES users ON DELETE CASCADE,
    daily_downloads  bigint CHECK (daily_downloads >= 0),   -- NULL: as the settings say
    archive_bytes    bigint CHECK (archive_bytes >= 0),
    active_downloads bigint CHECK (active_downloads >= 0),
    day              date   NOT NULL DEFAULT '-infinity',   -- in UTC
    begun            bigint NOT NULL DEFAULT 0              -- on that day; it only grows
);

-- How many bytes came into the archive of a user or left it. Each change adds a row and the sweep
-- folds them into one: a sum that changes raised themselves would be a lock, taken in any order.
CREATE TABLE IF NOT EXISTS archive_changes (
    user_id   bigint  NOT NULL,
    bytes     bigint  NOT NULL,
    is_folded boolean NOT NULL DEFAULT false
);
CREATE INDEX IF NOT EXISTS archive_changes_of_user ON archive_changes (user_id) INCLUDE (bytes);
CREATE INDEX IF NOT EXISTS archive_changes_to_fold ON archive_changes (user_id) WHERE NOT is_folded;

CREATE OR REPLACE FUNCTION archived_bytes(download download_history) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN download.status = 1 AND download.file_removed_at IS NULL
           THEN coalesce(download.file_size, 0) ELSE 0 END
$$;

CREATE OR REPLACE FUNCTION keep_archive_changes() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    change bigint := 0;
BEGIN
    IF TG_OP <> 'INSERT' THEN
        change := -archived_bytes(OLD);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        change := change + archived_bytes(NEW);
    END IF;
    IF change <> 0 THEN
        INSERT INTO archive_changes (user_id, bytes)
        VALUES (coalesce(NEW.user_id, OLD.user_id), change);
    END IF;
    RETURN NULL;
END
$$;

CREATE OR REPLACE TRIGGER download_history_archived
    AFTER INSERT OR DELETE OR UPDATE OF status, file_size, file_removed_at ON download_history
    FOR EACH ROW EXECUTE FUNCTION keep_archive_changes();

-- What was archived before there were changes. The trigger's lock keeps out what would add to it.
INSERT INTO archive_changes (user_id, bytes, is_folded)
SELECT user_id, sum(archived_bytes(d)), true FROM download_history d
WHERE status = 1 AND file_removed_at IS NULL AND NOT EXISTS (SELECT FROM archive_changes)
GROUP BY user_id;

-- What was answered to a request with an Idempotency-Key, written with what the request made.
CREATE TABLE IF NOT EXISTS idempotency_keys (
    user_id  bigint       NOT NULL REFERENCES users ON DELETE CASCADE,
    key      varchar(255) NOT NULL,
    digest   char(64)     NOT NULL,                  -- SHA-256 of what was asked, in hex
    status   int          NOT NULL,
    location text,
    body     text         NOT NULL,
    made_at  timestamptz  NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, key)
);
CREATE INDEX IF NOT EXISTS idempotency_keys_age ON idempotency_keys (made_at);

-- What was delivered: of each file to its owner, and of each node altogether.
CREATE TABLE IF NOT EXISTS delivery_counts (
    user_id    bigint      NOT NULL REFERENCES users,
    history_id bigint      NOT NULL REFERENCES download_history ON DELETE CASCADE,
    transfers  bigint      NOT NULL DEFAULT 0,
    bytes      bigint      NOT NULL DEFAULT 0,
    last_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, history_id)
);
CREATE INDEX IF NOT EXISTS delivery_counts_of_download ON delivery_counts (history_id);
CREATE TABLE IF NOT EXISTS delivery_totals (
    node    varchar(63) NOT NULL,
    outcome varchar(32) NOT NULL,                    -- sent, or why a transfer was refused or cut
    number  bigint      NOT NULL DEFAULT 0,
    bytes   bigint      NOT NULL DEFAULT 0,
    PRIMARY KEY (node, outcome)
);

-- What may not start for now. A site or provider without a row has no limit of its own.
CREATE TABLE IF NOT EXISTS limits (
    kind          varchar(8)   NOT NULL CHECK (kind IN ('site', 'provider')),
    name          varchar(253) NOT NULL,
    max_active    int,                               -- NULL: as the settings say
    max_starts    int,                               -- a minute; NULL: as the settings say
    cooling_until timestamptz  NOT NULL DEFAULT '-infinity',
    paid_until    timestamptz  NOT NULL DEFAULT '-infinity', -- each start adds its share of 60 s
    PRIMARY KEY (kind, name)
);

-- How well each exit, the far end of a proxy, has worked; shared by all nodes.
CREATE TABLE IF NOT EXISTS exits (
    exit_name     varchar(300) PRIMARY KEY,          -- host and port, without credentials
    successes     bigint       NOT NULL DEFAULT 0,
    failures      bigint       NOT NULL DEFAULT 0,
    cooling_until timestamptz  NOT NULL DEFAULT '-infinity',
    used_at       timestamptz  NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS exits_cooling ON exits (cooling_until);
CREATE INDEX IF NOT EXISTS exits_used ON exits (used_at);

-- What the providers were asked, how it ended, how long it took and what it cost.
CREATE TABLE IF NOT EXISTS proxy_counts (
    provider varchar(16)      NOT NULL,
    outcome  varchar(32)      NOT NULL,              -- acquired, or why not
    number   bigint           NOT NULL DEFAULT 0,
    seconds  double precision NOT NULL DEFAULT 0,
    cost     double precision NOT NULL DEFAULT 0,
    PRIMARY KEY (provider, outcome)
);

-- Cookies that an administrator gave for one site, sealed with the server's secret.
CREATE TABLE IF NOT EXISTS site_cookies (
    site     varchar(253) PRIMARY KEY,
    sealed   text         NOT NULL,
    number   int          NOT NULL,
    added_at timestamptz  NOT NULL DEFAULT now()
);

-- The names of a kind that cool down or have had their starts of this minute.
CREATE OR REPLACE FUNCTION closed_names(of_kind text, starts int) RETURNS SETOF varchar
LANGUAGE sql STABLE AS $$
    SELECT name FROM limits
    WHERE kind = of_kind AND (cooling_until > now() OR (
        coalesce(max_starts, starts) > 0
        AND paid_until > now() + interval '60 s' - interval '60 s' / coalesce(max_starts, starts)))
$$;

-- The sites of which no download may start: those above, and those with enough running.
CREATE OR REPLACE FUNCTION closed_sites(active int, starts int) RETURNS SETOF varchar
LANGUAGE sql STABLE AS $$
    SELECT closed_names('site', starts)
    UNION
    SELECT d.site FROM download_history d
    LEFT JOIN limits l ON l.kind = 'site' AND l.name = d.site
    WHERE d.status = 5 GROUP BY d.site, l.max_active
    HAVING count(*) >= coalesce(l.max_active, active)
$$;

-- The nodes that take new downloads.
CREATE OR REPLACE FUNCTION open_nodes(silent_s float8) RETURNS SETOF varchar
LANGUAGE sql STABLE AS $$
    SELECT node FROM nodes
    WHERE NOT draining AND heartbeat_at > now() - make_interval(secs => silent_s)
$$;

-- The twins whose file is there to be linked. Of whom they may be stands as a range, because that
-- can be looked up in an index and an OR cannot.
CREATE OR REPLACE FUNCTION twins_kept(key bytea, of_user bigint, share text)
RETURNS TABLE (history_id bigint, storage_node varchar, since timestamptz)
LANGUAGE sql STABLE AS $$
    SELECT k.history_id, k.storage_node, k.finished_at FROM download_history k
    WHERE k.twin_key = key AND k.status IN (1, 3)
      AND k.user_id BETWEEN CASE share WHEN 'all' THEN 0 ELSE of_user END
                        AND CASE share WHEN 'all' THEN 9223372036854775807 ELSE of_user END
      AND k.hidden_at IS NULL AND k.file_fault IS NULL
      AND coalesce(k.expire_at, 'infinity') > now()
$$;

-- Whether a download may take a twin's file on this node, and whether it has to wait: for a twin
-- that runs, for one of the same user before it, for the node that has the file. Not for a node
-- that takes nothing new, nor longer than that node had time to take it since it was queued and
-- the file was there: its slots may be full for hours, or its disk away. Nothing is shared of a
-- site that has cookies. Most have no twin, so that is asked first.
CREATE OR REPLACE FUNCTION among_twins(
    of_download bigint, of_user bigint, of_site text, of_key bytea, queued_at timestamptz,
    share text, here text, silent_s float8)
RETURNS TABLE (links boolean, waits boolean) LANGUAGE sql STABLE AS $$
    SELECT any_twin AND EXISTS (
               SELECT FROM twins_kept(of_key, of_user, share) k WHERE k.storage_node = here),
           any_twin AND (
               EXISTS (SELECT FROM download_history r
                       WHERE r.twin_key = of_key AND r.status = 5
                         AND r.user_id BETWEEN CASE share WHEN 'all' THEN 0 ELSE of_user END
                             AND CASE share WHEN 'all' THEN 9223372036854775807 ELSE of_user END
                         AND r.history_id <> of_download AND r.cancel_wish_at IS NULL
                         AND r.storage_node IN (SELECT open_nodes(silent_s)))
               OR EXISTS (SELECT FROM download_history q
                          WHERE q.twin_key = of_key AND q.status = 4 AND q.user_id = of_user
                            AND q.history_id < of_download AND q.cancel_wish_at IS NULL)
               OR EXISTS (SELECT FROM twins_kept(of_key, of_user, share) k
                          WHERE k.storage_node <> here
                            AND greatest(k.since, queued_at)
                                > now() - make_interval(secs => silent_s)
                            AND k.storage_node IN (SELECT open_nodes(silent_s))))
    FROM (SELECT share <> 'off'
             AND EXISTS (SELECT FROM download_history t
                         WHERE t.twin_key = of_key AND t.history_id <> of_download)
             AND of_site NOT IN (SELECT site FROM site_cookies) AS any_twin) a
$$;

-- Whether no other suspect of a node began its trial just now. docs/decisions/0004-retries.md.
CREATE OR REPLACE FUNCTION has_trial_free(of_node varchar, but bigint) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT NOT EXISTS (
        SELECT FROM download_history o
        WHERE o.status = 5 AND o.crashes > 0 AND o.storage_node = of_node AND o.history_id <> but
          AND o.claim_until > now() AND o.trial_until > now())
$$;

-- Whether the success of a stage shows that a download outlives what its holder died in.
CREATE OR REPLACE FUNCTION is_past_crash(stage varchar, crashed_in varchar) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
    SELECT array_position(stages, stage) >= coalesce(array_position(stages, crashed_in), 1)
    FROM (SELECT ARRAY['acquire_proxy', 'fetch', 'checksum', 'record']::varchar[] AS stages) s
$$;

-- The most that a download takes up while it runs. A merge holds the parts and the whole for a
-- moment; once it is fetched there is only the file. docs/decisions/0021-disk.md.
CREATE OR REPLACE FUNCTION disk_need(stage varchar, expected bigint) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(expected, 0)::numeric
        * CASE WHEN stage IN ('acquire_proxy', 'fetch') THEN 2 ELSE 1 END
$$;

-- What is left of a node's room beside what runs there, but for one download and for those that
-- only link a file. NULL: not known.
CREATE OR REPLACE FUNCTION disk_room(of_node varchar, but bigint) RETURNS numeric
LANGUAGE sql STABLE AS $$
    SELECT n.room_bytes - coalesce((
        SELECT sum(disk_need(d.stage, d.expected_bytes)) FROM download_history d
        WHERE d.status = 5 AND d.storage_node = of_node AND d.history_id <> but
          AND d.linked_from IS NULL), 0)
    FROM nodes n WHERE n.node = of_node
$$;

-- A user's limits, their own or these, and what is used of them. Without a limit for the archive
-- its files are not counted: only a large archive makes that slow, and a quick download needs it not.
CREATE OR REPLACE FUNCTION quota_books(of_user bigint, daily bigint, archive bigint, active bigint)
RETURNS TABLE (daily_limit bigint, daily_used bigint, resets_at timestamptz,
               archive_limit bigint, archive_used numeric, archive_reserved numeric,
               active_limit bigint, active_used bigint)
LANGUAGE sql STABLE AS $$
    SELECT coalesce(q.daily_downloads, daily),
           -- A day never comes back, even if the clock does.
           CASE WHEN q.day >= today.day THEN q.begun ELSE 0 END,
           (greatest(q.day, today.day) + 1)::timestamp AT TIME ZONE 'UTC',
           coalesce(q.archive_bytes, archive), kept.bytes, busy.bytes,
           coalesce(q.active_downloads, active), busy.number
    FROM (SELECT (now() AT TIME ZONE 'UTC')::date AS day) today
    LEFT JOIN quotas q ON q.user_id = of_user
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(bytes), 0) AS bytes FROM archive_changes
        WHERE user_id = of_user) kept
    CROSS JOIN LATERAL (
        SELECT count(*) AS number, coalesce(sum(reserved_bytes), 0) AS bytes
        FROM download_history WHERE user_id = of_user AND status IN (4, 5)) busy
$$;

CREATE OR REPLACE FUNCTION lock_quota(of_user bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO quotas (user_id) VALUES (of_user) ON CONFLICT DO NOTHING;
    PERFORM FROM quotas WHERE user_id = of_user FOR UPDATE;
END
$$;

-- Takes as many of the asked downloads into the books as there is room for. In PL/pgSQL, because
-- each statement there sees what was committed while the one before waited for the lock; a single
-- statement would count what was there before it waited.
CREATE OR REPLACE FUNCTION take_quota(
    of_user bigint, asked int, reserve bigint, daily bigint, archive bigint, active bigint,
    OUT granted int, OUT refused_by text, OUT refused_limit bigint, OUT resets_in_s float8,
    OUT archive_left numeric)
LANGUAGE plpgsql AS $$
DECLARE
    book record;
    daily_room numeric;
    active_room numeric;
    archive_room numeric := asked;
BEGIN
    PERFORM lock_quota(of_user);
    SELECT * INTO book FROM quota_books(of_user, daily, archive, active);
    daily_room := greatest(0, book.daily_limit - book.daily_used);
    active_room := greatest(0, book.active_limit - book.active_used);
    archive_left := greatest(0, book.archive_limit - book.archive_used - book.archive_reserved);
    IF reserve > 0 THEN
        -- The last one gets what is left, so that a small archive can be filled too.
        archive_room := ceil(archive_left / reserve);
    END IF;
    granted := least(asked, daily_room, active_room, archive_room);
    IF granted < asked THEN
        refused_by := CASE granted WHEN daily_room THEN 'daily_downloads'
                                   WHEN active_room THEN 'active_downloads'
                                   ELSE 'archive_bytes' END;
        refused_limit := CASE refused_by WHEN 'daily_downloads' THEN book.daily_limit
                                         WHEN 'active_downloads' THEN book.active_limit
                                         ELSE book.archive_limit END;
    END IF;
    resets_in_s := extract(epoch FROM book.resets_at - now());
    UPDATE quotas SET begun = book.daily_used + granted,
        day = greatest(day, (now() AT TIME ZONE 'UTC')::date)
    WHERE user_id = of_user AND granted > 0;
END
$$;

-- Puts the size of a file in the place of what was reserved for it; false if that is more and
-- there is no room. A claim that was lost is not judged here.
CREATE OR REPLACE FUNCTION settle_quota(
    of_user bigint, of_download bigint, of_epoch int, size_bytes bigint, archive bigint)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    more numeric;
    book record;
BEGIN
    PERFORM lock_quota(of_user);
    SELECT size_bytes - reserved_bytes INTO more FROM download_history
    WHERE history_id = of_download AND epoch = of_epoch AND status = 5;
    IF more > 0 THEN
        SELECT * INTO book FROM quota_books(of_user, 0, archive, 0);
        IF book.archive_used + book.archive_reserved + more > book.archive_limit THEN
            RETURN false;
        END IF;
    END IF;
    UPDATE download_history SET reserved_bytes = size_bytes
    WHERE history_id = of_download AND epoch = of_epoch AND status = 5;
    RETURN true;
END
$$;

-- What the metrics count. Each event adds a row and the sweep folds the rows into the totals: a
-- total that events raised themselves would be one lock for all. docs/decisions/0024-metrics.md.
CREATE TABLE IF NOT EXISTS counter_events (
    counter varchar(32)      NOT NULL,
    labels  varchar(63)[]    NOT NULL,
    number  bigint           NOT NULL,
    amount  double precision NOT NULL DEFAULT 0      -- of what is not counted but measured
);
CREATE TABLE IF NOT EXISTS counters (
    counter varchar(32)      NOT NULL,
    labels  varchar(63)[]    NOT NULL,
    number  bigint           NOT NULL,
    amount  double precision NOT NULL,
    PRIMARY KEY (counter, labels)
);

-- How downloads ended, day by day in UTC, for the overview of administrators: what it asks must not
-- depend on how many rows there are. Added up as the counters are. docs/decisions/0022-page.md.
CREATE TABLE IF NOT EXISTS end_events (
    day    date         NOT NULL,
    status int          NOT NULL,
    code   varchar(32)  NOT NULL,                    -- '' unless it failed
    site   varchar(253) NOT NULL                     -- '' unless it failed
);
CREATE TABLE IF NOT EXISTS end_counts (
    day    date         NOT NULL,
    status int          NOT NULL,
    code   varchar(32)  NOT NULL,
    site   varchar(253) NOT NULL,
    number bigint       NOT NULL,
    PRIMARY KEY (day, status, code, site)
);
-- In one snapshot, so that what is being folded is counted once.
CREATE OR REPLACE VIEW ends AS
    SELECT day, status, code, site, number FROM end_counts
    UNION ALL
    SELECT day, status, code, site, 1 FROM end_events;

-- The upper bounds of the histogram of stages, in seconds; beyond the last it is infinity.
CREATE OR REPLACE FUNCTION stage_bounds() RETURNS double precision[]
LANGUAGE sql IMMUTABLE AS $$
    SELECT ARRAY[0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200,
                 21600]
$$;

-- Every claim of every stage: who held it, through which exit, how it ended.
CREATE TABLE IF NOT EXISTS stage_runs (
    history_id   bigint      NOT NULL REFERENCES download_history ON DELETE CASCADE,
    epoch        int         NOT NULL,
    attempt      int         NOT NULL,
    stage        varchar(16) NOT NULL,
    storage_node varchar(63),
    exit_name    varchar(300),
    outcome      varchar(32),                        -- done, linked, let_go, interrupted or an error code
    began_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at     timestamptz,
    PRIMARY KEY (history_id, epoch)
);

-- What yt-dlp said of a failure; for administrators alone.
ALTER TABLE stage_runs ADD COLUMN IF NOT EXISTS detail varchar(500);

-- How long a run took, but of one whose holder died nobody knows; and whether it is to be repeated.
CREATE OR REPLACE FUNCTION count_stage_run(run stage_runs, goes_on boolean) RETURNS void
LANGUAGE sql AS $$
    INSERT INTO counter_events (counter, labels, number, amount)
    SELECT 'stage_seconds', ARRAY[run.stage, coalesce(min(bound), 'infinity')::text], 1,
           took.seconds
    FROM (SELECT extract(epoch FROM run.ended_at - run.began_at)::float8 AS seconds) took
    LEFT JOIN unnest(stage_bounds()) bound ON bound >= took.seconds
    WHERE run.outcome <> 'interrupted'
    GROUP BY took.seconds
    UNION ALL
    SELECT 'stage_retries', ARRAY[run.stage, run.outcome], 1, 0
    WHERE goes_on AND run.outcome NOT IN ('done', 'let_go')
$$;

CREATE OR REPLACE FUNCTION keep_stage_runs() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    run stage_runs;
BEGIN
    IF NEW.epoch <> OLD.epoch THEN
        UPDATE stage_runs SET ended_at = clock_timestamp(), outcome = 'interrupted'
        WHERE history_id = NEW.history_id AND epoch = OLD.epoch AND ended_at IS NULL
        RETURNING * INTO run;
        INSERT INTO stage_runs (history_id, epoch, attempt, stage, storage_node)
        VALUES (NEW.history_id, NEW.epoch, NEW.attempts, NEW.stage, NEW.storage_node);
    ELSE
        UPDATE stage_runs SET ended_at = clock_timestamp(), exit_name = NEW.exit_name,
            outcome = CASE
                WHEN NEW.status = 6 THEN 'cancelled'
                WHEN NEW.status = 0 THEN NEW.error_code
                WHEN NEW.crashes > OLD.crashes THEN 'interrupted'
                WHEN NEW.status = 4 AND NEW.error_code IS NULL THEN 'let_go'
                WHEN NEW.status = 4 THEN NEW.error_code
                WHEN OLD.stage = 'acquire_proxy' AND NEW.stage = 'fetch'
                    AND NEW.linked_from IS NOT NULL THEN 'linked'
                WHEN NEW.status <> OLD.status OR NEW.stage <> OLD.stage THEN 'done'
                WHEN NEW.tries < OLD.tries THEN 'let_go'
                WHEN NEW.not_before IS NOT NULL THEN NEW.error_code
                ELSE 'interrupted'
            END
        WHERE history_id = NEW.history_id AND epoch = NEW.epoch AND ended_at IS NULL
        RETURNING * INTO run;
    END IF;
    IF run.epoch IS NOT NULL THEN
        PERFORM count_stage_run(run, NEW.status IN (4, 5));
    END IF;
    RETURN NULL;
END
$$;

CREATE OR REPLACE TRIGGER download_history_claimed
    AFTER UPDATE ON download_history
    FOR EACH ROW WHEN (OLD.epoch <> NEW.epoch
                       OR (OLD.claim_until IS NOT NULL AND NEW.claim_until IS NULL))
    EXECUTE FUNCTION keep_stage_runs();

-- Every move of every download, kept by the database itself.
CREATE TABLE IF NOT EXISTS transitions (
    transition_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    history_id    bigint      NOT NULL REFERENCES download_history ON DELETE CASCADE,
    from_status   int,
    to_status     int         NOT NULL,
    stage         varchar(16) NOT NULL,
    attempt       int         NOT NULL,
    epoch         int         NOT NULL,
    storage_node  varchar(63),
    error_code    varchar(32),
    moved_at      timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX IF NOT EXISTS transitions_of_download ON transitions (history_id, transition_id);

-- The moves of domain/states.py; a test compares the two.
CREATE OR REPLACE FUNCTION is_legal_move(from_status int, to_status int) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
    SELECT (from_status, to_status) IN (
        (4, 5), (4, 6),
        (5, 0), (5, 1), (5, 3), (5, 4), (5, 6),
        (3, 2),
        (0, 4), (6, 4)
    )
$$;

CREATE OR REPLACE FUNCTION keep_transitions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NOT is_legal_move(OLD.status, NEW.status) THEN
        RAISE EXCEPTION 'download %: % to % is not a legal move',
            NEW.history_id, OLD.status, NEW.status USING ERRCODE = 'check_violation';
    END IF;
    INSERT INTO transitions
        (history_id, from_status, to_status, stage, attempt, epoch, storage_node, error_code)
    VALUES
        (NEW.history_id, CASE WHEN TG_OP = 'UPDATE' THEN OLD.status END, NEW.status, NEW.stage,
         NEW.attempts, NEW.epoch, NEW.storage_node, NEW.error_code);
    IF TG_OP = 'UPDATE' AND NEW.status NOT IN (4, 5) THEN
        INSERT INTO counter_events (counter, labels, number) VALUES
            ('downloads', ARRAY[NEW.status::text, NEW.mode,
                CASE WHEN NEW.status IN (0, 6) THEN coalesce(NEW.error_code, '') ELSE '' END], 1);
    END IF;
    IF TG_OP = 'UPDATE' AND NEW.status IN (0, 1, 3, 6) THEN
        INSERT INTO end_events (day, status, code, site) VALUES
            ((now() AT TIME ZONE 'UTC')::date, NEW.status,
             CASE NEW.status WHEN 0 THEN coalesce(NEW.error_code, '') ELSE '' END,
             CASE NEW.status WHEN 0 THEN NEW.site ELSE '' END);
    END IF;
    IF TG_OP = 'UPDATE' AND NEW.status IN (1, 3) THEN
        INSERT INTO counter_events (counter, labels, number)
        VALUES ('download_bytes', '{}', coalesce(NEW.file_size, 0));
    END IF;
    RETURN NULL;
END
$$;

CREATE OR REPLACE TRIGGER download_history_inserted
    AFTER INSERT ON download_history
    FOR EACH ROW EXECUTE FUNCTION keep_transitions();
-- When a download has ended, those behind it get turns again: all if there is a file for them, else
-- the next. What is held just now is left to the sweep.
CREATE OR REPLACE FUNCTION free_twins() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE download_history SET behind_twin = false WHERE history_id IN (
        SELECT history_id FROM download_history
        WHERE user_id = NEW.user_id AND twin_key = NEW.twin_key AND status = 4 AND behind_twin
        ORDER BY history_id LIMIT CASE WHEN NEW.status IN (1, 3) THEN NULL ELSE 1 END
        FOR UPDATE SKIP LOCKED);
    RETURN NULL;
END
$$;

CREATE OR REPLACE TRIGGER download_history_ended
    AFTER UPDATE ON download_history
    FOR EACH ROW WHEN (OLD.status IN (4, 5) AND NEW.status NOT IN (4, 5)
                       AND NEW.twin_key IS NOT NULL)
    EXECUTE FUNCTION free_twins();
CREATE OR REPLACE TRIGGER download_history_moved
    AFTER UPDATE ON download_history
    FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status)
    EXECUTE FUNCTION keep_transitions();

-- What each user's webhooks are signed with, sealed with the server's secret.
CREATE TABLE IF NOT EXISTS webhook_secrets (
    user_id    bigint      PRIMARY KEY REFERENCES users ON DELETE CASCADE,
    sealed     text        NOT NULL,
    made_at    timestamptz NOT NULL DEFAULT now(),
    shown_at   timestamptz,                          -- NULL: a first webhook made it, unseen
    old_sealed text[]      NOT NULL DEFAULT '{}',    -- those before, the newest first,
    old_until  timestamptz                           -- which sign too until then
);

-- What webhooks are told, each with all its attempts. A claim is the pair of epoch and
-- claimed_until, as of a download.
CREATE TABLE IF NOT EXISTS webhook_deliveries (
    delivery_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    message_id    uuid          NOT NULL DEFAULT gen_random_uuid(),
    user_id       bigint        NOT NULL REFERENCES users ON DELETE CASCADE,
    history_id    bigint        NOT NULL REFERENCES download_history ON DELETE CASCADE,
    event         varchar(24)   NOT NULL,
    url           varchar(2048) NOT NULL,
    host          varchar(300)  NOT NULL,            -- with the port
    body          text          NOT NULL,            -- as it is signed and sent
    status        varchar(9)    NOT NULL DEFAULT 'pending'
                  CHECK (status IN ('pending', 'delivered', 'failed')),
    epoch         int           NOT NULL DEFAULT 0,
    tries         int           NOT NULL DEFAULT 0,  -- since it was made, or replayed
    tried_at      timestamptz,                       -- the first of them
    due_at        timestamptz   NOT NULL DEFAULT now(),
    claimed_until timestamptz,                       -- NULL: nobody holds it
    created_at    timestamptz   NOT NULL DEFAULT now(),
    replayed_at   timestamptz
);
CREATE INDEX IF NOT EXISTS webhook_deliveries_of_user ON webhook_deliveries (user_id, delivery_id);
CREATE INDEX IF NOT EXISTS webhook_deliveries_of_download ON webhook_deliveries (history_id);
CREATE INDEX IF NOT EXISTS webhook_deliveries_due
    ON webhook_deliveries (host, user_id, due_at) WHERE status = 'pending';
CREATE INDEX IF NOT EXISTS webhook_deliveries_held
    ON webhook_deliveries (host, user_id) WHERE claimed_until IS NOT NULL;
CREATE INDEX IF NOT EXISTS webhook_deliveries_replayed
    ON webhook_deliveries (user_id, replayed_at) WHERE replayed_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS webhook_deliveries_age
    ON webhook_deliveries (created_at) WHERE status <> 'pending';

CREATE TABLE IF NOT EXISTS webhook_attempts (
    delivery_id bigint      NOT NULL REFERENCES webhook_deliveries ON DELETE CASCADE,
    epoch       int         NOT NULL,
    began_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at    timestamptz,
    http_status int,
    fault       varchar(32),                         -- NULL at its end: delivered
    PRIMARY KEY (delivery_id, epoch)
);
CREATE TABLE IF NOT EXISTS webhook_counts (
    outcome varchar(32) PRIMARY KEY,                 -- delivered, or the fault
    number  bigint      NOT NULL DEFAULT 0
);

CREATE OR REPLACE FUNCTION rfc3339(moment timestamptz) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT to_char(moment AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
$$;

-- A download as GET /api/v1/download/{history_id} shows it, without its stages; a test compares
-- the two.
CREATE OR REPLACE FUNCTION shown_download(d download_history) RETURNS json
LANGUAGE sql STABLE AS $$
    SELECT json_build_object(
        'history_id', d.history_id, 'url', d.url, 'title', d.title, 'extractor', d.extractor,
        'mode', d.mode,
        'status', (ARRAY['failed', 'completed', 'expired', 'pending_cleanup', 'queued', 'running',
                         'cancelled'])[d.status + 1],
        'status_code', d.status, 'stage', d.stage, 'file_name', d.file_name,
        'file_size', d.file_size, 'file_hash', d.file_hash,
        'error', CASE WHEN d.error_code IS NOT NULL THEN json_build_object(
            'code', d.error_code, 'message', coalesce(d.error_message, ''),
            'retryable', coalesce(d.error_retryable, false)) END,
        'attempts', d.attempts, 'created_at', rfc3339(d.created_at),
        'started_at', rfc3339(d.started_at), 'finished_at', rfc3339(d.finished_at),
        'expire_at', rfc3339(d.expire_at), 'thumbnail', d.thumbnail,
        'duration_s', d.duration_s, 'entry', d.entry::json, 'warnings', coalesce((
            SELECT json_agg(json_build_object('code', w ->> 'code', 'message', w ->> 'message'))
            FROM jsonb_array_elements(d.warnings) w), '[]'))
$$;

-- In the transaction of the move itself, whoever makes it: no end is told that was none, and none
-- is forgotten.
CREATE OR REPLACE FUNCTION keep_webhook_deliveries() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    event text := 'download.' || CASE NEW.status
        WHEN 0 THEN 'failed' WHEN 2 THEN 'expired' WHEN 6 THEN 'cancelled' ELSE 'completed' END;
BEGIN
    INSERT INTO webhook_deliveries (user_id, history_id, event, url, host, body)
    VALUES (NEW.user_id, NEW.history_id, event, NEW.webhook,
            left(coalesce(lower(substring(NEW.webhook FROM '^[^:]+://([^/?#]+)')), ''), 300),
            json_build_object('type', event, 'timestamp', rfc3339(clock_timestamp()),
                              'data', shown_download(NEW)));
    RETURN NULL;
END
$$;
CREATE OR REPLACE TRIGGER download_history_told
    AFTER UPDATE ON download_history
    FOR EACH ROW WHEN (NEW.webhook IS NOT NULL AND NEW.hidden_at IS NULL
                       AND OLD.status IS DISTINCT FROM NEW.status AND NEW.status NOT IN (4, 5))
    EXECUTE FUNCTION keep_webhook_deliveries();

-- With the record goes what was to be told of it.
CREATE OR REPLACE FUNCTION forget_webhook_deliveries() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM webhook_deliveries WHERE history_id = NEW.history_id;
    RETURN NULL;
END
$$;
CREATE OR REPLACE TRIGGER download_history_hidden
    AFTER UPDATE ON download_history
    FOR EACH ROW WHEN (NEW.webhook IS NOT NULL
                       AND OLD.hidden_at IS NULL AND NEW.hidden_at IS NOT NULL)
    EXECUTE FUNCTION forget_webhook_deliveries();

-- Who did what, to whose account or download. Without foreign keys: it outlives what it tells of.
CREATE TABLE IF NOT EXISTS audit (
    audit_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at         timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor_id   bigint,                               -- NULL: nobody that was known, or a command
    action     varchar(16) NOT NULL,
    user_id    bigint,                               -- whose
    history_id bigint,
    number     bigint      NOT NULL DEFAULT 1,       -- how often within the hour
    hour       timestamptz,                          -- of what is counted
    detail     varchar(200),
    request_id varchar(64),
    network    varchar(16)
);
CREATE INDEX IF NOT EXISTS audit_of_user ON audit (user_id, audit_id);
CREATE INDEX IF NOT EXISTS audit_of_actor ON audit (actor_id, audit_id);
CREATE INDEX IF NOT EXISTS audit_of_action ON audit (action, audit_id);
CREATE INDEX IF NOT EXISTS audit_of_download ON audit (history_id, audit_id)
    WHERE history_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS audit_age ON audit (at);
CREATE UNIQUE INDEX IF NOT EXISTS audit_counted
    ON audit (hour, action, coalesce(user_id, 0), coalesce(history_id, 0))
    WHERE hour IS NOT NULL;
