package cli

import (
	"strings"

	"github.com/urfave/cli/v3"
)

// Words of other tools that come to the fingers by themselves. lft has none of
// them; each has a sentence that says what to type instead, or why there is
// nothing to do.
//
// The exception are flags that programs pass blindly, which were written to call
// Terraform: they are taken when what they ask for holds anyway. A flag that would
// change what happens is never ignored.

// ignoredFlags are those flags of a verb.
func ignoredFlags(verb string) []cli.Flag {
	lock := []cli.Flag{
		&cli.BoolFlag{Name: "lock", Hidden: true}, // two applies never meet, with a lock or without
		&cli.StringFlag{Name: "lock-timeout", Hidden: true},
	}
	switch verb {
	case "plan", "apply", "destroy":
		return append(lock,
			&cli.IntFlag{Name: "parallelism", Hidden: true}, // there is one transaction
			&cli.BoolFlag{Name: "refresh", Hidden: true},    // the state is what runs
			&cli.BoolFlag{Name: "compact-warnings", Hidden: true},
		)
	case "init":
		return append(lock,
			&cli.BoolFlag{Name: "upgrade", Hidden: true}, // nothing is fetched
			&cli.BoolFlag{Name: "get", Hidden: true},
			&cli.BoolFlag{Name: "backend", Hidden: true}, // nothing about the state is written down
			&cli.BoolFlag{Name: "reconfigure", Hidden: true},
		)
	}
	return nil
}

// foreignVerb returns the sentence about a verb, "" for one of nobody's. under is
// the verb it was typed behind, "" for lft itself.
func foreignVerb(under, name string) string {
	switch strings.TrimSpace(under + " " + name) {
	case "workspace", "env":
		return "two environments are a state and a file of variables each: lft plan -state=… -var-file=…"
	case "taint", "untaint":
		return "nothing is made anew by itself; what runs is started with lft run"
	case "import":
		return "what is deployed was declared in a folder; lft apply -adopt takes over a project of another folder"
	case "refresh":
		return "the state is what runs, so there is nothing to read again; lft plan -refresh-only shows what operators have overridden"
	case "force-unlock":
		return "nothing is ever locked: of two applies at once, the one that comes second is refused as stale when they touch the same"
	case "get", "modules":
		return "modules are folders on this disk; nothing is fetched"
	case "login", "logout":
		return "LFT_STATE or LFT_MASTER say where to go"
	case "test":
		return "lft validate checks the folder, check blocks and preconditions are judged by every plan, and lft console tries expressions"
	case "push":
		return "lft apply deploys the folder"
	case "state mv":
		return "write a moved block; it works in every environment that the folder is applied to"
	case "state rm":
		return "remove the block and apply, with a removed block for what is protected; lft keeps nothing that no folder declares"
	case "state pull":
		return "lft show -json prints the whole state"
	case "state replace-provider", "providers lock", "providers mirror":
		return "job types are part of lft and its agents; nothing is fetched"
	case "metadata":
		return "lft functions -json and lft providers schema -json tell what there is"
	case "state push":
		return "lft rollback goes back to an earlier revision, lft apply to what the folder declares"
	case "trigger", "start", "submit", "execute", "exec", "backfill":
		return "lft run flow.NAME -param name=value starts a flow"
	case "unpause":
		return "lft resume"
	case "kill", "stop":
		return "lft cancel ID ends an execution; lft runs lists them"
	case "list", "ls", "ps", "jobs":
		return "lft runs lists executions, lft state list what is deployed"
	case "dags", "flows":
		return `lft state list "flow.*"`
	case "lint", "check":
		return "lft validate"
	case "format":
		return "lft fmt"
	}
	return ""
}

// foreignVariable returns the sentence about a variable of the environment.
func foreignVariable(name string) string {
	switch name {
	case "LFT_WORKSPACE":
		return foreignVerb("", "workspace")
	case "LFT_DATA_DIR":
		return "-state or LFT_STATE say where the state is; nothing else is kept"
	default: // LFT_LOG
		return "a verb shows what it does; a server and an agent write their log by themselves"
	}
}

// foreignFlag returns the sentence about a flag, "" for one of nobody's.
func foreignFlag(verb, name string) string {
	switch name {
	case "lock", "lock-timeout":
		return "nothing is locked: of two applies at once, the one that comes second is refused as stale when they touch the same"
	case "refresh-only":
		return "an override is taken back by lft resume or lft pool reset; lft plan -refresh-only shows them"
	case "replace":
		return "nothing is made anew by itself; what runs is started with lft run"
	case "generate-config-out":
		return "what is deployed was declared in a folder; lft show prints it as it would be written"
	case "backend-config", "migrate-state", "force-copy":
		return "there is no backend to prepare: -state or LFT_STATE of every command say where the state is"
	case "plugin-dir", "lockfile", "from-module":
		return "nothing is fetched: job types are part of lft, modules are folders on this disk"
	case "backup", "state-out":
		return "every apply is a revision: lft history lists them, lft rollback goes back"
	case "force", "y", "yes", "f":
		if verb == "apply" || verb == "destroy" || verb == "rollback" {
			return "-auto-approve does not ask"
		}
	case "draw-cycles", "module-depth", "plan":
		if verb == "graph" {
			return "it shows the jobs of the folder; a cycle is an error that names each step of it"
		}
	case "chdir":
		return "it stands before the command: lft -chdir=DIR " + verb
	case "install-autocomplete":
		return "lft completion SHELL prints what completes"
	}
	return ""
}
