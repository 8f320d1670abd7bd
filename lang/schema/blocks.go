package schema

import (
	"encoding/json"
	"slices"
)

// Block is one kind of block: what may stand in it. What the language will know
// later is listed too, so that it is refused by name instead of as a typo.
type Block struct {
	Name       string // "" is the file itself
	Labels     []string
	Attributes []Attribute
	Blocks     []Block
	Later      []string // names of attributes and blocks of later versions
	Open       bool     // a job's block: the rest belongs to its type
	Early      bool     // read before values are known, so that no dynamic block can stand in it
	Repeated   bool     // may stand more than once, although it has no label
}

// Attribute returns the named attribute.
func (b Block) Attribute(name string) (Attribute, bool) {
	for _, a := range b.Attributes {
		if a.Name == name {
			return a, true
		}
	}
	return Attribute{}, false
}

// Block returns the named nested block.
func (b Block) Block(name string) (Block, bool) {
	for _, inner := range b.Blocks {
		if inner.Name == name {
			return inner, true
		}
	}
	return Block{}, false
}

// IsLater reports whether a name belongs to a later version.
func (b Block) IsLater(name string) bool { return slices.Contains(b.Later, name) }

var (
	text    = json.RawMessage(`"string"`)
	number  = json.RawMessage(`"number"`)
	boolean = json.RawMessage(`"bool"`)
	texts   = json.RawMessage(`["map","string"]`)

	listOfTexts = json.RawMessage(`["list","string"]`)
	either      = json.RawMessage(`"dynamic"`)
	// A reference such as flow.x, a list of them, or a type: read as it stands.
	static json.RawMessage
)

// File returns the vocabulary of a file: the blocks at its top level.
func File() Block {
	return Block{
		Blocks: []Block{
			lftBlock(), variableBlock(),
			{Name: "locals", Open: true},
			flowBlock(), scheduleBlock(), poolBlock(), moduleBlock(),
			calendarBlock(), dependencyBlock(), outputBlock(), checkBlock(), movedBlock(), removedBlock(),
		},
		Later: []string{
			"secret", "connection", "grant", "placement_policy", "provider", "import", "notify", "deadline",
		},
	}
}

func lftBlock() Block {
	return Block{
		Name: "lft",
		Attributes: []Attribute{
			{Name: "project", Type: text, Description: "Names the project, which is unique in the state it is applied to. Without it the project is \"default\"."},
			{Name: "required_version", Type: text, Description: "Constraints such as \">= 1.2, < 2.0\" on the version of lft that may read the folder."},
		},
		Later: []string{"required_providers"},
	}
}

func variableBlock() Block {
	return Block{
		Name: "variable", Early: true, Labels: []string{"name"},
		Attributes: []Attribute{
			{Name: "default", Type: either, Description: "The value when none is given; without it one must be."},
			{Name: "description", Type: text, Description: "For people."},
			{Name: "nullable", Type: boolean, Description: "false: a null gives the default."},
			{Name: "sensitive", Type: boolean, Description: "Values made of it are masked wherever they are shown."},
			{Name: "type", Type: static, Description: "A type constraint such as string, list(number) or object({ name = string, keep = optional(number, 30) }); any without it."},
		},
		Blocks: []Block{conditionBlock("validation")},
		Later:  []string{"ephemeral", "deprecated"},
	}
}

