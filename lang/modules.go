package lang

import (
	"fmt"
	"path"
	"slices"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/leifengta/lft/lang/internal/eval"
	"github.com/leifengta/lft/lang/spec"
)

// Bounds of modules.
const (
	maxModuleDepth = 16
	maxCalls       = 2_000  // module blocks, each counted wherever it is met
	maxModules     = 10_000 // instances
)

// call is a module block where it is met on the way down from the project's
// folder, which is a call too: what all its instances share.
type call struct {
	parent *call       // nil of the project's folder
	block  declaration // in the parent's folder
	folder *folder     // nil when it cannot be read
	path   string      // module.a.module.b, "" of the project's folder
	calls  []*call     // in the order of the parent's files
	// modules are its instances in all instances of the parent.
	modules []*module
	inputs  map[string]*variable // declared, without values
}

// module is an instance of a call: the scope in which what its folder declares
// is decoded, once for each module that is made of it.
type module struct {
	*folder

	call   *call
	addr   spec.Address // "" of the project's folder
	key    string       // "" without for_each
	parent *module
	each   *eval.Each // inside the parent
	config eval.Scope
}

func (c *call) name() string { return c.block.name }

// under names what is declared in the call.
func (c *call) under(local string) string {
	if c.path == "" {
		return local
	}
	return c.path + "." + local
}

// metaWords are attributes of a module block that are no inputs.
var metaWords = []string{"enabled", "for_each", "source"}

// foreign are words that Terraform gives a meaning which does not exist here, and
// what to do.
var foreign = map[string]string{
	"count":      "Use for_each with a map or a set, or enabled = true | false.",
	"depends_on": "Values wait for what they mention, and objects need no order: remove it.",
	"lifecycle":  "To keep an object from being destroyed, write protected = true in it.",
	"providers":  "Job types are built in and need no configuration: remove it.",
	"version":    "A path has no versions: name another folder, or check out another one.",
}

// descend reads the folders of all modules below a call.
func (l *loader) descend(c *call) {
	for _, d := range c.folder.blocks["module"] {
		if l.calls++; l.calls > maxCalls {
			l.found.error(CodeLimit, "", d.block.TypeRange, "Too many modules", "There are more than %d module blocks, counting each as often as its folder is used.", maxCalls)
			return
		}
		child := &call{parent: c, block: d, path: c.under("module." + d.name), inputs: map[string]*variable{}}
		c.calls = append(c.calls, child)
		if child.folder = l.resolve(child); child.folder == nil || child.endless(l.found) {
			child.folder = nil
			continue
		}
		child.checkWords(l.found)
		l.descend(child)
	}
}

// resolve finds and reads the folder of a module; nil was reported.
func (l *loader) resolve(c *call) *folder {
	d := c.block
	addr := spec.Address(c.path)
	attr, ok := d.block.Body.Attributes["source"]
	if !ok {
		l.found.error(CodeMissing, addr, d.block.DefRange(), "Missing attribute", "module needs \"source\": the path of a folder, such as \"./modules/x\".")
		return nil
	}
	text, ok := l.literal(attr)
	if !ok {
		return nil
	}
	refuse := func(err error) *folder {
		l.found.error(CodeSource, addr, attr.Expr.Range(), "The module cannot be read", "%q: %v.", text, err)
		return nil
	}
	src, err := parseSource(text)
	if err != nil {
		return refuse(err)
	}
	m, dir, err := l.locate(c.parent.folder, src)
	if err != nil {
		return refuse(err)
	}
	name := path.Join(m.name, dir)
	if f, ok := l.folders[name]; ok {
		return f
	}
	f := &folder{mount: m, dir: dir}
	files, err := f.files()
	switch {
	case err != nil:
		return refuse(cause(err))
	case len(files) == 0:
		return refuse(fmt.Errorf("%s has no *.hcl or *.lft.json files", name))
	}
	l.folders[name] = f
	l.read(f, files)
	return f
}

// endless reports modules that contain themselves, or go too deep.
func (c *call) endless(found *findings) bool {
	depth := 0
	for around := c.parent; around != nil; around = around.parent {
		depth++
		if around.folder != c.folder {
			continue
		}
		text := ""
		for hop := c; hop != around; hop = hop.parent {
			text = fmt.Sprintf(" → %s (%s:%d)", hop.folder.name(), hop.block.block.TypeRange.Filename, hop.block.block.TypeRange.Start.Line) + text
		}
		found.error(CodeCycle, spec.Address(c.path), c.block.block.TypeRange, "A module contains itself", "Each uses the next: %s%s.", around.folder.name(), text)
		return true
	}
	if depth > maxModuleDepth {
		found.error(CodeLimit, spec.Address(c.path), c.block.block.TypeRange, "Modules nest too deep", "There are more than %d modules inside each other.", maxModuleDepth)
		return true
	}
	return false
}

