-- Rows for benchmarks/history.py: of each ten (with :every = 10) one is the first user's. The
-- indexes are made when the rows are there, which is how ten million come in minutes.
CREATE TEMP TABLE made AS
SELECT indexname, indexdef FROM pg_indexes
WHERE tablename = 'download_history' AND indexname NOT LIKE '%\_pkey';
DO $$ DECLARE name text; BEGIN
    FOR name IN SELECT indexname FROM made LOOP EXECUTE 'DROP INDEX ' || name; END LOOP;
END $$;
ALTER TABLE download_history DISABLE TRIGGER USER;
SET maintenance_work_mem = '512MB';

INSERT INTO users (email, password_hash)
SELECT n || '@example.com', 'never compared here' FROM generate_series(1, 1000) n;

INSERT INTO download_history
    (user_id, url, site, mode, status, title, extractor, storage_node, file_name, file_size,
     file_hash, attempts, epoch, started_at, finished_at)
SELECT CASE WHEN n % :every = 0 THEN 1 ELSE 2 + n % 999 END,
       'https://www.video.example/watch?v=' || substr(translate(encode(decode(md5(m::text), 'hex'), 'base64'), '+/', '-_'), 1, 11),
       'video.example',
       CASE WHEN m % 100 = 0 THEN 'quick_download' ELSE 'archive' END,
       CASE WHEN m % 100000 = 1 THEN 0 WHEN m % 100 = 0 THEN 2 WHEN m % 100 = 2 THEN 6 ELSE 1 END,
       words.list[1 + abs(hashint4(m)) % 50] || ' and ' || words.list[1 + abs(hashint4(-m)) % 50]
           || CASE WHEN m < 300000 THEN ', old news' ELSE '' END
           || ', episode ' || m % 500 || ' of chapter ' || m % 5000 || '.',
       'generic', 'node-a', 'v.mp4', 123456789, md5(n::text), 1, 4, now(), now()
FROM generate_series(1, :rows) n
CROSS JOIN LATERAL (SELECT n / :every AS m) place
CROSS JOIN (SELECT array_agg(initcap(translate(substr(md5(i::text), 1, 4 + i % 6),
                                               '0123456789', 'ghijklmnop'))) || '{Garden}' AS list
            FROM generate_series(1, 49) i) words;

DO $$ DECLARE definition text; BEGIN
    FOR definition IN SELECT indexdef FROM made LOOP EXECUTE definition; END LOOP;
END $$;
ALTER TABLE download_history ENABLE TRIGGER USER;
INSERT INTO archive_changes (user_id, bytes, is_folded)
SELECT user_id, sum(archived_bytes(d)), true FROM download_history d GROUP BY user_id;
