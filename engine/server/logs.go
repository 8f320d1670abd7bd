package server

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"connectrpc.com/connect"

	lftv1 "github.com/leifengta/lft/engine/api/lft/v1"
	"github.com/leifengta/lft/engine/master"
	"github.com/leifengta/lft/engine/record"
)

// Logs is the manifest of what attempts wrote.
type Logs interface {
	// LogEnds are those of an execution's attempts, by token.
	LogEnds(ctx context.Context, execution string) (map[string]record.LogEnd, error)
	LogEnd(ctx context.Context, token string) (record.LogEnd, bool, error)
	// Chunks are those with bytes at from or after, in order.
	Chunks(ctx context.Context, token string, from int64, limit int) ([]record.Chunk, error)
}

const (
	logFrame  = 256 << 10 // bytes of one message, and of memory for one reader
	chunkPage = 64
	// How often a reader at the end of a growing log looks again. It is one
	// question to one agent; an idle reader slows down.
	tailSoon, tailLate = 100 * time.Millisecond, 2 * time.Second
	// How long a reader that does not follow waits for bytes that are neither
	// shipped nor within reach: those of an ended attempt are on their way.
	livePatience, endPatience = 3 * time.Second, 30 * time.Second
)

// ReadLog streams an attempt's bytes: what is in the bucket by its manifest
// rows, then the live tail from the agent. The last message holds the state.
func (s *runs) ReadLog(ctx context.Context, req *lftv1.ReadLogRequest, stream *connect.ServerStream[lftv1.ReadLogResponse]) error {
	if req.GetFrom() < 0 {
		return invalid("a log has no byte %d", req.GetFrom())
	}
	attempt, err := s.attempt(ctx, req)
	if err != nil {
		return err
	}
	r := &logReader{
		deps:    &s.deps,
		attempt: attempt,
		again: func(ctx context.Context, a record.Attempt) (record.Attempt, error) {
			a, _, err := s.attemptOf(ctx, a.Execution, a.Number, a.N)
			return a, err
		},
		at:     req.GetFrom(),
		follow: req.GetFollow(),
		send: func(from int64, data []byte) error {
			return stream.Send(&lftv1.ReadLogResponse{From: from, Data: data})
		},
	}
	end, err := r.run(ctx)
	if err != nil {
		return err
	}
	return stream.Send(&lftv1.ReadLogResponse{From: r.at, State: string(end.State), Cut: end.Cut})
}

// attempt finds the attempt asked for, and waits for one when the reader wants
// to follow a job that has none yet.
func (s *runs) attempt(ctx context.Context, req *lftv1.ReadLogRequest) (record.Attempt, error) {
	wait := tailSoon
	for {
		e, err := s.execution(ctx, req.GetId())
		if err != nil {
			return record.Attempt{}, err
		}
		job, err := s.job(ctx, e.ID, req.GetJob())
		if err != nil {
			return record.Attempt{}, err
		}
		a, found, err := s.attemptOf(ctx, e.ID, job.Number, req.GetAttempt())
		if found && a.AgentUID == "" {
			err = noLogOfChild(job, &a)
		}
		if err != nil || found {
			return a, err
		}
		if !req.GetFollow() || job.State.Terminal() || e.State.Terminal() {
			return a, noAttempt(job, req.GetAttempt())
		}
		if err := pause(ctx, &wait); err != nil {
			return a, err
		}
	}
}

// noLogOfChild says where to look: the jobs of a sub-flow have logs, it has none.
func noLogOfChild(job record.Job, a *record.Attempt) error {
	if a.Child() == "" {
		return coded{errNoLog, fmt.Sprintf("job %s started no execution: %s", job.Name, a.Message)}
	}
	return coded{errNoLog, fmt.Sprintf("job %s has no log of its own; it is carried out by execution %s", job.Name, a.Child())}
}

func noAttempt(job record.Job, n int32) error {
	if n > 0 {
		return notFound("job %s has made %d attempts, there is no attempt %d", job.Name, job.Attempts, n)
	}
	return coded{errNoLog, fmt.Sprintf("job %s is %s and has made no attempt, so there is no log", job.Name, job.State)}
}

func (s *runs) job(ctx context.Context, execution, name string) (record.Job, error) {
	jobs, err := s.deps.History.Jobs(ctx, execution)
	if err != nil {
		return record.Job{}, err
	}
	for _, j := range jobs {
		if j.Name == name {
			return j, nil
		}
	}
	return record.Job{}, notFound("execution %s has no job %q", execution, name)
}

// attemptOf returns attempt n of a job, 0 = the last.
func (s *runs) attemptOf(ctx context.Context, execution string, job, n int32) (found record.Attempt, ok bool, err error) {
	attempts, err := s.deps.History.Attempts(ctx, execution, job)
	if err != nil {
		return record.Attempt{}, false, err
	}
	for _, a := range attempts {
		if a.N == n || n == 0 && a.N > found.N {
			found, ok = a, true
		}
	}
	return found, ok, nil
}

// logReader walks one attempt's log from a position to its end.
type logReader struct {
	deps    *Deps
	attempt record.Attempt
	again   func(context.Context, record.Attempt) (record.Attempt, error) // reads the row again
	at      int64                                                         // next byte to send
	follow  bool
	send    func(from int64, data []byte) error
}