func flowBlock() Block {
	return Block{
		Name: "flow", Labels: []string{"name"},
		Attributes: []Attribute{
			{Name: "description", Type: text, Description: "For people."},
			{Name: "enabled", Type: boolean, Description: "false: as if the block were not there."},
			{Name: "for_each", Type: either, Description: "A map, or a set of texts: one flow for each element."},
			{Name: "on_failure", Type: text, Description: "What a failed job does to the rest: \"finish_possible\" (default) runs all that can still run, \"finish_running\" starts nothing more, \"cancel\" kills what runs."},
			{Name: "protected", Type: boolean, Description: "true: no plan destroys it until a removed block names it."},
		},
		Blocks: []Block{
			{Name: "concurrency", Attributes: []Attribute{
				{Name: "max", Type: number, Required: true, Description: "Executions at the same time."},
				{Name: "queue_max", Type: number, Description: "Executions that wait at most; 100 by default."},
				{Name: "when_full", Type: text, Description: "For one more: \"queue\" (default), \"skip\", or \"replace\", which cancels the oldest."},
			}},
			{
				Name: "param", Labels: []string{"name"},
				Attributes: []Attribute{
					{Name: "type", Type: static, Required: true, Description: "A type constraint."},
					{Name: "default", Type: either, RunTime: true, Description: "The value when none is given; run.* may stand in it."},
					{Name: "description", Type: text, Description: "For people."},
				},
				Later: []string{"validation", "sensitive"},
			},
			{Name: "defaults", Attributes: sharedAttributes(), Blocks: sharedBlocks(), Later: jobLater()},
			jobBlock(),
			flowOutputBlock(),
			conditionBlock("precondition"),
		},
		Later: []string{"notify", "deadline", "priority", "timeout"},
	}
}

// sharedAttributes may stand in a job and in the flow's defaults.
func sharedAttributes() []Attribute {
	return []Attribute{
		{Name: "allow_failure", Type: boolean, Description: "true: its failure does not fail the execution."},
		{Name: "env", Type: texts, RunTime: true, Description: "Environment variables."},
		{Name: "kill_grace", Type: text, Description: "From TERM to KILL; \"10s\" by default."},
		{Name: "on_cancel", Type: text, Description: "\"run\": judged by its trigger even when the execution is cancelled."},
		{Name: "on_lost", Type: text, Description: "What follows when an attempt that had started is lost with its machine: \"rerun\" (default where retry.attempts is more than 1) or \"fail\"."},
		{Name: "pool", Type: static, Description: "The pool it takes slots of while it runs."},
		{Name: "pool_slots", Type: number, Description: "How many; 1 by default."},
		{Name: "priority", Type: number, Description: "-1000 to 1000, higher first; 0 by default."},
		{Name: "rerun_after", Type: text, Description: "Silence of its agent after which another attempt starts; the agent kills it by itself before. Not set: lft waits."},
		{Name: "timeout", Type: text, Description: "After which an attempt is killed; none by default."},
	}
}

func sharedBlocks() []Block {
	return []Block{
		{
			Name: "retry",
			Attributes: []Attribute{
				{Name: "attempts", Type: number, Description: "In all; 1 by default."},
				{Name: "backoff", Type: text, Description: "\"fixed\" (default) or \"exponential\": twice as long each time."},
				{Name: "delay", Type: text, Description: "Before the second attempt; \"10s\" by default."},
				{Name: "max_delay", Type: text, Description: "The longest delay; \"1h\" by default."},
			},
			Later: []string{"on"},
		},
		{
			Name: "placement",
			Attributes: []Attribute{
				{Name: "agent", Type: text, Description: "The name of the agent, for \"pinned\"."},
				{Name: "labels", Type: texts, Description: "Labels that an agent must have."},
				{Name: "strategy", Type: text, Description: "\"round_robin\" (default), \"least_loaded\" or \"pinned\"."},
			},
			Later: []string{"policy"},
		},
	}
}

func jobLater() []string {
	return []string{"workdir", "run_as", "hadoop_user", "resources", "concurrency_key", "notify", "deadline"}
}

func jobBlock() Block {
	return Block{
		Name: "job", Labels: []string{"type", "name"}, Open: true,
		Attributes: append(
			sharedAttributes(),
			Attribute{Name: "after", Type: static, Description: "Jobs it waits for, beside those it mentions: [job.x, job.y[\"key\"]]."},
			Attribute{Name: "enabled", Type: boolean, Description: "false: as if the block were not there; edges to it are dropped."},
			Attribute{Name: "for_each", Type: either, Description: "A map, or a set of texts: one job for each element."},
			Attribute{Name: "trigger", Type: text, Description: "The rule over the jobs before it; \"all_success\" by default."},
			Attribute{Name: "uses", Type: static, Description: "Dependencies it needs without mentioning their path: [dependency.x]."},
			Attribute{Name: "when", Type: boolean, RunTime: true, Description: "false: it is skipped, once its trigger lets it run."},
		),
		Blocks: append(sharedBlocks(), Block{
			Name: "output", Labels: []string{"name"},
			Attributes: []Attribute{
				{Name: "type", Type: static, Required: true, Description: "What the value must be."},
			},
			Later: []string{"description", "sensitive"},
		}, conditionBlock("precondition")),
		Later: jobLater(),
	}
}

