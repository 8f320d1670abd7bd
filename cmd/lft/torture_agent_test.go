package main_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A host is a server on a database file and one agent with room for many jobs, both real processes.
type host struct {
	*world
	agent *proc
	url   string
}

func newHost(tb testing.TB) *host {
	tb.Helper()
	w := newWorld(tb)
	address := freeAddress(tb)
	h := &host{world: w, url: "http://" + address}
	w.state = "sqlite://" + filepath.Join(w.run, "lft.db")
	w.start("server", "server", "-state", w.state, "-listen", address, "-blobs", filepath.Join(w.run, "blobs"))
	// Before that a verb would become the owner of the state itself.
	w.until("the server listens", time.Minute, func() bool {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			return false
		}
		conn.Close()
		return true
	})
	h.join()
	w.until("the agent is there", time.Minute, func() bool {
		return strings.Contains(w.lft("agents", "-json").stdout, `"ACTIVE"`)
	})
	return h
}

func (h *host) dir() string { return filepath.Join(h.run, "agent") }

func (h *host) join() {
	h.agent = h.start("agent", "agent", "-master", h.url, "-name", "a", "-dir", h.dir(), "-slots", "40")
}

// keeper is the number of the agent's keeper.
func (h *host) keeper() int {
	h.tb.Helper()
	names, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err == nil && strings.HasSuffix(string(text), "\x00keeper\x00-dir\x00"+h.dir()+"\x00") {
			pid, err := strconv.Atoi(strings.Split(name, "/")[2])
			if err != nil {
				h.tb.Fatal(err)
			}
			return pid
		}
	}
	h.tb.Fatal("there is no keeper")
	return 0
}

// peak is the most memory a process ever had, in bytes.
func (h *host) peak(pid int) int64 {
	h.tb.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		h.tb.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			if err != nil {
				h.tb.Fatal(err)
			}
			return kib << 10
		}
	}
	h.tb.Fatalf("process %d has no memory", pid)
	return 0
}

// many is a flow of jobs side by side; each has the attributes its arguments are followed by.
func (h *host) many(name string, jobs int, attributes string, args func(job int) []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "flow %q {\n", name)
	for n := range jobs {
		// A job inherits nothing of the agent's own environment.
		argv := append([]string{"/usr/bin/env", "LFT_WITNESS=" + h.witness, h.job}, args(n)...)
		fmt.Fprintf(&b, "  job \"shell\" %q {\n    command = %s\n%s  }\n", jobName(n), hclList(argv), attributes)
	}
	b.WriteString("}\n")
	return b.String()
}

func hclList(words []string) string {
	text, _ := json.Marshal(words)
	return string(text)
}

// wrote waits until that many lines with the verb are written for an execution.
func (h *host) wrote(execution, verb string, n int) {
	h.tb.Helper()
	h.until(fmt.Sprintf("%d %ss", n, verb), time.Minute, func() bool {
		return witnessed(h.tb, h.witness).of(execution).count(verb) >= n
	})
}

// TestTortureAgent kills an agent whose jobs then end while no agent is up; what is told later is how they ended.
func TestTortureAgent(t *testing.T) {
	const jobs = 30
	h := newHost(t)
	signals := []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM, syscall.SIGHUP}
	names := []string{"SIGKILL", "SIGTERM", "SIGHUP"}
	for round := range rounds(1, 20) {
		flow, id := fmt.Sprintf("agent%d", round), fmt.Sprintf("a%d", round)
		codes := make([]int, jobs)
		for n := range codes {
			if codes[n] = rand.IntN(256); rand.IntN(4) == 0 {
				codes[n] = -rand.IntN(len(signals)) - 1
			}
		}
		h.apply(h.many(flow, jobs, "", func(n int) []string {
			args := []string{"-sleep", fmt.Sprint(500+rand.IntN(1000), "ms")}
			if codes[n] < 0 {
				return append(args, "-signal", fmt.Sprint(int(signals[-codes[n]-1])))
			}
			return append(args, "-exit", fmt.Sprint(codes[n]))
		}))
		h.started("flow."+flow, id)
		h.wrote(id, "start", jobs)
		h.agent.kill()
		h.wrote(id, "stop", jobs)
		h.join()
		h.finish(id, time.Minute)
		for n, j := range h.status(id).Jobs {
			if len(j.Attempts) != 1 {
				t.Errorf("%s has %d attempts", j.Name, len(j.Attempts))
				continue
			}
			a, want := j.Attempts[0], codes[n]
			switch {
			case want < 0:
				if a.ExitCode != nil || a.Signal != names[-want-1] {
					t.Errorf("%s: %+v, want signal %s", j.Name, a, names[-want-1])
				}
			case a.ExitCode == nil || *a.ExitCode != want || a.Signal != "":
				t.Errorf("%s: %+v, want exit code %d", j.Name, a, want)
			}
		}
		if said := witnessed(t, h.witness).of(id); said.count("start") != jobs || said.count("overlap") != 0 {
			t.Errorf("%d starts, %d overlaps", said.count("start"), said.count("overlap"))
		}
	}
}