// run sends everything there is, and what is to come when the reader follows.
func (r *logReader) run(ctx context.Context) (record.LogEnd, error) {
	wait, idle := tailSoon, time.Duration(0)
	for {
		before := r.at
		// How it ended is read first: what that counts is shipped, or on the agent.
		end, ended, err := r.end(ctx)
		if err != nil {
			return end, err
		}
		if err := r.shipped(ctx); err != nil {
			return end, err
		}
		if ended && r.at >= end.Bytes {
			return end, nil
		}
		reached, err := r.tail(ctx)
		if err != nil {
			return end, err
		}
		switch {
		case ended && r.at >= end.Bytes:
			return end, nil
		case !ended && !r.follow && reached:
			return record.LogEnd{}, nil // all there is at this moment
		case r.at > before:
			wait, idle = tailSoon, 0
			continue
		case !r.follow && idle > r.patience(ended):
			return end, r.incomplete(end, ended)
		}
		idle += wait
		if err := pause(ctx, &wait); err != nil {
			return end, err
		}
	}
}

// end returns the log's end row. An attempt that has ended without one has a log
// of what is shipped.
func (r *logReader) end(ctx context.Context) (record.LogEnd, bool, error) {
	if r.attempt.State != record.Ended {
		var err error
		if r.attempt, err = r.again(ctx, r.attempt); err != nil {
			return record.LogEnd{}, false, err
		}
	}
	end, found, err := r.deps.Logs.LogEnd(ctx, r.attempt.Token)
	return end, found || r.attempt.State == record.Ended, err
}

func (r *logReader) patience(ended bool) time.Duration {
	if ended {
		return endPatience
	}
	return livePatience
}

func (r *logReader) incomplete(end record.LogEnd, ended bool) error {
	if !ended {
		return coded{errDamaged, fmt.Sprintf("agent %s does not answer; these are the %d bytes that it has shipped", r.attempt.Agent, r.at)}
	}
	return coded{errDamaged, fmt.Sprintf("only %d of the %d bytes of the log are shipped; the rest is with agent %s, which does not answer",
		r.at, end.Bytes, r.attempt.Agent)}
}

// shipped sends what manifest rows hold from r.at on. Rows may overlap.
func (r *logReader) shipped(ctx context.Context) error {
	for {
		chunks, err := r.deps.Logs.Chunks(ctx, r.attempt.Token, r.at, chunkPage)
		if err != nil || len(chunks) == 0 {
			return err
		}
		for _, c := range chunks {
			if c.From > r.at {
				return nil // the bytes between are still on the agent
			}
			if c.To <= r.at {
				continue
			}
			if err := r.chunk(ctx, c); err != nil {
				return err
			}
		}
	}
}

// chunk sends the bytes of one row from r.at on. The whole row is checked
// against its hash before its last frame is sent.
func (r *logReader) chunk(ctx context.Context, c record.Chunk) error {
	body, err := r.deps.Bucket.Get(ctx, c.Object, c.ObjectOffset, c.To-c.From)
	if err != nil {
		return fmt.Errorf("bytes %d to %d of the log: %w", c.From, c.To, err)
	}
	defer body.Close()
	hash := sha256.New()
	frame := make([]byte, min(logFrame, c.To-c.From))
	for at := c.From; at < c.To; {
		n, err := io.ReadFull(body, frame[:min(int64(len(frame)), c.To-at)])
		if err != nil {
			return coded{errDamaged, fmt.Sprintf("object %s of the log ends %d bytes early", c.Object, c.To-at-int64(n))}
		}
		hash.Write(frame[:n])
		if at+int64(n) == c.To && hex.EncodeToString(hash.Sum(nil)) != c.SHA256 {
			return coded{errDamaged, fmt.Sprintf("object %s of the log is not what was shipped: its sha256 differs", c.Object)}
		}
		if skip := r.at - at; skip < int64(n) {
			if err := r.emit(frame[skip:n]); err != nil {
				return err
			}
		}
		at += int64(n)
	}
	return nil
}

// tail sends what the agent has and has not shipped. It reports whether all of
// that was reached.
func (r *logReader) tail(ctx context.Context) (reached bool, err error) {
	for {
		tail, err := r.deps.Runs.Tail(ctx, r.attempt.AgentUID, r.attempt.Token, r.at, logFrame)
		if err != nil {
			return false, r.unreachable(ctx, err)
		}
		if tail.Error != "" || tail.From > r.at {
			return false, nil // freed by now: it is in the bucket
		}
		data := tail.Data[min(r.at-tail.From, int64(len(tail.Data))):]
		if len(data) == 0 {
			return true, nil
		}
		if err := r.emit(data); err != nil {
			return false, err
		}
	}
}

// unreachable swallows what only means that the agent cannot be asked now.
func (r *logReader) unreachable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.Is(err, master.ErrNotConnected) || errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	return err
}

func (r *logReader) emit(data []byte) error {
	if err := r.send(r.at, data); err != nil {
		return err
	}
	r.at += int64(len(data))
	return nil
}

// pause waits, each time longer.
func pause(ctx context.Context, wait *time.Duration) error {
	timer := time.NewTimer(*wait)
	defer timer.Stop()
	*wait = min(*wait*3/2, tailLate)
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
