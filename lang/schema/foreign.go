package schema

// Instead is a sentence about a word of another tool that has no meaning in the
// block: what to write here instead. It is "" for a word of nobody's.
func (b Block) Instead(word string) string {
	switch b.Name {
	case "":
		return insteadOfBlock(word)
	case "flow", "job", "defaults":
		return b.insteadInFlow(word)
	case "schedule":
		return insteadInSchedule(word)
	case "lft":
		switch word {
		case "backend", "cloud":
			return "Where the state is, -state or LFT_STATE say."
		case "required_providers", "experiments":
			return "Job types are part of lft: lft providers lists them."
		}
	case "variable":
		if word == "ephemeral" {
			return "Write sensitive = true for what nobody may see."
		}
	case "pool":
		switch word {
		case "size", "max", "limit", "capacity":
			return "The number of slots is slots."
		}
	case "param":
		if word == "value" {
			return "The value when none is given is default."
		}
	}
	return b.insteadAnywhere(word)
}

func insteadOfBlock(word string) string {
	switch word {
	case "terraform":
		return `The settings of the folder stand in lft { … }: project and required_version. Where the state is, -state or LFT_STATE say.`
	case "resource":
		return `The kind stands first: flow "NAME" { … }, schedule "NAME" { … }, pool "NAME" { … }.`
	case "data":
		return "Nothing is read while planning: use a variable, a local, or file(…)."
	case "provider":
		return "Job types are part of lft: lft providers lists them."
	case "import":
		return "What is deployed was declared in a folder: lft apply -adopt takes over a project of another one."
	case "ephemeral":
		return "A value that nobody may see is a variable with sensitive = true."
	case "dag", "workflow", "pipeline", "process":
		return `It is written flow "NAME" { … }.`
	case "task", "job", "operator", "step":
		return `Jobs stand inside of a flow: flow "NAME" { job "shell" "NAME" { … } }.`
	case "trigger", "cron", "timer":
		return `It is written schedule "NAME" { flow = flow.NAME, cron = "…" }, a line each.`
	case "param", "params":
		return "Parameters stand inside of a flow."
	case "local":
		return "It is written locals { … }."
	case "project":
		return `It is written lft { project = "NAME" }.`
	}
	return ""
}

// insteadInFlow is about flows, jobs, and what jobs have in common.
func (b Block) insteadInFlow(word string) string {
	switch word {
	case "schedule", "schedule_interval", "cron", "timetable":
		return `A schedule is a block of its own beside the flow: schedule "NAME" { flow = flow.NAME, cron = "…" }, a line each.`
	case "retries":
		return "It is written retry { attempts = 4 } for 3 retries."
	case "retry_delay", "retry_backoff":
		return `It is written retry { delay = "1m" }.`
	case "max_active_runs", "max_concurrency":
		return "It is written concurrency { max = 1 }."
	case "catchup":
		return "The schedule says what becomes of missed instants: misfire."
	case "default_args":
		return "It is written defaults { … }."
	case "task", "step", "operator", "resource":
		return `It is written job "shell" "NAME" { … }.`
	case "execution_timeout", "dagrun_timeout", "timeout_seconds", "timeouts":
		return `It is written timeout = "30m".`
	}
	if b.Name == "flow" {
		switch word {
		case "depends_on", "after":
			return `A flow that needs another one starts it: job "flow" "NAME" { flow = flow.NAME }.`
		case "lifecycle":
			return "For prevent_destroy, write protected = true; a precondition stands in the flow itself."
		case "params", "parameters", "parameter", "variables", "input":
			return `Each parameter is a block: param "NAME" { type = string }.`
		}
		return b.insteadAnywhere(word)
	}
	switch word {
	case "depends_on", "dependsOn", "needs", "upstream", "upstreams", "dependencies", "requires":
		return "It is written after = [job.NAME]; a reference to an output makes the edge, too."
	case "trigger_rule":
		return "It is written trigger, with the same words."
	case "bash_command", "cmd", "run", "entrypoint":
		return `It is written command = ["PROGRAM", "ARGUMENT"], or script for a text in a shell.`
	case "environment", "env_vars", "envs":
		return "It is written env = { NAME = VALUE }."
	case "queue":
		return "It is written pool = pool.NAME."
	case "priority_weight":
		return "It is written priority."
	case "condition", "if":
		return "It is written when."
	case "provisioner":
		return `Whatever is to be run is a job.`
	case "lifecycle":
		return "A precondition stands in the job itself; protected = true is for its flow."
	case "postcondition":
		return "What must hold afterwards is tested by the job: it fails when its program says so."
	case "type":
		return `The type is the first label: job "shell" "NAME" { … }.`
	}
	return b.insteadAnywhere(word)
}

func insteadInSchedule(word string) string {
	switch word {
	case "catchup":
		return `It is written misfire = "all", "latest" or "skip".`
	case "start_date", "start_time":
		return "It is written start."
	case "end_date", "end_time":
		return "It is written end."
	case "interval", "schedule_interval", "rate":
		return "It is written cron, or every for a duration."
	case "tz", "time_zone":
		return "It is written timezone."
	case "job", "dag", "target", "workflow":
		return "It is written flow = flow.NAME."
	case "param", "parameters", "conf", "input":
		return "It is written params = { NAME = VALUE }."
	case "suspend", "is_paused", "disabled":
		return "It is written paused = true."
	case "concurrency_policy", "concurrency":
		return "It is written overlap, or concurrency in the flow."
	}
	return ""
}

// insteadAnywhere is about words that Terraform has in every block.
func (b Block) insteadAnywhere(word string) string {
	_, repeats := b.Attribute("for_each")
	_, guarded := b.Attribute("protected")
	switch {
	case word == "count" && repeats:
		return "It is written for_each = toset([\"a\", \"b\"]), so that each has a name; enabled = false stands for count = 0."
	case word == "lifecycle" && guarded:
		return "For prevent_destroy, write protected = true."
	case word == "depends_on":
		return "A reference is enough: everything is applied in one transaction."
	}
	return ""
}