// TestTortureKeeper kills an agent with its keeper: the jobs die with it, that is known, and only then they are
// tried again.
func TestTortureKeeper(t *testing.T) {
	const jobs = 30
	h := newHost(t)
	h.apply(h.many("keeper", jobs, "    retry {\n      attempts = 2\n      delay = \"100ms\"\n    }\n    kill_grace = \"200ms\"\n", func(int) []string {
		return []string{"-sleep", "3s", "-ignore-term", "-orphan"}
	}))
	for round := range rounds(1, 20) {
		id := fmt.Sprintf("k%d", round)
		h.started("flow.keeper", id)
		h.wrote(id, "start", jobs)
		// Those of the second attempts are younger.
		first := h.pids("LFT_ATTEMPT=1")
		if len(first) < 2*jobs {
			t.Fatalf("%d processes of %d jobs that leave an orphan each", len(first), jobs)
		}
		h.agent.kill()
		if err := syscall.Kill(h.keeper(), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		h.join()
		h.until("nothing of the first attempts lives", 10*time.Second, func() bool {
			return !slices.ContainsFunc(h.pids("LFT_ATTEMPT=1"), func(pid int) bool { return slices.Contains(first, pid) })
		})
		if e := h.finish(id, time.Minute); e.State != "SUCCEEDED" {
			t.Errorf("%s ended %s", id, e.State)
		}
		for _, j := range h.status(id).Jobs {
			if len(j.Attempts) != 2 || j.Attempts[0].Outcome != "lost" || j.Attempts[0].Reason != "keeper_lost" {
				t.Errorf("%s: attempts %+v", j.Name, j.Attempts)
			}
		}
		if said := witnessed(t, h.witness).of(id); said.count("start") != 2*jobs || said.count("overlap") != 0 {
			t.Errorf("%d starts, %d overlaps", said.count("start"), said.count("overlap"))
		}
	}
}

// TestTortureCancel cancels jobs that do their best to survive: they ignore TERM, and leave group, session, parent
// and environment behind.
func TestTortureCancel(t *testing.T) {
	h := newHost(t)
	mark := fmt.Sprintf("1000.%d", rand.Int32())
	fled := func() int {
		n := 0
		names, _ := filepath.Glob("/proc/[0-9]*/cmdline")
		for _, name := range names {
			if text, err := os.ReadFile(name); err == nil && strings.Contains(string(text), mark) {
				n++
			}
		}
		return n
	}
	script := "trap '' TERM HUP INT; (setsid env -i /bin/sh -c \"trap '' TERM; sleep " + mark + "\" &) ; sleep " + mark
	h.apply(h.many("cancel", 3, "    kill_grace = \"500ms\"\n", func(int) []string {
		return []string{"-sleep", "1000s", "-ignore-term", "-orphan"}
	}) + fmt.Sprintf("flow \"flee\" {\n  job \"shell\" \"x\" {\n    command = %s\n    kill_grace = \"500ms\"\n  }\n}\n",
		hclList([]string{"/bin/sh", "-c", script})))
	for round := range rounds(1, 20) {
		id := fmt.Sprintf("c%d", round)
		h.started("flow.cancel", id)
		h.wrote(id, "start", 3)
		h.must(0, "cancel", id, "-wait")
		if left := h.pids("LFT_EXECUTION=" + id); len(left) > 0 {
			t.Errorf("processes %v live after cancel has returned", left)
		}
		if e := h.status(id); e.State != "CANCELLED" {
			t.Errorf("%s ended %s", id, e.State)
		}
		id = fmt.Sprintf("f%d", round)
		h.started("flow.flee", id)
		h.until("it has fled", 20*time.Second, func() bool { return fled() >= 4 })
		h.must(0, "cancel", id, "-wait")
		if n := fled(); n > 0 {
			t.Errorf("%d processes live after cancel has returned", n)
		}
	}
}

// TestTortureLog kills the agent half-way through a log that is large, binary and one line; what lft has of it in the
// end is what the job wrote, and nobody needed much memory for it.
func TestTortureLog(t *testing.T) {
	const most = 64 << 20
	h := newHost(t)
	volume := rounds(40_000_000, 200_000_000)
	h.apply(h.many("log", 1, "", func(int) []string { return []string{"-bytes", fmt.Sprint(volume)} }))
	h.started("flow.log", "l")
	h.wrote("l", "start", 1)
	spool := filepath.Join(h.dir(), "spool")
	h.until("half of the log is written", time.Minute, func() bool {
		entries, err := os.ReadDir(spool)
		if err != nil || len(entries) == 0 {
			return false
		}
		info, err := entries[0].Info()
		return err == nil && info.Size() > int64(volume/2)
	})
	if n := h.peak(h.agent.cmd.Process.Pid); n > most {
		t.Errorf("the first agent had %d MiB", n>>20)
	}
	h.agent.kill()
	h.join()
	if e := h.finish("l", time.Minute); e.State != "SUCCEEDED" {
		t.Errorf("the job ended %s", e.State)
	}
	want, err := os.ReadFile(h.witness + ".sum")
	if err != nil {
		t.Fatal(err)
	}
	if got := h.sum("logs", "l", jobName(0), "-raw"); got != string(want) {
		t.Error("the log is not what the job wrote")
	}
	// When the spool is gone, the bucket has it all.
	h.until("all of the log is in the bucket", time.Minute, func() bool {
		entries, err := os.ReadDir(spool)
		return err == nil && len(entries) == 0
	})
	if got := h.sum("logs", "l", jobName(0), "-raw"); got != string(want) {
		t.Error("the log in the bucket is not what the job wrote")
	}
	for name, pid := range map[string]int{"agent": h.agent.cmd.Process.Pid, "keeper": h.keeper()} {
		if n := h.peak(pid); n > most {
			t.Errorf("the %s had %d MiB", name, n>>20)
		}
	}
}
