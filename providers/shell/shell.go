// Package shell is the job type that runs a program or a script.
//
// Values never become program text: a command is a list of words, passed as they
// are, and a script is fixed when it is planned. What differs from run to run
// reaches a script by its environment, its files or its standard input.
package shell

import (
	"encoding/json"

	"github.com/leifengta/lft/lang/schema"
	"github.com/leifengta/lft/lang/spec"
	"github.com/leifengta/lft/providers"
)

// Type is the job type shell.
type Type struct{}

var _ providers.JobType = Type{}

// Schema implements providers.JobType.
func (Type) Schema() schema.JobType {
	return schema.JobType{
		Name:        "shell",
		Kind:        string(spec.KindProcess),
		Description: "Runs a program, or a script with an interpreter. Exactly one of command and script is given.",
		Attributes: []schema.Attribute{
			{
				Name: "command", Type: json.RawMessage(`["list","string"]`), RunTime: true,
				Description: "The program and its arguments, word by word; no shell is involved. " +
					"The program is looked up in the job's PATH, or in the work directory when its name has a slash.",
			},
			{
				Name: "files", Type: json.RawMessage(`["map","string"]`), RunTime: true,
				Description: "Files to make in the work directory before the start: local path = content.",
			},
			{
				Name: "interpreter", Type: json.RawMessage(`["list","string"]`),
				Description: `What runs the script, by default ["/bin/sh", "-eu"]; the name of the script's file is added.`,
			},
			{
				Name: "script", Type: json.RawMessage(`"string"`),
				Description: "A program text for the interpreter. It is the same in each run: " +
					"hand over values by env, files or stdin.",
			},
			{
				Name: "stdin", Type: json.RawMessage(`"string"`), RunTime: true,
				Description: "Standard input; nothing by default.",
			},
		},
	}
}

// body is what Generate makes: the arguments, checked.
type body struct {
	Command     []string          `json:"command,omitempty"`
	Script      *string           `json:"script,omitempty"`
	Interpreter []string          `json:"interpreter,omitempty"`
	Stdin       *string           `json:"stdin,omitempty"`
	Files       map[string]string `json:"files,omitempty"`
}
