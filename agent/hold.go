package agent

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/leifengta/lft/agent/brain"
	"github.com/leifengta/lft/agent/keeper"
	"github.com/leifengta/lft/agent/logship"
	"github.com/leifengta/lft/engine/record"
)

// shipWait is how long a result waits for its log, so that both travel in one
// message when the bucket is quick. A slow bucket delays nothing else.
const shipWait = 25 * time.Millisecond

// command tells the keeper what the brain wants of it. A connection that breaks
// meanwhile loses commands; the next KeeperUp says which.
func (a *agent) command(r brain.Ready) {
	if a.keeper == nil {
		return
	}
	var err error
	if r.Alive != nil {
		err = a.keeper.Beat(r.Alive.Epoch, r.Alive.Beat, int64(r.Alive.SentAt))
	}
	starts := make([]keeper.Start, 0, len(r.Starts))
	for _, s := range r.Starts {
		start, fault := a.start(s)
		if fault != nil {
			a.brain.Step(now(), brain.Finished{Token: s.Token, Result: rejected(now(), record.ReasonCannotStart, fault)})
			continue
		}
		starts = append(starts, start)
	}
	if err == nil && len(starts) > 0 {
		err = a.keeper.Start(starts...)
	}
	for _, k := range r.Kills {
		if err == nil {
			err = a.keeper.Kill(k.Token, k.Why)
		}
	}
	if err == nil && len(r.Forgets) > 0 {
		err = a.keeper.Forget(r.Forgets...)
	}
	if err != nil {
		// The reader of events sees the same and says that the keeper is gone.
		a.log.Warn("the keeper took no command", "error", err)
	}
}

