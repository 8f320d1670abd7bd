package schema

// The blocks beside flow, schedule and pool, and those that state conditions.

func outputBlock() Block {
	return Block{
		Name: "output", Labels: []string{"name"},
		Attributes: []Attribute{
			{Name: "description", Type: text, Description: "For people."},
			{Name: "sensitive", Type: boolean, Description: "true: masked; asked for when the value is made of a sensitive one."},
			{Name: "value", Type: either, Required: true, Description: "What is published."},
		},
		Blocks: []Block{conditionBlock("precondition")},
		Later:  []string{"depends_on", "ephemeral", "deprecated"},
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
		Attributes: []Attribute{
			{Name: "condition", Type: boolean, Required: true, Description: "What must hold."},
			{Name: "error_message", Type: text, Required: true, Description: "What to say when it does not."},
		},
	}
}

func movedBlock() Block {
	return Block{Name: "moved", Attributes: []Attribute{
		{Name: "from", Type: static, Required: true, Description: "The address it had."},
		{Name: "to", Type: static, Required: true, Description: "The address it has."},
	}}
}

func removedBlock() Block {
	return Block{
		Name: "removed", Early: true,
		Attributes: []Attribute{
			{Name: "from", Type: static, Required: true, Description: "The address it had."},
		},
		Blocks: []Block{{Name: "lifecycle", Attributes: []Attribute{
			{Name: "destroy", Type: boolean, Required: true, Description: "Only true: lft keeps nothing that no folder declares."},
		}}},
		Later: []string{"provisioner", "connection"},
	}
}

func calendarBlock() Block {
	return Block{
		Name: "calendar", Labels: []string{"name"},
		Attributes: []Attribute{
			{Name: "enabled", Type: boolean, Description: "false: as if the block were not there."},
			{Name: "exclude", Type: listOfTexts, Description: "Dates and ranges such as \"2026-10-01..2026-10-07\" that are taken away."},
			{Name: "for_each", Type: either, Description: "A map, or a set of texts: one calendar for each element."},
			{Name: "include", Type: listOfTexts, Description: "Dates and ranges that are left; without it, all."},
			{Name: "protected", Type: boolean, Description: "true: no plan destroys it until a removed block names it."},
		},
	}
}

func dependencyBlock() Block {
	return Block{
		Name: "dependency", Labels: []string{"name"},
		Attributes: []Attribute{
			{Name: "enabled", Type: boolean, Description: "false: as if the block were not there."},
			{Name: "for_each", Type: either, Description: "A map, or a set of texts: one dependency for each element."},
			{Name: "protected", Type: boolean, Description: "true: no plan destroys it until a removed block names it."},
			{Name: "source", Type: text, Required: true, Description: "A file, a folder or an archive in this folder."},
			{Name: "unpack", Type: boolean, Description: "false: an archive is handed over as it is."},
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
			{Name: "description", Type: text, Description: "For people."},
			{Name: "type", Type: static, Required: true, Description: "What the value must be."},
			{Name: "value", Type: either, Required: true, RunTime: true, Description: "Computed when the last job has ended."},
		},
		Later: []string{"sensitive", "precondition"},
	}
}

// ChildAttributes are what a job takes that starts a flow, whatever its type: the
// flow, and the parameters it is given.
func ChildAttributes() []Attribute {
	return []Attribute{
		{Name: "flow", Type: static, Required: true, Description: "What it starts."},
		{Name: "params", Type: either, RunTime: true, Description: "Parameters of the inner execution."},
	}
}

// Syntax is File for those who read a form in which a word alone does not tell a
// reference from a text: with all that a job may take, whatever its type.
func Syntax() Block {
	file := File()
	for i := range file.Blocks {
		if file.Blocks[i].Name != "flow" {
			continue
		}
		for k := range file.Blocks[i].Blocks {
			if job := &file.Blocks[i].Blocks[k]; job.Name == "job" {
				job.Attributes = append(job.Attributes, ChildAttributes()...)
			}
		}
	}
	return file
}
