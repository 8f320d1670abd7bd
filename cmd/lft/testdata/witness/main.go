// Command witness is a job that testifies: it writes down that it started and stopped into a file that lft never
// reads, and finds out by a lock whether another copy of the same job runs at the same time.
//
//	witness [-sleep 20ms] [-exit 3] [-signal 9] [-ignore-term] [-orphan] [-bytes 200000000]
//
// LFT_WITNESS names the file; locks lie beside it. Each line is written by one write(2) on a descriptor opened for
// appending, so the order of the lines is the order of the events:
//
//	VERB EXECUTION JOB ATTEMPT PID NANOSECONDS
package main

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	var (
		nap        = flag.Duration("sleep", 0, "time between start and stop")
		exit       = flag.Int("exit", 0, "exit code")
		kill       = flag.Int("signal", 0, "number of the signal to die by")
		ignoreTerm = flag.Bool("ignore-term", false, "ignore SIGTERM")
		orphan     = flag.Bool("orphan", false, "leave a copy in a session of its own behind")
		volume     = flag.Int64("bytes", 0, "random bytes to write to stdout")
	)
	flag.Parse()
	if *ignoreTerm {
		signal.Ignore(syscall.SIGTERM)
	}
	if *orphan {
		leaveOrphan()
	}
	lock()
	note("start")
	if *volume > 0 {
		pour(*volume, *nap)
	} else {
		time.Sleep(*nap)
	}
	note("stop")
	if *kill > 0 {
		signal.Reset()
		syscall.Kill(os.Getpid(), syscall.Signal(*kill))
		select {}
	}
	os.Exit(*exit)
}

func job() string { return os.Getenv("LFT_EXECUTION") + " " + os.Getenv("LFT_JOB") }

// lock is held until the process is gone, however it ends.
func lock() {
	name := fmt.Sprintf("%s.%x", os.Getenv("LFT_WITNESS"), sha256.Sum256([]byte(job())))
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		die(err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		note("overlap")
	}
	// The descriptor stays open: a closed one would give the lock away.
	keep = f
}

var keep *os.File

func note(verb string) {
	f, err := os.OpenFile(os.Getenv("LFT_WITNESS"), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		die(err)
	}
	defer f.Close()
	if _, err := fmt.Fprintf(f, "%s %s %s %d %d\n", verb, job(), os.Getenv("LFT_ATTEMPT"), os.Getpid(), time.Now().UnixNano()); err != nil {
		die(err)
	}
}

// leaveOrphan starts a copy that has left group, session and parent behind.
func leaveOrphan() {
	cmd := exec.Command("/bin/sh", "-c", `(trap '' TERM HUP; exec sleep 1000) & exit 0`)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Run(); err != nil {
		die(err)
	}
}

// pour writes bytes without a newline, with a word to the terminal's other end and the nap half-way, and their sum to
// a file.
func pour(n int64, nap time.Duration) {
	random := rand.NewChaCha8([32]byte{1})
	sum := sha256.New()
	out := io.MultiWriter(os.Stdout, sum)
	half := func() {
		if _, err := io.CopyN(out, random, n/2); err != nil {
			die(err)
		}
	}
	half()
	word := exec.Command("/bin/sh", "-c", "echo x > /dev/stderr")
	word.Stderr = os.Stderr
	if err := word.Run(); err != nil {
		die(err)
	}
	sum.Write([]byte("x\n"))
	time.Sleep(nap)
	half()
	name := os.Getenv("LFT_WITNESS") + ".sum"
	if err := os.WriteFile(name, fmt.Appendf(nil, "%x", sum.Sum(nil)), 0o600); err != nil {
		die(err)
	}
}

func die(err error) {
	fmt.Fprintln(os.Stderr, "witness:", err)
	os.Exit(120)
}
