package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v3"
)

// withEnvironment puts the arguments of LFT_CLI_ARGS and LFT_CLI_ARGS_VERB right
// behind the verb, so that what is typed comes later and wins. Verbs that lft
// itself calls are hidden, and take what they are given.
func withEnvironment(root *cli.Command, args []string, getenv func(string) string) ([]string, error) {
	at, path := verbAt(root, args)
	if len(path) == 0 || root.Command(path[0]).Hidden {
		return args, nil
	}
	var more []string
	for _, name := range []string{"LFT_CLI_ARGS", "LFT_CLI_ARGS_" + strings.ReplaceAll(strings.Join(path, "_"), "-", "_")} {
		words, err := shellWords(getenv(name))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		more = append(more, words...)
	}
	return slices.Insert(slices.Clone(args), at, more...), nil
}

// warnUnread tells of variables that would mean something if lft were Terraform:
// who sets one counts on it.
func warnUnread(getenv func(string) string, note func(format string, args ...any)) {
	for _, name := range []string{"LFT_WORKSPACE", "LFT_DATA_DIR", "LFT_LOG"} {
		if getenv(name) != "" {
			note("Warning: %s is set, and not read: %s.\n", name, foreignVariable(name))
		}
	}
}

// verbAt finds the verb in the arguments, with the verbs below it, and where its
// own arguments begin.
func verbAt(root *cli.Command, args []string) (at int, path []string) {
	for at < len(args) && strings.HasPrefix(args[at], "-") {
		name := strings.TrimLeft(args[at], "-")
		if at++; name == "chdir" {
			at++ // its value
		}
	}
	for cmd := root; at < len(args); at++ {
		if cmd = cmd.Command(args[at]); cmd == nil {
			break
		}
		path = append(path, args[at])
	}
	return min(at, len(args)), path
}

// shellWords splits text as a shell does, without expanding anything: quotes keep
// blanks, a backslash keeps what follows it.
func shellWords(text string) ([]string, error) {
	var words []string
	var word strings.Builder
	inWord, quote := false, rune(0)
	runes := []rune(text)
	for i := 0; i < len(runes); i++ {
		r := runes[i]
		escapes := r == '\\' && (quote == 0 || quote == '"' && i+1 < len(runes) && strings.ContainsRune(`"\$`+"`", runes[i+1]))
		switch {
		case escapes && i+1 == len(runes):
			return nil, errors.New("it ends with a backslash")
		case escapes:
			i++
			word.WriteRune(runes[i])
			inWord = true
		case quote != 0 && r == quote:
			quote = 0
		case quote == 0 && (r == '\'' || r == '"'):
			quote, inWord = r, true
		case quote == 0 && strings.ContainsRune(" \t\n", r):
			if inWord {
				words = append(words, word.String())
			}
			word.Reset()
			inWord = false
		default:
			word.WriteRune(r)
			inWord = true
		}
	}
	if quote != 0 {
		return nil, fmt.Errorf("the quote %c is not closed", quote)
	}
	if inWord {
		words = append(words, word.String())
	}
	return words, nil
}

// mayAsk reports whether a person may be asked for something: neither -input=false
// nor LFT_INPUT=0.
func mayAsk(cmd *cli.Command, getenv func(string) string) bool {
	if cmd.IsSet("input") {
		return cmd.Bool("input")
	}
	switch strings.ToLower(getenv("LFT_INPUT")) {
	case "0", "f", "false":
		return false
	}
	return true
}

// automated reports that a script reads, who needs no hints what to type next.
func automated(getenv func(string) string) bool { return getenv("LFT_IN_AUTOMATION") != "" }

// inputFlag is the flag of every verb that may ask.
func inputFlag() cli.Flag {
	return &cli.BoolFlag{Name: "input", Value: true, Usage: "ask when something must be known (-input=false, LFT_INPUT=0)"}
}
