package view

import (
	"encoding/json"
	"fmt"

	"github.com/leifengta/lft/lang/spec"
	"github.com/leifengta/lft/planner"
)

// objectJSON is a deployed object, with Terraform's names where it has one.
type objectJSON struct {
	Address spec.Address    `json:"address"`
	Type    string          `json:"type"`
	Name    string          `json:"name"`
	UID     string          `json:"uid"`
	Version int64           `json:"version"`
	Digest  string          `json:"digest"`
	Values  json.RawMessage `json:"values"`
}

func newObjectJSON(o planner.Object, data []byte) objectJSON {
	return objectJSON{
		Address: o.Address, Type: o.Address.Kind(), Name: o.Address.Name(), UID: o.UID,
		Version: o.Version, Digest: o.Digest, Values: planner.MaskSpec(o.Address, data),
	}
}

// Deployed shows a revision of a project. specs holds the specs of its objects.
func Deployed(t *Terminal, d planner.Deployed, specs map[string][]byte, asJSON bool) error {
	if asJSON {
		out := struct {
			FormatVersion string       `json:"format_version"`
			Project       string       `json:"project"`
			Revision      int64        `json:"revision"`
			Origin        *string      `json:"origin"`
			Resources     []objectJSON `json:"resources"`
		}{FormatVersion: planner.FormatVersion, Project: d.Project.Name, Revision: d.Project.Revision, Origin: word(d.Project.Origin), Resources: []objectJSON{}}
		for _, o := range d.Objects {
			out.Resources = append(out.Resources, newObjectJSON(o, specs[o.Digest]))
		}
		return t.JSON(out)
	}
	if len(d.Objects) == 0 {
		t.Printf("Nothing is deployed in project %q.\n", d.Project.Name)
		return nil
	}
	r := &planText{style: t.Style}
	r.line(r.style(bold, fmt.Sprintf("# project %q, revision %d, applied from %s", d.Project.Name, d.Project.Revision, d.Project.Origin)))
	for _, o := range d.Objects {
		r.line("")
		r.written(objectBlock(o.Address, planner.MaskSpec(o.Address, specs[o.Digest])))
	}
	t.Printf("%s", r.b.String())
	return nil
}
