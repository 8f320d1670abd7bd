package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/leifengta/lft/agent/brain"
	"github.com/leifengta/lft/agent/depcache"
	"github.com/leifengta/lft/agent/keeper"
	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/lang/spec"
	"github.com/leifengta/lft/providers"
)

// Dependencies of tasks: an order that has any is fetched for before the brain
// takes it, so that the journal only ever holds what can be started, and stays
// pinned in the cache until nothing of it runs.

// openDependencies opens the cache and pins what attempts of an earlier life use.
func (a *agent) openDependencies() (err error) {
	a.deps, err = depcache.Open(depcache.Config{
		Dir: filepath.Join(a.c.Dir, "deps"), MaxBytes: a.c.DependencyBytes, Log: a.log,
	})
	if err != nil {
		return err
	}
	for token, task := range a.brain.Live() {
		a.deps.Pin(token, items(dependencies(task)))
	}
	return nil
}

// pinUnknown keeps everything in the cache for attempts that only the keeper knew
// of: the journal that said what they use is gone.
func (a *agent) pinUnknown() {
	for token, task := range a.brain.Live() {
		if task == nil {
			a.deps.PinAll(token)
		}
	}
}

// needs reports whether a task has dependencies, without reading the others.
func needs(task []byte) bool {
	return bytes.Contains(task, []byte(`"dependencies":[`)) && len(dependencies(task)) > 0
}

// dependencies are a task's; one that cannot be read has none, and fails when it
// is to be started.
func dependencies(task []byte) []providers.Dependency {
	var t struct {
		Dependencies []providers.Dependency `json:"dependencies"`
	}
	if json.Unmarshal(task, &t) != nil {
		return nil
	}
	return t.Dependencies
}

func items(list []providers.Dependency) []depcache.Item {
	out := make([]depcache.Item, len(list))
	for i, d := range list {
		out[i] = item(d)
	}
	return out
}

func item(d providers.Dependency) depcache.Item {
	return depcache.Item{Digest: d.Digest, Object: d.Object, Archive: d.Form == spec.FormArchive}
}

// fetch makes ready what a held order needs.
func (a *agent) fetch(ctx context.Context, o brain.Start) {
	_, err := a.deps.Acquire(ctx, o.Token, items(dependencies(o.Task)))
	if ctx.Err() != nil {
		return // the next life is ordered again
	}
	a.inbox.post(func() {
		ev := brain.Fetched{Token: o.Token}
		if err != nil {
			a.log.Warn("an order is refused: its dependencies are not to be had", "token", o.Token, "error", err)
			refused := rejected(now(), record.ReasonDependency, err)
			ev.Refused = &refused
		}
		a.brain.Step(now(), ev)
		if task, _ := a.brain.Task(o.Token); task == nil {
			a.deps.Release(o.Token) // not wanted any more: its session has ended, or it was cancelled
		}
	})
}

var errEvicted = errors.New("left the cache since it was fetched")

// provide links a task's dependencies into the work directory.
func (a *agent) provide(start *keeper.Start, list []providers.Dependency) error {
	for _, d := range list {
		path, ok := a.deps.Path(start.Token, item(d))
		if !ok {
			return fmt.Errorf("dependency %s: %w", d.Name, errEvicted)
		}
		start.Links = append(start.Links, keeper.Link{Name: "deps/" + d.Name, Target: path})
		start.Env = append(start.Env, d.Variable+"="+path)
	}
	return nil
}
