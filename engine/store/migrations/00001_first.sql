-- The words in double braces are types by dialect: see schema.go. A statement ends with a semicolon at the end of a line.

-- Who holds the lease. Every fenced write locks this row; only a take-over changes it.
CREATE TABLE IF NOT EXISTS epoch (
	{{number "id"}},
	{{number "epoch"}},
	{{id "owner"}},
	PRIMARY KEY (id)
) {{table}};

-- The holder's heartbeat, apart, so that renewals never queue behind writes.
CREATE TABLE IF NOT EXISTS beat (
	{{number "id"}},
	{{number "epoch"}},
	{{number "beat"}},
	{{id "holder"}},
	{{text 255 "address"}},
	{{text 1024 "connections"}},
	{{flag "resigned"}},
	{{number "since"}},
	{{number "renewed_at"}},
	PRIMARY KEY (id)
) {{table}};

-- The last batch of each writer.
CREATE TABLE IF NOT EXISTS batch (
	{{id "writer"}},
	{{number "epoch"}},
	{{number "serial"}},
	PRIMARY KEY (writer)
) {{table}};

CREATE TABLE IF NOT EXISTS cluster (
	{{number "id"}},
	{{id "cluster_id"}},
	PRIMARY KEY (id)
) {{table}};

-- Definitions: they change only by apply.
CREATE TABLE IF NOT EXISTS project (
	{{id "uid"}},
	{{text 255 "name"}},
	{{id "lineage"}},
	{{text 1024 "origin"}},
	{{number "revision"}},
	{{number "effective_from"}},
	PRIMARY KEY (uid){{unique "project_by_name" "project" "name"}}
) {{table}};

CREATE TABLE IF NOT EXISTS revision (
	{{id "project_uid"}},
	{{number "number"}},
	{{id "apply_id"}},
	{{text 255 "author"}},
	{{text 1024 "message"}},
	{{id "digest"}},
	{{number "added"}},
	{{number "changed"}},
	{{number "destroyed"}},
	{{number "effective_from"}},
	PRIMARY KEY (project_uid, number){{unique "revision_by_apply" "revision" "apply_id"}}
) {{table}};

-- One row per version of an object; valid_until is 0 in the newest.
CREATE TABLE IF NOT EXISTS object (
	{{id "project_uid"}},
	{{id "uid"}},
	{{number "valid_from"}},
	{{number "valid_until"}},
	{{word "kind"}},
	{{text 512 "address"}},
	{{id "digest"}},
	PRIMARY KEY (project_uid, uid, valid_from){{key "object_by_validity" "object" "project_uid, valid_until"}}
) {{table}};

CREATE TABLE IF NOT EXISTS spec (
	{{id "digest"}},
	{{data "data"}},
	PRIMARY KEY (digest)
) {{rowtable}};

-- Everything below changes only under the fence. History tables have no index that a job's life must keep up.
CREATE TABLE IF NOT EXISTS execution (
	{{id "id"}},
	{{id "project_uid"}},
	{{text 255 "project"}},
	{{id "flow_uid"}},
	{{text 512 "flow"}},
	{{id "flow_digest"}},
	{{number "revision"}},
	{{word "state"}},
	{{word "origin"}},
	{{id "schedule_uid"}},
	{{number "scheduled_for"}},
	{{text 64 "zone"}},
	{{number "window_start"}},
	{{number "window_end"}},
	{{data "params"}},
	{{flag "cancel_requested"}},
	{{text 255 "cancel_by"}},
	{{word "reason"}},
	{{text 255 "asked_by"}},
	{{number "created_at"}},
	{{number "started_at"}},
	{{number "ended_at"}},
	PRIMARY KEY (id){{key "execution_by_time" "execution" "created_at, id"}}{{key "execution_by_flow" "execution" "flow, created_at, id"}}
) {{table}};

-- The ids of executions that have not ended. A restart reads these and nothing else.
CREATE TABLE IF NOT EXISTS live_execution (
	{{id "id"}},
	PRIMARY KEY (id)
) {{table}};

CREATE TABLE IF NOT EXISTS job (
	{{id "execution"}},
	{{number "number"}},
	{{text 64 "map_key"}},
	{{text 512 "name"}},
	{{word "state"}},
	{{word "waiting"}},
	{{text 1024 "waiting_arg"}},
	{{number "attempts"}},
	{{number "failures"}},
	{{number "lost"}},
	{{number "next_at"}},
	{{data "output"}},
	{{word "reason"}},
	{{text 1024 "message"}},
	{{number "started_at"}},
	{{number "ended_at"}},
	PRIMARY KEY (execution, number, map_key)
) {{table}};

