package lang_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/leifengta/lft/lang"
)

const wanting = `
variable "z" {
  type        = number
  description = "how many"
}
variable "a" {
  type      = string
  sensitive = true
}
variable "given" { type = string }
variable "default" { default = 1 }
pool "p" { slots = var.z }
`

// TestAsk: what is missing is asked for by name, and what is wrong is told without
// a question.
func TestAsk(t *testing.T) {
	for _, tc := range []struct {
		name, more, answer string
		asked              []lang.Wanted
		fault              string
	}{
		{"answers", "", "3", []lang.Wanted{{Name: "a", Sensitive: true}, {Name: "z", Description: "how many"}}, ""},
		{"an unsuitable answer", "", "x", []lang.Wanted{{Name: "a", Sensitive: true}, {Name: "z", Description: "how many"}}, `The answer does not fit variable "z"`},
		{"a broken folder", "variable \"b\" { type = \"strin\" }\n", "3", nil, "Invalid type"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var asked []lang.Wanted
			_, list := lang.Load(fstest.MapFS{"main.hcl": {Data: []byte(wanting + tc.more)}}, lang.Options{
				Env: map[string]string{"given": "x"},
				Ask: func(w lang.Wanted) (string, bool) {
					asked = append(asked, w)
					return tc.answer, true
				},
			})
			if diff := cmp.Diff(tc.asked, asked); diff != "" {
				t.Errorf("asked (-want +got):\n%s", diff)
			}
			told := ""
			for _, d := range list {
				told += d.Summary + ": " + d.Detail + "\n"
			}
			if (tc.fault == "") != (told == "") || !strings.Contains(told, tc.fault) {
				t.Errorf("found %s\nwant %q", told, tc.fault)
			}
		})
	}
}

// TestUnreadFiles: a default does not win in silence over a file that Terraform
// would have read.
func TestUnreadFiles(t *testing.T) {
	file := &fstest.MapFile{Data: []byte("v = 2\n")}
	given := lang.Options{Given: []lang.Given{{Name: "./x.auto.tfvars", Data: file.Data}}}
	for _, tc := range []struct {
		name, source string
		files        []string
		options      lang.Options
		want         string
	}{
		{"read by Terraform", `variable "v" { default = 1 }`, []string{"terraform.tfvars", "x.auto.tfvars.json"}, lang.Options{}, "terraform.tfvars x.auto.tfvars.json"},
		{"given by name", `variable "v" { default = 1 }`, []string{"x.auto.tfvars", "lft.tfvars"}, given, "lft.tfvars"},
		{"read by nobody", `variable "v" { default = 1 }`, []string{"prod.tfvars"}, lang.Options{}, ""},
		{"Terraform's own", `variable "v" { default = 1 }`, []string{"terraform.tfvars", "main.tf"}, lang.Options{}, ""},
		{"no variables", `pool "p" { slots = 1 }`, []string{"terraform.tfvars"}, lang.Options{}, ""},
	} {
		folder := fstest.MapFS{"main.hcl": {Data: []byte(tc.source)}}
		for _, name := range tc.files {
			folder[name] = file
		}
		_, list := lang.Load(folder, tc.options)
		var told []string
		for _, d := range list {
			told = append(told, strings.Fields(d.Detail)[0])
		}
		if got := strings.Join(told, " "); got != tc.want || list.HasErrors() {
			t.Errorf("%s: %q, want %q: %v", tc.name, got, tc.want, list)
		}
	}
}
