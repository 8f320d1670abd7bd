-- Definitions: which bytes a version of a dependency stands for.
CREATE TABLE IF NOT EXISTS dependency (
	{{id "project_uid"}},
	{{id "uid"}},
	{{number "valid_from"}},
	{{id "digest"}},
	{{word "form"}},
	PRIMARY KEY (project_uid, uid, valid_from){{key "dependency_by_digest" "dependency" "digest"}}
) {{table}};

-- What was put into the bucket for dependencies. A row is there before its object and goes after it.
CREATE TABLE IF NOT EXISTS stored_blob (
	{{id "digest"}},
	{{id "upload"}},
	{{word "state"}},
	{{number "size"}},
	{{number "lease_until"}},
	PRIMARY KEY (digest, upload){{key "stored_blob_by_lease" "stored_blob" "state, lease_until"}}
) {{table}};

-- The history of a flow, under whatever addresses it has had.
{{index "execution_by_flow_uid" "execution" "flow_uid, created_at, id"}};
