package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/urfave/cli/v3"
)

// The help texts show flags with a single dash, as Terraform does.
const (
	flagHelp = `{{define "flag"}}  {{$type := .TypeName}}{{$name := index .Names 0}}{{if eq $type "bool" ""}}{{printf "-%-22s" $name}}` +
		`{{else}}{{printf "-%-22s" (printf "%s=%s" $name (or $type "string"))}}{{end}} {{.GetUsage}}
{{end}}`

	rootHelp = flagHelp + `Usage: lft [-chdir=DIR] COMMAND [flags] [arguments]

lft is {{.Usage}}.
COMMANDS

Flags before the command:
{{range .VisibleFlags}}{{template "flag" .}}{{end}}
lft COMMAND -help tells more; lft help exit-codes and lft help environment tell what scripts may rely on.
`

	verbHelp = flagHelp + `Usage: {{.FullName}}{{if .Commands}} [COMMAND]{{end}}{{if .VisibleFlags}} [flags]{{end}}{{with .ArgsUsage}} {{.}}{{end}}

  {{.Usage}}.
{{if .Description}}
{{.Description}}
{{end}}{{if .Commands}}
Commands:
{{range .Commands}}  {{printf "%-12s" .Name}} {{.Usage}}
{{end}}{{end}}{{if .VisibleFlags}}
Flags:
{{range .VisibleFlags}}{{template "flag" .}}{{end}}{{end}}{{with .Metadata.ignored}}
Taken from those who wrap Terraform, and without effect, because there is nothing
for it to act on: {{.}}.
{{end}}{{with .Metadata.exits}}
{{.}}{{end}}`
)

// rootHelpOf is the help of lft itself: the verbs by their groups.
func rootHelpOf(groups []group) string {
	var b strings.Builder
	for _, g := range groups {
		fmt.Fprintf(&b, "\n%s:\n", g.title)
		for _, verb := range g.verbs {
			if !verb.Hidden {
				fmt.Fprintf(&b, "  %-12s %s\n", verb.Name, verb.Usage)
			}
		}
	}
	return strings.Replace(rootHelp, "COMMANDS\n", b.String(), 1)
}

// environmentHelp is the page of "lft help environment".
const environmentHelp = `Environment variables, each beaten by the flag that says the same:

  LFT_VAR_name           the value of variable "name"; those of other folders are ignored
  LFT_STATE              the database, as -state
  LFT_MASTER             masters to ask instead, as -master
  LFT_CLI_ARGS           arguments of every command, put in right behind it; words are split as a shell does
  LFT_CLI_ARGS_command   arguments of one command: LFT_CLI_ARGS_plan, LFT_CLI_ARGS_state_list; behind the former
  LFT_INPUT              0 or false: ask nothing, as -input=false
  LFT_IN_AUTOMATION      not empty: leave out hints about what to type next
  NO_COLOR               not empty: no colors, unless -force-color is given

Colors appear on a terminal only, and not where TERM is "dumb".
`

func printHelp(verb *cli.Command) { cli.HelpPrinter(verb.Root().Writer, verbHelp, verb) }

func (a *app) helpVerb() *cli.Command {
	return &cli.Command{
		Name:      "help",
		Usage:     "Show the help of a command, the exit codes or the environment",
		ArgsUsage: "[COMMAND... | exit-codes | environment]",
		Action: func(ctx context.Context, cmd *cli.Command) error {
			words := cmd.Args().Slice()
			switch {
			case len(words) == 0:
				return cli.ShowRootCommandHelp(cmd.Root())
			case len(words) == 1 && words[0] == "exit-codes":
				exitTable().Show(a.term)
				return nil
			case len(words) == 1 && words[0] == "environment":
				a.term.Printf("%s", environmentHelp)
				return nil
			}
			at := cmd.Root()
			for _, word := range words {
				below := at.Command(word)
				if below == nil {
					return noSuchVerb(at, word)
				}
				at = below
			}
			printHelp(at)
			return nil
		},
	}
}
