-- What operators have put in place of declared values.
CREATE TABLE IF NOT EXISTS override (
	{{id "object_uid"}},
	{{word "field"}},
	{{id "project_uid"}},
	{{text 512 "object"}},
	{{text 64 "value"}},
	{{text 64 "declared"}},
	{{number "revision"}},
	{{text 1024 "reason"}},
	{{text 255 "done_by"}},
	{{number "at_time"}},
	PRIMARY KEY (object_uid, field)
) {{table}};

-- Which attempt started an execution as a sub-flow.
{{add "execution" (id "parent") (number "parent_number") (text 64 "parent_map_key") (number "parent_n") (number "depth")}};
