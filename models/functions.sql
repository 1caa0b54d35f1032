-- Functions whose arguments or answers changed with this release.
DROP FUNCTION IF EXISTS sitebooks_take(bigint, boolean, int, int, timestamptz);
DROP FUNCTION IF EXISTS sitebooks_connections();

-- What must be done before the company is known. SECURITY DEFINER: owned by the tables' owner, who is not bound by
-- row-level security; each returns ids or does one insert, and nothing else crosses companies.

-- Connections in use: switched on, and Procore's of the same company too, which is in everything.
CREATE OR REPLACE FUNCTION sitebooks_connections()
RETURNS TABLE (company_id bigint, connection_id bigint, system text, time_zone text, settings jsonb)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT c.company_id, c.id, c.system, p.time_zone, c.settings FROM connection c JOIN company p ON p.id = c.company_id
    WHERE c.enabled
      AND NOT EXISTS (SELECT FROM connection s WHERE s.company_id = c.company_id AND s.system = 'procore' AND NOT s.enabled)
    ORDER BY c.company_id, c.id
$$;

CREATE OR REPLACE FUNCTION sitebooks_due(most int, rering interval)
RETURNS TABLE (company_id bigint, kind text, ids bigint[])
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH due AS (
        SELECT id FROM sync_record
        WHERE due_at <= clock_timestamp()
          AND (rung_at IS NULL OR rung_at < clock_timestamp() - rering OR rung_at < due_at)
          AND (lease_until IS NULL OR lease_until < clock_timestamp())
        ORDER BY due_at LIMIT most FOR UPDATE SKIP LOCKED
    ), rung AS (
        UPDATE sync_record r SET rung_at = clock_timestamp() FROM due WHERE r.id = due.id
        RETURNING r.company_id, r.kind, r.id
    )
    SELECT company_id, kind, array_agg(id ORDER BY id) FROM rung GROUP BY company_id, kind
$$;

CREATE OR REPLACE FUNCTION sitebooks_due_events(most int, rering interval)
RETURNS TABLE (company_id bigint, ids bigint[])
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH due AS (
        SELECT id FROM event
        WHERE state = 'received' AND (rung_at IS NULL OR rung_at < clock_timestamp() - rering)
          AND connection_id IN (SELECT connection_id FROM sitebooks_connections())
        ORDER BY received_at LIMIT most FOR UPDATE SKIP LOCKED
    ), rung AS (
        UPDATE event e SET rung_at = clock_timestamp() FROM due WHERE e.id = due.id RETURNING e.company_id, e.id
    )
    SELECT company_id, array_agg(id ORDER BY id) FROM rung GROUP BY company_id
$$;

-- Records with confirmed writes that nobody has looked at a second time, by company: so many of each, so that a system that is
-- away holds up nobody else's. A connection that is switched off is not called.
CREATE OR REPLACE FUNCTION sitebooks_unchecked(older interval, most int)
RETURNS TABLE (company_id bigint, ids bigint[])
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT company_id, array_agg(DISTINCT record_id) FROM (
        SELECT w.company_id, w.record_id, row_number() OVER (PARTITION BY w.company_id ORDER BY w.ended_at) AS place
        FROM write w JOIN sync_record r ON r.id = w.record_id
        JOIN sitebooks_connections() c ON c.connection_id = r.connection_id
        WHERE w.state = 'confirmed' AND w.side = 'target' AND w.checked_at IS NULL
          AND w.ended_at < clock_timestamp() - older AND coalesce(w.looked_at, w.ended_at) < clock_timestamp() - older
    ) unchecked WHERE place <= most GROUP BY company_id
$$;