CREATE TABLE IF NOT EXISTS attempt (
	{{id "execution"}},
	{{number "number"}},
	{{text 64 "map_key"}},
	{{number "n"}},
	{{id "token"}},
	{{word "state"}},
	{{word "outcome"}},
	{{number "exit_code"}},
	{{flag "has_exit"}},
	{{word "signal_name"}},
	{{word "reason"}},
	{{text 1024 "message"}},
	{{id "agent_uid"}},
	{{text 255 "agent"}},
	{{number "session"}},
	{{id "pool_uid"}},
	{{number "pool_slots"}},
	{{data "task"}},
	{{flag "kill_wanted"}},
	{{number "ordered_at"}},
	{{number "started_at"}},
	{{number "ended_at"}},
	PRIMARY KEY (execution, number, map_key, n)
) {{rowtable}};

-- The decision for one instant of a schedule.
CREATE TABLE IF NOT EXISTS fire (
	{{id "schedule_uid"}},
	{{number "instant"}},
	{{text 512 "schedule"}},
	{{word "decision"}},
	{{word "reason"}},
	{{id "execution"}},
	{{number "decided_at"}},
	PRIMARY KEY (schedule_uid, instant){{key "fire_by_schedule" "fire" "schedule, instant"}}
) {{table}};

CREATE TABLE IF NOT EXISTS fire_range (
	{{id "schedule_uid"}},
	{{number "from_at"}},
	{{number "to_at"}},
	{{text 512 "schedule"}},
	{{number "instants"}},
	{{word "reason"}},
	{{number "decided_at"}},
	PRIMARY KEY (schedule_uid, from_at){{key "fire_range_by_schedule" "fire_range" "schedule, from_at"}}
) {{table}};

CREATE TABLE IF NOT EXISTS schedule_cursor (
	{{id "schedule_uid"}},
	{{id "project_uid"}},
	{{number "instant"}},
	PRIMARY KEY (schedule_uid)
) {{table}};

CREATE TABLE IF NOT EXISTS adopted (
	{{id "project_uid"}},
	{{number "revision"}},
	PRIMARY KEY (project_uid)
) {{table}};

CREATE TABLE IF NOT EXISTS agent (
	{{id "uid"}},
	{{text 255 "name"}},
	{{text 255 "machine_id"}},
	{{text 255 "boot_id"}},
	{{text 255 "namespace"}},
	{{text 255 "journal_id"}},
	{{number "journal_seq"}},
	{{number "session"}},
	{{word "state"}},
	{{word "reason"}},
	{{flag "draining"}},
	{{number "slots"}},
	{{data "labels"}},
	{{word "isolation"}},
	{{text 255 "version"}},
	{{number "last_seen"}},
	{{number "registered_at"}},
	PRIMARY KEY (uid)
) {{table}};

CREATE TABLE IF NOT EXISTS chunk (
	{{id "token"}},
	{{number "from_byte"}},
	{{number "to_byte"}},
	{{text 512 "object"}},
	{{number "object_offset"}},
	{{id "sha256"}},
	PRIMARY KEY (token, from_byte)
) {{table}};

CREATE TABLE IF NOT EXISTS log_end (
	{{id "token"}},
	{{number "bytes"}},
	{{id "sha256"}},
	{{word "state"}},
	{{number "cut"}},
	PRIMARY KEY (token)
) {{table}};

CREATE TABLE IF NOT EXISTS dead_letter (
	{{id "id"}},
	{{id "execution"}},
	{{text 4096 "event"}},
	{{text 4096 "error"}},
	{{number "at_time"}},
	PRIMARY KEY (id){{key "dead_letter_by_time" "dead_letter" "at_time, id"}}
) {{table}};

CREATE TABLE IF NOT EXISTS audit (
	{{id "id"}},
	{{number "at_time"}},
	{{text 255 "done_by"}},
	{{text 64 "verb"}},
	{{text 512 "object"}},
	{{text 4096 "detail"}},
	PRIMARY KEY (id){{key "audit_by_time" "audit" "at_time, id"}}
) {{table}};
