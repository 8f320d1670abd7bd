package view

import (
	"encoding/json"
	"fmt"
	"time"

	lftv1 "github.com/leifengta/lft/engine/api/lft/v1"
)

type overrideJSON struct {
	Project  string          `json:"project"`
	Object   string          `json:"object"`
	Field    string          `json:"field"`
	Value    json.RawMessage `json:"value"`
	Declared json.RawMessage `json:"declared"`
	Reason   *string         `json:"reason"`
	By       *string         `json:"by"`
	At       *string         `json:"at"`
}

func overrideDocument(o *lftv1.Override) overrideJSON {
	return overrideJSON{
		Project:  o.GetProject(),
		Object:   o.GetObject(),
		Field:    o.GetField(),
		Value:    document(o.GetValue()),
		Declared: document(o.GetDeclared()),
		Reason:   word(o.GetReason()),
		By:       word(o.GetBy()),
		At:       instant(o.GetAt()),
	}
}

// Overridden says what an operator's order has made of an object.
func Overridden(t *Terminal, req *lftv1.PutOverrideRequest, res *lftv1.PutOverrideResponse, asJSON bool) error {
	o := res.GetOverride()
	if asJSON {
		doc := struct {
			Changed  bool          `json:"changed"`
			Override *overrideJSON `json:"override"` // null: what is declared holds
		}{Changed: res.GetChanged()}
		if o != nil {
			made := overrideDocument(o)
			doc.Override = &made
		}
		return t.JSON(doc)
	}
	if o == nil {
		text := req.GetObject() + ": what is declared holds again"
		if !res.GetChanged() {
			text = req.GetObject() + ": what is declared holds already"
		}
		t.Notef("%s\n", text)
		return nil
	}
	if !res.GetChanged() {
		t.Notef("%s: that is so already\n", o.GetObject())
		return nil
	}
	t.Notef("%s\n", overrideNote(o))
	return nil
}

// overrideNote says what an override makes of its object.
func overrideNote(o *lftv1.Override) string {
	switch {
	case o.GetField() == "paused" && o.GetValue() == "true":
		return o.GetObject() + " is paused"
	case o.GetField() == "paused":
		return o.GetObject() + " goes on, although it is declared paused"
	default:
		return fmt.Sprintf("%s has %s %s, %s are declared", o.GetObject(), o.GetValue(), o.GetField(), o.GetDeclared())
	}
}

// Overrides shows what operators have put in place of declared values.
func Overrides(t *Terminal, overrides []*lftv1.Override, asJSON bool, now time.Time) error {
	if asJSON {
		docs := make([]overrideJSON, len(overrides))
		for i, o := range overrides {
			docs[i] = overrideDocument(o)
		}
		return t.JSON(docs)
	}
	if len(overrides) == 0 {
		t.Notef("everything is as it is declared; for an execution: lft status ID\n")
	}
	for _, o := range overrides {
		t.Printf("%s\n", OverrideLine(o, now))
	}
	return nil
}

// OverrideLine says what is overridden, by whom, since when and why.
func OverrideLine(o *lftv1.Override, now time.Time) string {
	line := fmt.Sprintf("%s, by %s %s ago", overrideNote(o), o.GetBy(), span(now.Sub(o.GetAt().AsTime()).Truncate(time.Second)))
	if o.GetReason() != "" {
		line += ": " + visible(o.GetReason())
	}
	return line
}