CREATE OR REPLACE FUNCTION sitebooks_hook(address text)
RETURNS TABLE (company_id bigint, connection_id bigint, system text, secrets bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT company_id, id, system, hook_secrets FROM connection WHERE hook_address = address
$$;

CREATE OR REPLACE FUNCTION sitebooks_ingest(companies bigint[], connections bigint[], systems text[], events text[], bodies jsonb[])
RETURNS TABLE (company_id bigint, id bigint)
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    INSERT INTO event (company_id, connection_id, system, event_id, body, rung_at)
    SELECT *, clock_timestamp() FROM unnest(companies, connections, systems, events, bodies)
    ON CONFLICT (company_id, system, event_id) DO NOTHING
    RETURNING company_id, id
$$;

CREATE OR REPLACE FUNCTION sitebooks_token(digest bytea)
RETURNS TABLE (token_id bigint, company_id bigint, user_id bigint, name text, role text, purpose text, scopes text[])
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT t.id, t.company_id, u.id, u.name, u.role, t.purpose, t.scopes
    FROM api_token t JOIN app_user u ON u.id = t.user_id
    WHERE t.hash = digest AND t.expires_at > clock_timestamp() AND (t.purpose <> 'sign_in' OR t.used_at IS NULL)
$$;

CREATE OR REPLACE FUNCTION sitebooks_companies()
RETURNS TABLE (company_id bigint, name text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$ SELECT id, name FROM company ORDER BY id $$;

CREATE OR REPLACE FUNCTION sitebooks_new_company(name text, site_id text, currency text, time_zone text, salt bytea)
RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    INSERT INTO company (name, site_id, currency, time_zone, salt) VALUES ($1, $2, $3, $4, $5) RETURNING id
$$;

CREATE OR REPLACE FUNCTION sitebooks_counts()
RETURNS TABLE (what text, label text, n bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT 'record', state, count(*) FROM sync_record GROUP BY state
    UNION ALL SELECT 'event', state, count(*) FROM event GROUP BY state
    UNION ALL SELECT 'write', state, count(*) FROM write GROUP BY state
    UNION ALL SELECT 'oldest_due_seconds', '',
        coalesce(extract(epoch FROM clock_timestamp() - min(due_at))::bigint, 0) FROM sync_record WHERE due_at <= clock_timestamp()
$$;

-- What the figures at /metrics, the alarms and `doctor` are made of: counts, ages and limits of everything, no company's own words.
CREATE OR REPLACE FUNCTION sitebooks_watch()
RETURNS TABLE (what text, labels jsonb, n double precision)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT 'records'::text, jsonb_build_object('state', state), count(*)::double precision FROM sync_record GROUP BY state
    UNION ALL SELECT 'events', jsonb_build_object('state', state), count(*) FROM event GROUP BY state
    UNION ALL SELECT 'writes', jsonb_build_object('state', state), count(*) FROM write GROUP BY state
    UNION ALL SELECT 'problems', jsonb_build_object('state', r.state, 'code', p->>'code'), count(*)
        FROM sync_record r CROSS JOIN LATERAL jsonb_array_elements(r.problems) p
        WHERE r.state IN ('held', 'checking', 'needs_attention', 'conflict') GROUP BY r.state, p->>'code'
    UNION ALL SELECT 'duplicates_found', '{}', count(*) FROM sync_record r
        WHERE r.state = 'needs_attention' AND r.problems @> '[{"code": "duplicate_found"}]'
    UNION ALL SELECT 'oldest_due_seconds', '{}', coalesce(extract(epoch FROM clock_timestamp() - min(due_at)), 0)
        FROM sync_record WHERE due_at <= clock_timestamp()
    UNION ALL SELECT 'oldest_event_seconds', '{}', coalesce(extract(epoch FROM clock_timestamp() - min(received_at)), 0)
        FROM event WHERE state = 'received' AND connection_id IN (SELECT connection_id FROM sitebooks_connections())
    UNION ALL SELECT 'oldest_uncertain_seconds', '{}', coalesce(extract(epoch FROM clock_timestamp() - min(sent_at)), 0)
        FROM write WHERE state = 'uncertain'
    UNION ALL SELECT 'oldest_approval_seconds', '{}', coalesce(extract(epoch FROM clock_timestamp() - min(state_since)), 0)
        FROM sync_record WHERE state = 'awaiting_approval'
    UNION ALL SELECT 'odd_messages', jsonb_build_object('code', code), sum(count) FROM odd_message
        WHERE last_at > clock_timestamp() - interval '1 day' GROUP BY code
    UNION ALL SELECT 'heartbeat_ran_seconds', jsonb_build_object('queue', queue), extract(epoch FROM clock_timestamp() - ran_at)
        FROM heartbeat WHERE ran_at IS NOT NULL
    UNION ALL SELECT 'heartbeat_sent_seconds', '{}', extract(epoch FROM clock_timestamp() - max(sent_at))
        FROM heartbeat HAVING max(sent_at) IS NOT NULL
    UNION ALL SELECT 'connection_blocked', jsonb_build_object('connection', id::text, 'system', system,
        'code', coalesce(blocked_code, '')), (blocked_code IS NOT NULL)::int FROM connection WHERE enabled
    UNION ALL SELECT v.what, jsonb_build_object('connection', c.id::text, 'system', c.system, 'window', v.label), v.n
        FROM budget b JOIN connection c ON c.id = b.connection_id CROSS JOIN LATERAL (VALUES
            ('limit', 'spike', b.spike_limit), ('limit', 'hour', b.hour_limit),
            ('limit_left', 'spike', CASE WHEN b.spike_reset <= clock_timestamp() THEN b.spike_limit ELSE b.spike_left END),
            ('limit_left', 'hour', CASE WHEN b.hour_reset <= clock_timestamp() THEN b.hour_limit ELSE b.hour_left END)
        ) v(what, label, n) WHERE c.enabled AND v.n IS NOT NULL
    UNION ALL SELECT v.what, jsonb_build_object('connection', c.id::text, 'system', c.system), v.n
        FROM connection c JOIN LATERAL (
            SELECT ended_at, unexplained FROM reconcile_run r
            WHERE r.connection_id = c.id AND ended_at IS NOT NULL ORDER BY r.id DESC LIMIT 1
        ) run ON true CROSS JOIN LATERAL (VALUES
            ('reconcile_age_seconds', extract(epoch FROM clock_timestamp() - run.ended_at)),
            ('unexplained_amount', abs(run.unexplained))
        ) v(what, n) WHERE c.enabled AND v.n IS NOT NULL
    -- of the last 500 deliveries those of a quarter of an hour that named an object: until it stood in both systems
    UNION ALL SELECT 'webhook_to_synced_seconds', jsonb_build_object('quantile', q.label), q.n FROM (
        SELECT percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY extract(epoch FROM r.synced_at - e.received_at)) AS took
        FROM (
            SELECT DISTINCT ON (company_id, kind, ref) company_id, kind, ref, received_at
            FROM (SELECT * FROM event ORDER BY id DESC LIMIT 500) latest
            WHERE state = 'done' AND ref IS NOT NULL AND received_at > clock_timestamp() - interval '15 minutes'
            ORDER BY company_id, kind, ref, received_at DESC
        ) e
        JOIN connection c ON c.company_id = e.company_id
        JOIN sync_record r ON r.company_id = e.company_id AND r.connection_id = c.id AND r.kind = e.kind
            AND r.source_id = e.ref AND r.state = 'synced' AND r.synced_at >= e.received_at
    ) s CROSS JOIN LATERAL (VALUES ('0.5', s.took[1]), ('0.95', s.took[2])) q(label, n) WHERE q.n IS NOT NULL
$$;

CREATE OR REPLACE FUNCTION sitebooks_prune(keep_events interval)
RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH gone AS (DELETE FROM event WHERE state IN ('done', 'ignored') AND received_at < clock_timestamp() - keep_events RETURNING 1)
    SELECT count(*) FROM gone
$$;

-- May one request be sent now? NULL: yes, one was taken. Otherwise the time to come back. What an answer said only lowers
-- what is left and brings the end of its window nearer; a window it shows that we did not know of is taken over. When its
-- end has passed, the hour starts anew on its phase and the small window with the next request. Requests of scans leave a
-- tenth of each window to webhooks.
CREATE OR REPLACE FUNCTION sitebooks_take(
    for_connection bigint, urgent boolean, answered boolean, seen_limit int, seen_left int, seen_reset timestamptz)
RETURNS timestamptz LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    b budget; was budget; t timestamptz; wait timestamptz; ends timestamptz;
    near interval := interval '1.5 seconds';  -- ends of one window as several answers tell them
    under_way int := 3;
BEGIN
    SELECT * INTO b FROM budget WHERE connection_id = for_connection FOR UPDATE;
    IF NOT FOUND THEN RETURN NULL; END IF;
    was := b; t := clock_timestamp();  -- after the row's lock was waited for
    IF b.spike_reset <= t THEN
        -- a window may begin with its first request, which is this one: it ends a little more than 10 s from now at the
        -- latest, and sooner as soon as an answer says so
        b.spike_reset := t + interval '11 seconds';
        b.spike_left := b.spike_limit;
    END IF;
    IF b.hour_reset <= t THEN
        b.hour_reset := b.hour_reset + ceil(extract(epoch FROM t - b.hour_reset) / 3600 + 0.000001) * interval '1 hour';
        b.hour_left := b.hour_limit;
    END IF;
    IF seen_reset > t THEN
        IF seen_limit = 0 THEN
            b.shut_until := greatest(b.shut_until, seen_reset);
        ELSIF seen_limit = b.spike_limit OR seen_reset <= t + interval '12 seconds' AND b.hour_limit IS DISTINCT FROM seen_limit THEN
            ends := least(seen_reset, t + interval '10 seconds');  -- it is open and lasts 10 s; resets are told in whole seconds
            IF b.spike_limit IS DISTINCT FROM seen_limit THEN
                b.spike_limit := seen_limit; b.spike_left := seen_left; b.spike_reset := ends;
            ELSIF ends > b.spike_reset + near THEN  -- a window that began unseen; requests on their way are not in its count
                b.spike_left := greatest(seen_left - under_way, 0); b.spike_reset := ends;
            ELSIF ends > t + near OR ends > b.spike_reset - near THEN  -- else a late word of a window that is over
                b.spike_left := least(b.spike_left, seen_left); b.spike_reset := least(b.spike_reset, ends);
            END IF;
        ELSE
            ends := least(seen_reset, t + interval '1 hour');
            IF b.hour_limit IS DISTINCT FROM seen_limit THEN
                b.hour_limit := seen_limit; b.hour_left := seen_left; b.hour_reset := ends;
            ELSIF ends > b.hour_reset + near THEN
                b.hour_left := greatest(seen_left - under_way, 0); b.hour_reset := ends;
            ELSIF ends > t + near OR ends > b.hour_reset - near THEN
                b.hour_left := least(b.hour_left, seen_left); b.hour_reset := least(b.hour_reset, ends);
            END IF;
        END IF;
    END IF;
    IF answered THEN
        IF b.answered_at IS NULL OR b.answered_at < t - interval '10 seconds' THEN b.answered_at := t; END IF;
        b.probe_until := NULL;
        b.learn := b.learn AND seen_reset IS NOT NULL;  -- it answers and tells no limit: there is none to learn
    END IF;
    IF b.shut_until > t THEN wait := b.shut_until;
    ELSIF b.spike_left <= (CASE WHEN urgent THEN 0 ELSE b.spike_limit / 10 END) THEN wait := b.spike_reset;
    ELSIF b.hour_left <= (CASE WHEN urgent THEN 0 ELSE b.hour_limit / 10 END) THEN wait := b.hour_reset;
    ELSIF b.learn AND b.spike_limit IS NULL AND b.hour_limit IS NULL THEN
        IF b.probe_until > t THEN wait := least(b.probe_until, t + interval '1 second');
        ELSE b.probe_until := t + interval '10 seconds'; END IF;
    END IF;
    IF wait IS NULL THEN
        b.spike_left := b.spike_left - 1; b.hour_left := b.hour_left - 1;
    END IF;
    IF b IS DISTINCT FROM was THEN  -- a system that tells no limit costs no write
        UPDATE budget SET spike_limit = b.spike_limit, spike_left = b.spike_left, spike_reset = b.spike_reset,
            hour_limit = b.hour_limit, hour_left = b.hour_left, hour_reset = b.hour_reset,
            shut_until = b.shut_until, probe_until = b.probe_until, learn = b.learn,
            answered_at = b.answered_at WHERE id = b.id;
    END IF;
    RETURN wait;
END $$;

-- Only the owner, who asks before the company is known, may call them; the application's role may not.
DO $$ DECLARE f regprocedure; BEGIN
    FOR f IN SELECT oid::regprocedure FROM pg_proc WHERE proname LIKE 'sitebooks\_%' AND pronamespace = 'public'::regnamespace LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f);
    END LOOP;
END $$;
