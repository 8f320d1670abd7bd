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
			lftBlock(), variableBlock(), {Name: "locals", Open: true}, flowBlock(), scheduleBlock(), poolBlock(), moduleBlock(),
			calendarBlock(), dependencyBlock(), outputBlock(), checkBlock(), movedBlock(), removedBlock(),
		},
		Later: []string{
			"secret", "connection", "grant", "placement_policy", "provider", "import", "notify", "deadline",
		},
	}
}

func lftBlock() Block {
	return Block{
		Name:       "lft",
		Attributes: []Attribute{{Name: "project", Type: text}, {Name: "required_version", Type: text}},
		Later:      []string{"required_providers"},
	}
}

func variableBlock() Block {
	return Block{
		Name: "variable", Early: true, Labels: []string{"name"},
		Attributes: []Attribute{
			{Name: "default", Type: either}, {Name: "description", Type: text}, {Name: "nullable", Type: boolean}, {Name: "sensitive", Type: boolean}, {Name: "type", Type: static},
		},
		Blocks: []Block{conditionBlock("validation")},
		Later:  []string{"ephemeral", "deprecated"},
	}
}

func flowBlock() Block {
	return Block{
		Name: "flow", Labels: []string{"name"},
		Attributes: []Attribute{
			{Name: "description", Type: text}, {Name: "enabled", Type: boolean}, {Name: "for_each", Type: either}, {Name: "on_failure", Type: text},
			{Name: "protected", Type: boolean},
		},
		Blocks: []Block{
			{Name: "concurrency", Attributes: []Attribute{{Name: "max", Type: number, Required: true}, {Name: "queue_max", Type: number}, {Name: "when_full", Type: text}}},
			{
				Name: "param", Labels: []string{"name"},
				Attributes: []Attribute{{Name: "type", Type: static, Required: true}, {Name: "default", Type: either, RunTime: true}, {Name: "description", Type: text}},
				Later:      []string{"validation", "sensitive"},
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
		{Name: "allow_failure", Type: boolean},
		{Name: "env", Type: texts, RunTime: true},
		{Name: "kill_grace", Type: text},
		{Name: "on_cancel", Type: text},
		{Name: "on_lost", Type: text},
		{Name: "pool", Type: static},
		{Name: "pool_slots", Type: number},
		{Name: "priority", Type: number},
		{Name: "rerun_after", Type: text},
		{Name: "timeout", Type: text},
	}
}

func sharedBlocks() []Block {
	return []Block{
		{
			Name: "retry",
			Attributes: []Attribute{
				{Name: "attempts", Type: number}, {Name: "backoff", Type: text}, {Name: "delay", Type: text}, {Name: "max_delay", Type: text},
			},
			Later: []string{"on"},
		},
		{
			Name:       "placement",
			Attributes: []Attribute{{Name: "agent", Type: text}, {Name: "labels", Type: texts}, {Name: "strategy", Type: text}},
			Later:      []string{"policy"},
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
			Attribute{Name: "after", Type: static},
			Attribute{Name: "enabled", Type: boolean},
			Attribute{Name: "for_each", Type: either},
			Attribute{Name: "trigger", Type: text},
			Attribute{Name: "uses", Type: static},
			Attribute{Name: "when", Type: boolean, RunTime: true},
		),
		Blocks: append(sharedBlocks(), Block{
			Name: "output", Labels: []string{"name"},
			Attributes: []Attribute{{Name: "type", Type: static, Required: true}},
			Later:      []string{"description", "sensitive"},
		}, conditionBlock("precondition")),
		Later: jobLater(),
	}
}

func scheduleBlock() Block {
	return Block{
		Name: "schedule", Labels: []string{"name"},
		Attributes: []Attribute{
			{Name: "calendar", Type: static},
			{Name: "cron", Type: either},
			{Name: "enabled", Type: boolean},
			{Name: "end", Type: text},
			{Name: "every", Type: text},
			{Name: "flow", Type: static, Required: true},
			{Name: "for_each", Type: either},
			{Name: "misfire", Type: text},
			{Name: "offset", Type: text},
			{Name: "overlap", Type: text},
			{Name: "params", Type: either},
			{Name: "paused", Type: boolean},
			{Name: "protected", Type: boolean},
			{Name: "start", Type: text},
			{Name: "timezone", Type: text},
		},
		Later: []string{"include", "exclude", "notify", "deadline", "jitter"},
	}
}

func poolBlock() Block {
	return Block{
		Name: "pool", Labels: []string{"name"},
		Attributes: []Attribute{
			{Name: "description", Type: text}, {Name: "enabled", Type: boolean}, {Name: "for_each", Type: either}, {Name: "protected", Type: boolean},
			{Name: "shared", Type: boolean}, {Name: "slots", Type: number, Required: true},
		},
	}
}

// moduleBlock has no vocabulary of its own but for three words: the rest are the
// module's variables.
func moduleBlock() Block {
	return Block{
		Name: "module", Labels: []string{"name"}, Open: true,
		Attributes: []Attribute{{Name: "enabled", Type: boolean}, {Name: "for_each", Type: either}, {Name: "source", Type: text, Required: true}},
	}
}

// Dynamic returns the words of a dynamic block. What may stand in its content is
// up to the kind of block that it makes.
func Dynamic() Block {
	return Block{
		Name: "dynamic", Labels: []string{"kind"},
		Attributes: []Attribute{{Name: "for_each", Type: either, Required: true}, {Name: "iterator", Type: static}, {Name: "labels", Type: either}},
	}
}
