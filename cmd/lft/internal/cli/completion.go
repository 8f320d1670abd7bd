package cli

import (
	"context"
	_ "embed"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v3"
)

// The scripts hand the words of the line to "lft complete", which answers with
// one candidate a line.
var (
	//go:embed completion/lft.bash
	completionBash string
	//go:embed completion/lft.zsh
	completionZsh string
	//go:embed completion/lft.fish
	completionFish string
	//go:embed completion/lft.ps1
	completionPowershell string
)

func (a *app) completionVerb() *cli.Command {
	scripts := map[string]string{
		"bash": completionBash, "zsh": completionZsh, "fish": completionFish, "powershell": completionPowershell,
	}
	shells := slices.Sorted(maps.Keys(scripts))
	return &cli.Command{
		Name:      "completion",
		Usage:     "Write a script that makes a shell complete commands, flags and files",
		ArgsUsage: strings.Join(shells, "|"),
		Description: "bash        eval \"$(lft completion bash)\"                     in ~/.bashrc\n" +
			"zsh         eval \"$(lft completion zsh)\"                      in ~/.zshrc, behind compinit\n" +
			"fish        lft completion fish | source                      in ~/.config/fish/config.fish\n" +
			"powershell  lft completion powershell | Out-String | Invoke-Expression   in $PROFILE",
		Action: func(_ context.Context, cmd *cli.Command) error {
			shell, err := oneArgument(cmd, "the name of a shell, "+strings.Join(shells, ", "))
			if err != nil {
				return err
			}
			script, ok := scripts[shell]
			if !ok {
				return unknown("shell", shell, shells, "there are "+strings.Join(shells, ", "))
			}
			a.term.Printf("%s", script)
			return nil
		},
	}
}

// completeVerb answers the scripts: the arguments are the words of the line behind
// lft, of which the last one is to be completed.
func (a *app) completeVerb() *cli.Command {
	return &cli.Command{
		Name:            "complete",
		Usage:           "Answer the scripts of lft completion",
		Hidden:          true,
		SkipFlagParsing: true,
		Action: func(_ context.Context, cmd *cli.Command) error {
			for _, candidate := range candidates(cmd.Root(), cmd.Args().Slice()) {
				a.term.Printf("%s\n", candidate)
			}
			return nil
		},
	}
}

// candidates are what the last word may become, sorted. None means files.
func candidates(root *cli.Command, words []string) []string {
	if len(words) == 0 {
		words = []string{""}
	}
	last := words[len(words)-1]
	at, cmd := 0, root
	for words := words[:len(words)-1]; at < len(words); at++ {
		below := cmd.Command(words[at])
		if below == nil {
			continue
		}
		cmd = below
	}
	var all []string
	switch {
	case strings.HasPrefix(last, "-") && !strings.Contains(last, "="):
		for _, flag := range cmd.Flags {
			all = append(all, flagWord(flag))
		}
		all = append(all, "-help", "-no-color", "-force-color")
	case strings.HasPrefix(last, "-"):
		name, value, _ := strings.Cut(last, "=")
		for _, file := range files(value) {
			all = append(all, name+"="+file)
		}
	case cmd.Name == "help":
		all = verbNames(root)
	case cmd.Name == "completion":
		all = []string{"bash", "fish", "powershell", "zsh"}
	default:
		all = verbNames(cmd)
	}
	chosen := slices.DeleteFunc(all, func(word string) bool { return !strings.HasPrefix(word, last) })
	slices.Sort(chosen)
	return slices.Compact(chosen)
}

func verbNames(cmd *cli.Command) []string {
	var names []string
	for _, verb := range cmd.Commands {
		if !verb.Hidden || cmd != cmd.Root() {
			names = append(names, verb.Name)
		}
	}
	return names
}

// flagWord is a flag as it is typed; one that takes a value ends with =.
func flagWord(flag cli.Flag) string {
	word := "-" + flag.Names()[0]
	if _, isBool := flag.(*cli.BoolFlag); isBool {
		return word
	}
	return word + "="
}

// files completes the name of a file.
func files(prefix string) []string {
	found, err := filepath.Glob(strings.NewReplacer("*", `\*`, "?", `\?`, "[", `\[`).Replace(prefix) + "*")
	if err != nil {
		return nil
	}
	for i, name := range found {
		if info, err := os.Stat(name); err == nil && info.IsDir() {
			found[i] = fmt.Sprintf("%s%c", name, filepath.Separator)
		}
	}
	return found
}