// dialKeeper connects to the keeper, starting one if need be, until it succeeds.
func (a *agent) dialKeeper(ctx context.Context) {
	spawn := keeper.Spawn{Argv: a.c.KeeperArgv, Env: os.Environ(), Build: a.c.Version}
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		client, err := keeper.Dial(ctx, a.c.Dir, spawn)
		if err == nil {
			a.inbox.post(func() { a.meet(ctx, client) })
			a.listen(ctx, client)
			return
		}
		if ctx.Err() != nil {
			return
		}
		a.log.Error("no keeper, so no work; trying again", "error", err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

// meet takes in what a keeper holds.
func (a *agent) meet(ctx context.Context, client *keeper.Client) {
	a.keeper, a.dialing = client, false
	hello := client.Hello()
	a.log.Info("keeper answers", "keeper", hello.Keeper, "pid", hello.PID, "build", hello.Build, "isolation", hello.Isolation, "attempts", len(hello.Attempts))
	if why := client.Stale(); why != nil {
		a.log.Warn("the keeper goes on in the build it has", "build", hello.Build, "wanted", a.c.Version, "why", why)
	}
	up := brain.KeeperUp{Keeper: hello.Keeper, Boot: a.id.BootID + "/" + a.id.Namespace}
	var late []keeper.Ended
	for _, t := range hello.Attempts {
		h := brain.Held{Token: t.Token}
		if t.Started != nil {
			h.StartedAt = brain.Time(t.Started.At)
		}
		if t.Ended != nil && t.Ended.Log.Bytes == 0 {
			task, _ := a.brain.Task(t.Token)
			res := result(*t.Ended, task)
			h.Result = &res
		} else if t.Ended != nil {
			late = append(late, *t.Ended)
		}
		up.Held = append(up.Held, h)
		if t.Log > 0 {
			a.shipper.Grown(t.Token, a.brain.LogEnd(t.Token))
		}
	}
	a.brain.Step(now(), up)
	a.pinUnknown()
	for _, e := range late {
		a.ended(ctx, e)
	}
	a.freeSettled()
}

// freeSettled gives back spool files whose attempts are settled: an earlier life
// ended, or the keeper was away, between the last word of the master and this.
func (a *agent) freeSettled() {
	if a.fresh {
		return // whose journal is gone knows nothing about them
	}
	files, err := logship.Spool(keeper.SpoolDir(a.c.Dir))
	if err != nil {
		a.log.Warn("the spool cannot be listed", "error", err)
	}
	for _, f := range files {
		if !a.brain.Knows(f.Token) {
			_ = a.free(f.Token, f.Bytes) // it logs by itself
		}
	}
}

// listen passes the keeper's events on until it is gone.
func (a *agent) listen(ctx context.Context, client *keeper.Client) {
	for ev := range client.Events() {
		batch := []keeper.Event{ev}
		for len(client.Events()) > 0 {
			batch = append(batch, <-client.Events())
		}
		a.inbox.post(func() {
			for _, ev := range batch {
				a.hear(ctx, client, ev)
			}
		})
	}
}

func (a *agent) hear(ctx context.Context, client *keeper.Client, ev keeper.Event) {
	if a.keeper != client {
		return
	}
	switch ev := ev.(type) {
	case keeper.Started:
		a.brain.Step(now(), brain.Started{Token: ev.Token, At: brain.Time(ev.At)})
	case keeper.Grown:
		a.shipper.Grown(ev.Token, a.brain.LogEnd(ev.Token))
	case keeper.Ended:
		a.ended(ctx, ev)
	case keeper.Gone:
		a.log.Warn("keeper is gone", "error", ev.Err)
		a.keeper = nil
		_ = client.Close()
		a.brain.Step(now(), brain.KeeperGone{})
	}
}

// ended takes an exit record in, with its log if that can be shipped at once.
func (a *agent) ended(ctx context.Context, e keeper.Ended) {
	task, _ := a.brain.Task(e.Token)
	finished := brain.Finished{Token: e.Token, Result: result(e, task)}
	if e.Log.Bytes == 0 {
		a.brain.Step(now(), finished)
		return
	}
	go func() {
		chunks := a.finish(ctx, e.Token, e.Log.Bytes)
		a.inbox.post(func() {
			a.upload(chunks)
			a.brain.Step(now(), finished)
		})
	}()
}

func (a *agent) finish(ctx context.Context, token string, bytes int64) []logship.Chunk {
	ctx, cancel := context.WithTimeout(ctx, shipWait)
	defer cancel()
	return a.shipper.Finish(ctx, token, bytes)
}

// uploaded is the shipper's way in.
func (a *agent) uploaded(chunks []logship.Chunk) {
	a.inbox.post(func() { a.upload(chunks) })
}

func (a *agent) upload(chunks []logship.Chunk) {
	for _, c := range chunks {
		a.brain.Step(now(), brain.Uploaded{Token: c.Token, Chunk: chunk(c)})
	}
}

// free is the shipper's way to the keeper; without one nothing is freed now, and
// the file goes when its acknowledgement is repeated.
func (a *agent) free(token string, to int64) error {
	a.inbox.post(func() {
		if a.keeper != nil {
			if err := a.keeper.Free(token, to); err != nil {
				a.log.Warn("spool bytes are not freed", "token", token, "error", err)
			}
		}
	})
	return nil
}

// partKeeper leaves the keeper to itself, or ends it with the agent.
func (a *agent) partKeeper() {
	if a.c.StopKeeper && a.dialing {
		// Nobody else would end it.
		a.listenUntil(meetWait, func() bool { return !a.dialing })
	}
	if a.keeper == nil {
		return
	}
	client := a.keeper
	defer func() { _ = client.Close() }()
	if !a.c.StopKeeper || !a.brain.Idle() {
		return
	}
	if err := a.keeper.Stop(); err != nil {
		return // gone by itself
	}
	if !a.listenUntil(stopWait, func() bool { return a.keeper == nil }) {
		a.log.Warn("the keeper does not end")
	}
}

// listenUntil takes what others post and carries nothing out any more, until
// something is the case; false when that took too long.
func (a *agent) listenUntil(wait time.Duration, is func() bool) bool {
	deadline := time.After(wait)
	for !is() {
		select {
		case <-a.inbox.wake:
			for _, do := range a.inbox.take() {
				do()
			}
		case <-deadline:
			return false
		}
	}
	return true
}

// sweep ends what is left of attempts whose keeper died. The keeper that answers
// now has swept the directory before it listened, so nothing of them lives.
func (a *agent) sweep(ctx context.Context, tokens []string) {
	swept := brain.Swept{}
	for _, token := range tokens {
		r := brain.Remains{Token: token}
		if info, err := os.Stat(filepath.Join(keeper.SpoolDir(a.c.Dir), token)); err == nil {
			r.Log.Bytes = info.Size()
		}
		swept.List = append(swept.List, r)
	}
	a.brain.Step(now(), swept)
	for _, r := range swept.List {
		if r.Log.Bytes > 0 {
			a.shipLate(ctx, r.Token, r.Log.Bytes)
		}
	}
}

// shipLeftovers ships the logs of attempts that ended in an earlier life.
func (a *agent) shipLeftovers(ctx context.Context) {
	for token, bytes := range a.brain.Unshipped() {
		a.shipLate(ctx, token, bytes)
	}
}

// shipLate ships the log of an attempt whose result is known already.
func (a *agent) shipLate(ctx context.Context, token string, bytes int64) {
	if _, err := os.Stat(filepath.Join(keeper.SpoolDir(a.c.Dir), token)); errors.Is(err, fs.ErrNotExist) {
		a.log.Error("the rest of a log is gone: its spool file was removed", "token", token)
		a.post(brain.LogGone{Token: token})
		return
	}
	a.shipper.Grown(token, a.brain.LogEnd(token))
	go func() { a.uploaded(a.finish(ctx, token, bytes)) }()
}

// spool reads log bytes that are not in the bucket yet.
func (a *agent) spool(ctx context.Context, token string, from int64, max int) ([]byte, bool, error) {
	client := make(chan *keeper.Client, 1)
	a.inbox.post(func() { client <- a.keeper })
	select {
	case <-ctx.Done():
		return nil, false, ctx.Err()
	case c := <-client:
		if c == nil {
			return nil, false, keeper.ErrGone
		}
		return c.Tail(ctx, token, from, max)
	}
}
