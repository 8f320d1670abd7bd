package store_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/engine/store"
	"github.com/leifengta/lft/engine/store/storetest"
)

// databases runs a benchmark on each.
func databases(b *testing.B, run func(b *testing.B, state string)) {
	b.Helper()
	b.Run("sqlite", func(b *testing.B) { run(b, storetest.SQLite(b)) })
	b.Run("mysql", func(b *testing.B) { run(b, storetest.MySQL(b)) })
}

func job(e string, n int32, state record.JobState) record.Job {
	return record.Job{
		Execution: e, Number: n, Name: fmt.Sprintf("extract_%d", n), State: state, Attempts: 1,
		StartedAt: 1_700_000_000_000_000, EndedAt: 1_700_000_000_100_000,
	}
}

func attempt(e string, n int32, state record.AttemptState) record.Attempt {
	return record.Attempt{
		Execution: e, Number: n, N: 1, Token: fmt.Sprintf("%s%020d", e, n), State: state, AgentUID: "abcdefghijklmnopqrstuvwxyz",
		Agent: "agent-1", Session: 7, OrderedAt: 1_700_000_000_000_000, StartedAt: 1_700_000_000_000_000,
		Task: []byte(`{"type":"shell","command":["/bin/true"],"env":{"LFT_EXECUTION":"f0123456789abcdefghijklmno","LFT_JOB":"extract"}}`),
	}
}

// BenchmarkCommit writes batches of job rows, as noop jobs make them, and of
// chain hops: an attempt that ends with its log, its job, the next job and attempt.
func BenchmarkCommit(b *testing.B) {
	databases(b, func(b *testing.B, state string) {
		b.Helper()
		s := storetest.Open(b, state)
		epoch := storetest.Take(b, s, "me")
		serial := uint64(0)
		commit := func(b *testing.B, batch record.Batch) {
			b.Helper()
			serial++
			if err := s.Commit(b.Context(), epoch, serial, &batch); err != nil {
				b.Fatal(err)
			}
		}
		b.Run("hop", func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				e, n := fmt.Sprintf("hop%022d", i/1000), int32(i%1000)
				commit(b, record.Batch{
					Jobs:     []record.Job{job(e, n, record.JobSucceeded), job(e, n+1, record.JobActive)},
					Attempts: []record.Attempt{attempt(e, n, record.Ended), attempt(e, n+1, record.Ordered)},
					LogEnds:  []record.LogEnd{{Token: fmt.Sprintf("%s%020d", e, n), State: record.LogEOF}},
				})
			}
		})
		for _, size := range []int{1, 10, 100, 1000, 5000} {
			b.Run(fmt.Sprint("rows=", size), func(b *testing.B) {
				n := 0
				for b.Loop() {
					var batch record.Batch
					for range size {
						batch.Jobs = append(batch.Jobs, job(fmt.Sprintf("e%d-%021d", size, n/1000), int32(n%1000), record.JobSucceeded))
						n++
					}
					commit(b, batch)
				}
				b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "rows/s")
			})
		}
	})
}

// BenchmarkLoad restores ten flows of a thousand live jobs, beside nothing and
// beside a history ten times as large.
func BenchmarkLoad(b *testing.B) {
	databases(b, func(b *testing.B, state string) {
		b.Helper()
		s := storetest.Open(b, state)
		epoch := storetest.Take(b, s, "me")
		serial := uint64(0)
		flows := func(prefix string, n int, state record.ExecutionState) {
			for i := range n {
				e := fmt.Sprintf("%s%024d", prefix, i)
				batch := record.Batch{Executions: []record.Execution{{ID: e, State: state}}}
				for n := range int32(1000) {
					batch.Jobs = append(batch.Jobs, job(e, n, record.JobActive))
					batch.Attempts = append(batch.Attempts, attempt(e, n, record.AttemptRunning))
				}
				serial++
				if err := s.Commit(b.Context(), epoch, serial, &batch); err != nil {
					b.Fatal(err)
				}
			}
		}
		load := func(b *testing.B) {
			b.Helper()
			for b.Loop() {
				live, err := s.Load(b.Context(), epoch)
				if err != nil || len(live.Jobs) != 10_000 || len(live.Attempts) != 10_000 {
					b.Fatalf("%d jobs, %d attempts, error = %v", len(live.Jobs), len(live.Attempts), err)
				}
			}
		}
		flows("e", 10, record.Running)
		b.Run("history=0", load)
		flows("d", 50, record.ExecutionSucceeded)
		flows("f", 50, record.ExecutionSucceeded)
		b.Run("history=100000", load)
	})
}

