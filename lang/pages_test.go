package lang_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/leifengta/lft/lang"
	"github.com/leifengta/lft/lang/schema"
	"github.com/leifengta/lft/providers/builtin"
)

// TestPages: the tables of the reference are what the code says; -update writes
// them.
func TestPages(t *testing.T) {
	golden(t, "doc/blocks.md", blocksPage(t))
	golden(t, "doc/functions.md", functionsPage())
	golden(t, "doc/codes.md", codesPage())
}

const generated = "<!-- Generated: go test ./lang -run TestPages -update -->\n\n"

func blocksPage(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("# Blocks and attributes\n\n" + generated)
	b.WriteString("What may be *run-time* may mention `param.*`, `run.*` and `job.*`; all else is known when the folder is read.\n")
	b.WriteString("A *reference* names an object, such as `pool.warehouse`, or is given by a variable; a type is written as it stands.\n\n")
	for _, block := range schema.File().Blocks {
		writeBlock(t, &b, block, nil)
	}
	b.WriteString("## `dynamic`\n\nStands where any nested block may, and makes such blocks of its `content`.\n\n")
	writeAttributes(t, &b, schema.Dynamic().Attributes)
	b.WriteString("## Job types\n\n")
	for _, ty := range builtin.Set().Schemas() {
		fmt.Fprintf(&b, "### `job %q`\n\n%s\n\n", ty.Name, ty.Description)
		attributes := ty.Attributes
		if ty.Kind == "flow" {
			attributes = append(slices.Clone(attributes), schema.ChildAttributes()...)
		}
		writeAttributes(t, &b, attributes)
	}
	return b.String()
}

func writeBlock(t *testing.T, b *strings.Builder, block schema.Block, outer []string) {
	t.Helper()
	head := block.Name
	for _, label := range block.Labels {
		head += fmt.Sprintf(" \"%s\"", strings.ToUpper(label))
	}
	path := append(slices.Clone(outer), head)
	fmt.Fprintf(b, "%s `%s`\n\n", strings.Repeat("#", 1+len(path)), strings.Join(path, "` › `"))
	switch block.Name {
	case "locals":
		b.WriteString("Any names, with any values; see `local.NAME`.\n\n")
	case "module":
		b.WriteString("The other attributes are the variables of the module.\n\n")
	case "job":
		b.WriteString("The other attributes belong to its [type](#job-types).\n\n")
	case "defaults":
		b.WriteString("The words of a job that hold for each job of the flow that does not say otherwise.\n\n")
		return
	}
	writeAttributes(t, b, block.Attributes)
	for _, inner := range block.Blocks {
		writeBlock(t, b, inner, path)
	}
}

func writeAttributes(t *testing.T, b *strings.Builder, attributes []schema.Attribute) {
	t.Helper()
	if len(attributes) == 0 {
		return
	}
	sorted := slices.SortedFunc(slices.Values(attributes), func(a, b schema.Attribute) int { return strings.Compare(a.Name, b.Name) })
	b.WriteString("| attribute | type | |\n|---|---|---|\n")
	for _, a := range sorted {
		if a.Description == "" {
			t.Errorf("attribute %q has no description", a.Name)
		}
		notes := a.Description
		if a.RunTime {
			notes += " *run-time*"
		}
		name := "`" + a.Name + "`"
		if a.Required {
			name += " (required)"
		}
		fmt.Fprintf(b, "| %s | %s | %s |\n", name, shown(a.Type), strings.ReplaceAll(notes, "|", "\\|"))
	}
	b.WriteString("\n")
}

// shown writes a type as one writes it in HCL.
func shown(ty json.RawMessage) string {
	if len(ty) == 0 {
		return "reference"
	}
	var name string
	if json.Unmarshal(ty, &name) == nil {
		if name == "dynamic" {
			return "any"
		}
		return name
	}
	var parts []json.RawMessage
	if json.Unmarshal(ty, &parts) != nil || len(parts) != 2 || json.Unmarshal(parts[0], &name) != nil {
		return string(ty)
	}
	return name + "(" + shown(parts[1]) + ")"
}

func functionsPage() string {
	var b strings.Builder
	b.WriteString("# Functions\n\n" + generated)
	b.WriteString("Names, arguments and results are Terraform's where Terraform has them. A dot means that the function may also be called\n")
	b.WriteString("in values that are only known when a job runs. Nothing reads a clock or chance: equal files give an equal plan.\n\n")
	b.WriteString("| | function | |\n|---|---|---|\n")
	for _, s := range lang.Signatures() {
		mark := ""
		if s.RunTime {
			mark = "•"
		}
		fmt.Fprintf(&b, "| %s | `%s` → %s | %s |\n", mark, call(s), shown(s.Returns), strings.ReplaceAll(s.Description, "|", "\\|"))
	}
	return b.String()
}

func call(s lang.Signature) string {
	var names []string
	for _, p := range s.Parameters {
		names = append(names, p.Name)
	}
	if s.Variadic != nil {
		names = append(names, s.Variadic.Name+"…")
	}
	return s.Name + "(" + strings.Join(names, ", ") + ")"
}

func codesPage() string {
	var b strings.Builder
	b.WriteString("# Codes of findings\n\n" + generated)
	b.WriteString("Each finding has a code, which keeps its meaning; `lft explain CODE` prints what stands here.\n")
	for _, e := range lang.Explanations() {
		fmt.Fprintf(&b, "\n## `%s`\n\n%s. %s\n\n", e.Code, e.Title, e.Cause)
		if e.Example != "" {
			fmt.Fprintf(&b, "```hcl\n%s\n```\n\n", strings.TrimRight(e.Example, "\n"))
		}
		b.WriteString(e.Advice + "\n")
	}
	return b.String()
}