// checkWords looks at the inputs of a module block.
func (c *call) checkWords(found *findings) {
	addr, body := spec.Address(c.path), c.block.block.Body
	var names []string
	for _, d := range c.folder.blocks["variable"] {
		names = append(names, d.name)
	}
	for _, attr := range attributes(body) {
		if slices.Contains(metaWords, attr.Name) {
			continue
		}
		if _, ok := c.folder.places["variable."+attr.Name]; ok {
			continue
		}
		if advice, ok := foreign[attr.Name]; ok {
			found.error(CodeUnsupported, addr, attr.NameRange, "Unsupported attribute", "%q has no meaning in a module here. %s", attr.Name, advice)
			continue
		}
		hint := eval.DidYouMean(attr.Name, append(slices.Clone(metaWords), names...))
		if hint == "" {
			hint = fmt.Sprintf(" Declare it there: variable %q { }.", attr.Name)
		}
		found.error(CodeUnknown, addr, attr.NameRange, "Unknown input", "The module in %s has no variable %q.%s", c.folder.name(), attr.Name, hint)
	}
	for _, block := range body.Blocks {
		advice, ok := foreign[block.Type]
		if !ok {
			advice = fmt.Sprintf("Inputs are attributes: %s = { … }.", block.Type)
		}
		found.error(CodeUnknown, addr, block.TypeRange, "A block in a module block", "%q cannot stand here. %s", block.Type, advice)
	}
}

// newModule makes an instance whose values are not known yet.
func (l *loader) newModule(c *call, addr spec.Address, key string, parent *module, each *eval.Each) *module {
	l.repeat(c.folder.size)
	m := &module{folder: c.folder, call: c, addr: addr, key: key, parent: parent, each: each}
	m.config = eval.Scope{
		Address: addr, Path: c.folder.name(), Vars: map[string]cty.Value{}, Locals: map[string]cty.Value{}, Outputs: map[string]cty.Value{}, Modules: map[string]*eval.Module{},
	}
	for _, d := range c.folder.blocks["variable"] {
		m.config.Vars[d.name] = cty.DynamicVal
	}
	for _, one := range c.folder.locals {
		m.config.Locals[one.name] = cty.DynamicVal
	}
	for _, child := range c.calls {
		outputs := &eval.Module{Broken: true, Instances: map[string]map[string]cty.Value{}}
		_, outputs.Keyed = child.block.block.Body.Attributes["for_each"]
		if child.folder != nil {
			outputs.Outputs = child.folder.names("output")
		}
		m.config.Modules[child.name()] = outputs
	}
	c.modules = append(c.modules, m)
	c.folder.modules = append(c.folder.modules, m)
	l.modules = append(l.modules, m)
	return m
}

// expandCall makes the instances of a call inside those of its parent.
func (w *worker) expandCall(c *call) {
	for _, parent := range c.parent.modules {
		w.enter(parent, nil)
		outputs := parent.config.Modules[c.name()]
		addr := spec.ModuleAddress(c.name(), "").In(parent.addr)
		all, known := w.instances(addr, c.block.block.Body)
		if outputs.Broken = !known || c.folder == nil; outputs.Broken {
			continue
		}
		for _, one := range all {
			if !one.enabled {
				continue
			}
			if len(w.modules) >= maxModules {
				w.found.error(CodeLimit, addr, c.block.block.TypeRange, "Too many modules", "There are more than %d instances of modules.", maxModules)
				return
			}
			w.newModule(c, spec.ModuleAddress(c.name(), one.key).In(parent.addr), one.key, parent, one.each)
			values := make(map[string]cty.Value, len(outputs.Outputs))
			for _, name := range outputs.Outputs {
				values[name] = cty.DynamicVal
			}
			outputs.Instances[one.key] = values
		}
	}
}

// input is the expression that gives a variable its value, or nil.
func (c *call) input(name string) *hclsyntax.Attribute { return c.block.block.Body.Attributes[name] }