// BenchmarkApply deploys ten thousand new jobs: a thousand flows of ten. head-ms is
// the longest time that a master had to wait for the head meanwhile, in half of the
// applies at most.
func BenchmarkApply(b *testing.B) {
	databases(b, func(b *testing.B, state string) {
		b.Helper()
		s := storetest.Open(b, state)
		shared := strings.HasPrefix(state, "mysql:") // SQLite has one writer
		var waited []time.Duration
		for round := 0; b.Loop(); round++ {
			specs, objects := thousandFlows(round)
			project := fmt.Sprint("p", round)
			apply := func(revision int64, objects []store.ObjectChange) {
				id := fmt.Sprint(project, "-", revision)
				_, _, err := s.Apply(b.Context(), store.DefinitionChange{
					Project:  record.Project{UID: project, Name: project, Revision: revision},
					Revision: record.Revision{ApplyID: id},
					Objects:  objects,
					Audit:    record.Audit{ID: id},
				})
				if err != nil {
					b.Fatal(err)
				}
			}
			b.StopTimer()
			apply(0, nil)
			stop := func() time.Duration { return 0 }
			if shared {
				stop = watchHead(b, state, project)
			}
			b.StartTimer()
			if err := s.PutSpecs(b.Context(), specs, time.Hour); err != nil {
				b.Fatal(err)
			}
			apply(1, objects)
			b.StopTimer()
			waited = append(waited, stop())
			b.StartTimer()
		}
		if shared {
			slices.Sort(waited)
			b.ReportMetric(float64(waited[len(waited)/2].Microseconds())/1000, "head-ms")
			b.ReportMetric(float64(waited[len(waited)-1].Microseconds())/1000, "head-max-ms")
		}
	})
}

func thousandFlows(round int) (specs []record.Spec, objects []store.ObjectChange) {
	for f := range 1000 {
		data := fmt.Appendf(nil, `{"format":1,"round":%d,"flow":%d,"jobs":[`, round, f)
		for j := range 10 {
			data = fmt.Appendf(data, `{"name":"job_%d","type":"shell","args":{"command":["/opt/etl/bin/extract.sh","--day",{"$expr":"param.day"}]},"retry":{"attempts":3},"timeout":"30m0s"},`, j)
		}
		sum := sha256.Sum256(data)
		digest := hex.EncodeToString(sum[:])
		specs = append(specs, record.Spec{Digest: digest, Data: data})
		uid := fmt.Sprintf("u%d-%d", round, f)
		objects = append(objects, store.ObjectChange{Object: record.Object{UID: uid, Kind: "flow", Address: "flow." + uid, Digest: digest}})
	}
	return specs, objects
}

// watchHead locks a head again and again, as a master that creates executions does,
// and tells in the end how long it has waited at most.
func watchHead(b *testing.B, state, project string) (stop func() time.Duration) {
	b.Helper()
	db := storetest.DB(b, state)
	ctx, cancel := context.WithCancel(b.Context())
	longest := make(chan time.Duration)
	go func() {
		var most time.Duration
		for ctx.Err() == nil {
			var revision int64
			began := time.Now()
			if err := db.QueryRowContext(b.Context(), "SELECT revision FROM project WHERE uid=? LOCK IN SHARE MODE", project).Scan(&revision); err != nil {
				b.Error(err)
				break
			}
			most = max(most, time.Since(began))
		}
		longest <- most
	}()
	return func() time.Duration {
		cancel()
		return <-longest
	}
}
