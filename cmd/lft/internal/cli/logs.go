package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"time"

	"connectrpc.com/connect"
	"github.com/urfave/cli/v3"

	"github.com/leifengta/lft/cmd/lft/internal/view"
	lftv1 "github.com/leifengta/lft/engine/api/lft/v1"
)

func (a *app) logsVerb() *cli.Command {
	return &cli.Command{
		Name:      "logs",
		Usage:     "Show what the jobs of an execution wrote",
		ArgsUsage: "ID [JOB]",
		Description: "Without JOB, the logs of all jobs that have run, each under its name. -raw writes the bytes of\n" +
			"one job and nothing else.",
		Flags: append(stateFlags(),
			&cli.BoolFlag{Name: "raw", Usage: "the job's bytes and nothing else"},
			&cli.IntFlag{Name: "attempt", Usage: "which attempt, 0 for the last"},
			&cli.BoolFlag{Name: "follow", Aliases: []string{"f"}, Usage: "go on until the log has its end"},
		),
		Action: a.logs,
	}
}

func (a *app) logs(ctx context.Context, cmd *cli.Command) error {
	job, all := "", cmd.Args().Len() == 1
	id, err := cmd.Args().First(), error(nil)
	if !all {
		id, job, err = executionAndJob(cmd)
	}
	switch {
	case err != nil:
		return err
	case all && (cmd.Bool("raw") || cmd.Int("attempt") != 0):
		return errors.New("-raw and -attempt are about one job; name it: lft logs ID JOB")
	case cmd.Int("attempt") < 0:
		return fmt.Errorf("-attempt counts from 1, got %d", cmd.Int("attempt"))
	}
	c, err := a.connect(ctx, cmd)
	if err != nil {
		return err
	}
	defer c.Close()
	ask := &lftv1.ReadLogRequest{Id: id, Job: job, Attempt: int32(cmd.Int("attempt")), Follow: cmd.Bool("follow")}
	if all {
		return a.allLogs(ctx, c, ask)
	}
	end, err := readLog(ctx, c, ask, a.term.Out)
	if err != nil {
		return err
	}
	view.LogEnd(a.term, end)
	return nil
}

// allLogs shows one log after the other, in the order in which the jobs have begun.
func (a *app) allLogs(ctx context.Context, c *client, ask *lftv1.ReadLogRequest) error {
	res, err := c.run.GetExecution(ctx, &lftv1.GetExecutionRequest{Id: ask.GetId()})
	if err != nil {
		return err
	}
	slices.SortStableFunc(res.GetJobs(), func(a, b *lftv1.Job) int { return cmp.Compare(began(a), began(b)) })
	for _, j := range res.GetJobs() {
		n := len(j.GetAttempts())
		if n == 0 && (!ask.GetFollow() || j.GetEndedAt() != nil) {
			continue // it did not run, or needs no process
		}
		view.LogHead(a.term, j)
		ask.Job = j.GetName()
		end, err := readLog(ctx, c, ask, a.term.Out)
		if connect.CodeOf(err) == connect.CodeFailedPrecondition {
			a.term.Notef("%v\n", problem(err)) // it is a sub-flow, or ended without an attempt meanwhile
			continue
		}
		if err != nil {
			return err
		}
		view.LogEnd(a.term, end)
	}
	return nil
}

// began is when a job has, in microseconds; later than all others while it has not.
func began(j *lftv1.Job) int64 {
	if j.GetStartedAt() == nil {
		return math.MaxInt64
	}
	return j.GetStartedAt().AsTime().UnixMicro()
}

// readLog copies a log to w and returns its last message. A stream that breaks,
// or that only the leader can go on with, is asked for again from where it was.
func readLog(ctx context.Context, c *client, ask *lftv1.ReadLogRequest, w io.Writer) (*lftv1.ReadLogResponse, error) {
	ask.From = 0
	var lost time.Time // when somebody answered last
	for {
		before, asked := ask.GetFrom(), time.Now()
		end, err := readSome(ctx, c, ask, w)
		if err == nil {
			return end, nil
		}
		if lost.IsZero() || ask.GetFrom() > before || time.Since(asked) > answerWithin {
			lost = time.Now() // a log may be quiet for long
		}
		if !c.route.worth(ctx, err, lost.Add(answerWithin)) {
			return nil, err
		}
		if !c.route.turn(err) && !pause(ctx, 200*time.Millisecond) {
			return nil, ctx.Err()
		}
	}
}

// pause waits and says whether ctx lives on.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func readSome(ctx context.Context, c *client, ask *lftv1.ReadLogRequest, w io.Writer) (*lftv1.ReadLogResponse, error) {
	stream, err := c.run.ReadLog(ctx, ask)
	if err != nil {
		return nil, err
	}
	defer func() { _ = stream.Close() }() // what is wrong, the stream has said
	var last *lftv1.ReadLogResponse
	for stream.Receive() {
		last = stream.Msg()
		if _, err := w.Write(last.GetData()); err != nil {
			return nil, err
		}
		ask.From += int64(len(last.GetData()))
	}
	return last, stream.Err()
}

// executionAndJob are the two arguments of a verb about one job.
func executionAndJob(cmd *cli.Command) (id, job string, err error) {
	if cmd.Args().Len() != 2 {
		return "", "", fmt.Errorf("%s needs the id of an execution and the name of a job", cmd.FullName())
	}
	return cmd.Args().Get(0), cmd.Args().Get(1), nil
}