func scheduleBlock() Block {
	return Block{
		Name: "schedule", Labels: []string{"name"},
		Attributes: []Attribute{
			{Name: "calendar", Type: static, Description: "The days on which it may fire."},
			{Name: "cron", Type: either, Description: "Five fields, or six or seven as in Quartz; or a list of such."},
			{Name: "enabled", Type: boolean, Description: "false: as if the block were not there."},
			{Name: "end", Type: text, Description: "The last day, or the first moment, on which it does not fire any more: RFC 3339, a local time or a date."},
			{Name: "every", Type: text, Description: "Instead of cron: a duration, counted from 1970 in UTC."},
			{Name: "flow", Type: static, Required: true, Description: "What it starts."},
			{Name: "for_each", Type: either, Description: "A map, or a set of texts: one schedule for each element."},
			{Name: "misfire", Type: text, Description: "What becomes of instants that passed while nobody could act: \"latest\" (default), \"all\" (at most 100) or \"skip\"."},
			{Name: "offset", Type: text, Description: "Shifts every."},
			{Name: "overlap", Type: text, Description: "Overrides the flow's when_full."},
			{Name: "params", Type: either, Description: "Parameters of the executions: constants."},
			{Name: "paused", Type: boolean, Description: "true: its instants are decided as skipped."},
			{Name: "protected", Type: boolean, Description: "true: no plan destroys it until a removed block names it."},
			{Name: "start", Type: text, Description: "The first moment: RFC 3339, a local time or a date."},
			{Name: "timezone", Type: text, Description: "An IANA name; \"UTC\" by default."},
		},
		Later: []string{"include", "exclude", "notify", "deadline", "jitter"},
	}
}

func poolBlock() Block {
	return Block{
		Name: "pool", Labels: []string{"name"},
		Attributes: []Attribute{
			{Name: "description", Type: text, Description: "For people."},
			{Name: "enabled", Type: boolean, Description: "false: as if the block were not there."},
			{Name: "for_each", Type: either, Description: "A map, or a set of texts: one pool for each element."},
			{Name: "protected", Type: boolean, Description: "true: no plan destroys it until a removed block names it."},
			{Name: "shared", Type: boolean, Description: "true: jobs of other projects may name it."},
			{Name: "slots", Type: number, Required: true, Description: "How many; 0 stops all that names it."},
		},
	}
}

// moduleBlock has no vocabulary of its own but for three words: the rest are the
// module's variables.
func moduleBlock() Block {
	return Block{
		Name: "module", Labels: []string{"name"}, Open: true,
		Attributes: []Attribute{
			{Name: "enabled", Type: boolean, Description: "false: as if the block were not there."},
			{Name: "for_each", Type: either, Description: "A map, or a set of texts: one module for each element."},
			{Name: "source", Type: text, Required: true, Description: "A folder such as \"./modules/x\" or \"../shared\", or one inside an archive: \"./x.zip//modules/y\"."},
		},
	}
}

// Dynamic returns the words of a dynamic block. What may stand in its content is
// up to the kind of block that it makes.
func Dynamic() Block {
	return Block{
		Name: "dynamic", Labels: []string{"kind"},
		Attributes: []Attribute{
			{Name: "for_each", Type: either, Required: true, Description: "A map, a set or a list: one block for each element."},
			{Name: "iterator", Type: static, Description: "The name of the element; that of the block by default."},
			{Name: "labels", Type: either, Description: "The labels of each block."},
		},
	}
}
