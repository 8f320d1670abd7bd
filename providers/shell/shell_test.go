package shell_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/leifengta/lft/providers"
	"github.com/leifengta/lft/providers/providertest"
	"github.com/leifengta/lft/providers/shell"
)

func TestShell(t *testing.T) {
	providertest.Run(t, shell.Type{}, []providertest.Case{
		{
			Name: "command", Args: `{"command":["prog","a b","$HOME",""]}`,
			Want: &providers.Process{Argv: []string{"prog", "a b", "$HOME", ""}},
		},
		{
			Name: "script", Args: `{"script":"echo hi\n"}`,
			Want: &providers.Process{
				Argv:  []string{"/bin/sh", "-eu", ".lft-script"},
				Files: []providers.File{{Name: ".lft-script", Mode: 0o600, Data: []byte("echo hi\n")}},
			},
		},
		{
			Name: "interpreter", Args: `{"script":"print(1)","interpreter":["python3","-u"]}`,
			Want: &providers.Process{
				Argv:  []string{"python3", "-u", ".lft-script"},
				Files: []providers.File{{Name: ".lft-script", Mode: 0o600, Data: []byte("print(1)")}},
			},
		},
		{
			Name: "stdin and files", Args: `{"command":["./x/run"],"stdin":"","files":{"x/run":"#!/bin/sh\n","a":"1"}}`,
			Want: &providers.Process{
				Argv:  []string{"./x/run"},
				Stdin: []byte{},
				Files: []providers.File{
					{Name: "a", Mode: 0o700, Data: []byte("1")},
					{Name: "x/run", Mode: 0o700, Data: []byte("#!/bin/sh\n")},
				},
			},
		},
		{Name: "neither", Args: `{}`, Error: "neither command nor script"},
		{Name: "both", Args: `{"command":["a"],"script":"b"}`, Error: "both given"},
		{Name: "interpreter of nothing", Args: `{"command":["a"],"interpreter":["b"]}`, Error: "without a script"},
		{Name: "no words", Args: `{"command":[]}`, Error: "command is empty"},
		{Name: "no program", Args: `{"command":["","a"]}`, Error: "command[0] is empty"},
		{Name: "no interpreter", Args: `{"script":"","interpreter":[]}`, Error: "interpreter is empty"},
		{Name: "zero byte", Args: `{"command":["a","b\u0000c"]}`, Error: "command[1] holds a zero byte"},
		{Name: "zero byte first", Args: `{"command":["a","\u0000c"]}`, Error: "command[1] holds a zero byte"},
		{Name: "long word", Args: `{"command":["a","` + strings.Repeat("x", 128<<10) + `"]}`, Error: "command[1] has 131072 bytes"},
		{Name: "folder itself", Args: `{"command":["a"],"files":{".":""}}`, Error: `files["."]`},
		{Name: "below the script", Args: `{"command":["a"],"files":{".lft-script/x":""}}`, Error: "the name belongs to the script"},
		{Name: "way out", Args: `{"command":["a"],"files":{"../x":""}}`, Error: `files["../x"]`},
		{Name: "absolute", Args: `{"command":["a"],"files":{"/etc/x":""}}`, Error: `files["/etc/x"]`},
		{Name: "script's name", Args: `{"command":["a"],"files":{".lft-script":""}}`, Error: "belongs to the script"},
		{Name: "file and folder", Args: `{"command":["a"],"files":{"a":"","a-b":"","a/b/c":""}}`, Error: `files["a"] is a file and the folder of files["a/b/c"]`},
		{Name: "many words", Args: `{"command":["a"` + strings.Repeat(`,"b"`, 64<<10) + `]}`, Error: "65537 words"},
		{Name: "many files", Args: `{"command":["a"],"files":{` + files(1001, 1) + `}}`, Error: "1001 members"},
		{Name: "much script", Args: `{"script":"` + strings.Repeat("x", 384<<10+1) + `"}`, Error: "393217 bytes in all"},
		{Name: "much in files", Args: `{"script":"x","files":{` + files(3, 128<<10) + `}}`, Error: "393217 bytes in all"},
		{Name: "too much", Args: `{"command":["a"],"stdin":"` + strings.Repeat("x", 384<<10+1) + `"}`, Error: "393217 bytes in all"},
		{Name: "unknown", Args: `{"command":["a"],"cmd":1}`, Error: `unknown field "cmd"`},
		{Name: "type", Args: `{"command":"a"}`, Error: "command"},
	})
}

// files are n members of size bytes each.
func files(n, size int) string {
	members := make([]string, n)
	for i := range members {
		members[i] = fmt.Sprintf("\"f%d\":\"%s\"", i, strings.Repeat("x", size))
	}
	return strings.Join(members, ",")
}
