package shell

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/leifengta/lft/providers"
)

// scriptName is the script's file in the work directory. Nobody's own file may
// have this name.
const scriptName = ".lft-script"

// Limits of one job. What is larger belongs into a dependency.
const (
	maxWords = 64 << 10  // of an argument list
	maxWord  = 128 << 10 // bytes; the kernel allows no longer argument
	maxText  = 384 << 10 // bytes of script, stdin and files together
	maxFiles = 1000
)

// Generate implements providers.JobType.
func (Type) Generate(args json.RawMessage) (json.RawMessage, error) {
	var b body
	d := json.NewDecoder(bytes.NewReader(args))
	d.DisallowUnknownFields()
	if err := d.Decode(&b); err != nil {
		return nil, fmt.Errorf("arguments: %w", err)
	}
	if err := b.check(); err != nil {
		return nil, err
	}
	return json.Marshal(b)
}

func (b *body) check() error {
	switch {
	case b.Command != nil && b.Script != nil:
		return errors.New("command and script are both given; a job has one of them")
	case b.Command == nil && b.Script == nil:
		return errors.New("neither command nor script is given")
	case b.Interpreter != nil && b.Script == nil:
		return errors.New("interpreter is given without a script")
	}
	if b.Command != nil {
		if err := checkWords("command", b.Command); err != nil {
			return err
		}
	}
	if b.Interpreter != nil {
		if err := checkWords("interpreter", b.Interpreter); err != nil {
			return err
		}
	}
	return b.checkText()
}

// checkWords refuses what no kernel can execute.
func checkWords(name string, words []string) error {
	switch {
	case len(words) == 0:
		return fmt.Errorf("%s is empty", name)
	case words[0] == "":
		return fmt.Errorf("%s[0] is empty: it names the program", name)
	case len(words) > maxWords:
		return fmt.Errorf("%s has %d words, more than %d", name, len(words), maxWords)
	}
	for i, w := range words {
		if strings.IndexByte(w, 0) >= 0 {
			return fmt.Errorf("%s[%d] holds a zero byte", name, i)
		}
		if len(w) >= maxWord {
			return fmt.Errorf("%s[%d] has %d bytes; an argument is shorter than %d", name, i, len(w), maxWord)
		}
	}
	return nil
}

func (b *body) checkText() error {
	total := 0
	if b.Script != nil {
		total += len(*b.Script)
	}
	if b.Stdin != nil {
		total += len(*b.Stdin)
	}
	if len(b.Files) > maxFiles {
		return fmt.Errorf("files has %d members, more than %d", len(b.Files), maxFiles)
	}
	for _, name := range slices.Sorted(maps.Keys(b.Files)) {
		total += len(b.Files[name])
		if !fs.ValidPath(name) || name == "." || strings.ContainsAny(name, "\\\x00") {
			return fmt.Errorf("files[%q]: the name is no plain path inside the work directory", name)
		}
		if name == scriptName || strings.HasPrefix(name, scriptName+"/") {
			return fmt.Errorf("files[%q]: the name belongs to the script", name)
		}
	}
	if total > maxText {
		return fmt.Errorf("script, stdin and files have %d bytes in all, more than %d", total, maxText)
	}
	return b.checkFolders()
}

// checkFolders refuses a name that is a file and a folder at once.
func (b *body) checkFolders() error {
	for _, name := range slices.Sorted(maps.Keys(b.Files)) {
		for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
			if _, ok := b.Files[dir]; ok {
				return fmt.Errorf("files[%q] is a file and the folder of files[%q]", dir, name)
			}
		}
	}
	return nil
}

// Command implements providers.JobType.
func (Type) Command(task json.RawMessage) (providers.Process, error) {
	var b body
	if err := json.Unmarshal(task, &b); err != nil {
		return providers.Process{}, fmt.Errorf("shell task: %w", err)
	}
	if err := b.check(); err != nil {
		return providers.Process{}, fmt.Errorf("shell task: %w", err)
	}
	p := providers.Process{Argv: b.Command}
	if b.Stdin != nil {
		p.Stdin = []byte(*b.Stdin) // "" is an empty input, not none
	}
	for _, name := range slices.Sorted(maps.Keys(b.Files)) {
		p.Files = append(p.Files, providers.File{Name: name, Mode: 0o700, Data: []byte(b.Files[name])})
	}
	if b.Script != nil {
		interpreter := b.Interpreter
		if interpreter == nil {
			interpreter = []string{"/bin/sh", "-eu"}
		}
		p.Files = append(p.Files, providers.File{Name: scriptName, Mode: 0o600, Data: []byte(*b.Script)})
		p.Argv = append(slices.Clone(interpreter), scriptName)
	}
	return p, nil
}
