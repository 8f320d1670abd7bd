package schema

// The blocks beside flow, schedule and pool, and those that state conditions.

func outputBlock() Block {
	return Block{
		Name: "output", Labels: []string{"name"},
		Attributes: []Attribute{{Name: "description", Type: text}, {Name: "sensitive", Type: boolean}, {Name: "value", Type: either, Required: true}},
		Blocks:     []Block{conditionBlock("precondition")},
		Later:      []string{"depends_on", "ephemeral", "deprecated"},
	}
}

func checkBlock() Block {
	return Block{Name: "check", Labels: []string{"name"}, Blocks: []Block{conditionBlock("assert")}, Later: []string{"data"}}
}

// conditionBlock is a rule with the words for whoever breaks it. It may stand as
// often as there are rules.
func conditionBlock(name string) Block {
	return Block{
		Name: name, Repeated: true,
		Attributes: []Attribute{{Name: "condition", Type: boolean, Required: true}, {Name: "error_message", Type: text, Required: true}},
	}
}

func movedBlock() Block {
	return Block{Name: "moved", Attributes: []Attribute{{Name: "from", Type: static, Required: true}, {Name: "to", Type: static, Required: true}}}
}

func removedBlock() Block {
	return Block{
		Name:       "removed",
		Attributes: []Attribute{{Name: "from", Type: static, Required: true}},
		Blocks:     []Block{{Name: "lifecycle", Attributes: []Attribute{{Name: "destroy", Type: boolean, Required: true}}}},
		Later:      []string{"provisioner", "connection"},
	}
}

func calendarBlock() Block {
	return Block{
		Name: "calendar", Labels: []string{"name"},
		Attributes: []Attribute{
			{Name: "enabled", Type: boolean},
			{Name: "exclude", Type: listOfTexts},
			{Name: "for_each", Type: either},
			{Name: "include", Type: listOfTexts},
			{Name: "protected", Type: boolean},
		},
	}
}

func dependencyBlock() Block {
	return Block{
		Name: "dependency", Labels: []string{"name"},
		Attributes: []Attribute{
			{Name: "enabled", Type: boolean},
			{Name: "for_each", Type: either},
			{Name: "protected", Type: boolean},
			{Name: "source", Type: text, Required: true},
			{Name: "unpack", Type: boolean},
		},
		Later: []string{"exclude", "include", "version", "sha256"},
	}
}

// flowOutputBlock is what an execution of a flow hands to the flow that started
// it; in a job, an output block has a type only.
func flowOutputBlock() Block {
	return Block{
		Name: "output", Labels: []string{"name"},
		Attributes: []Attribute{
			{Name: "description", Type: text}, {Name: "type", Type: static, Required: true}, {Name: "value", Type: either, Required: true, RunTime: true},
		},
		Later: []string{"sensitive", "precondition"},
	}
}

// ChildAttributes are what a job takes that starts a flow, whatever its type: the
// flow, and the parameters it is given.
func ChildAttributes() []Attribute {
	return []Attribute{{Name: "flow", Type: static, Required: true}, {Name: "params", Type: either, RunTime: true}}
}
