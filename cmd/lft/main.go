// Command lft is the whole of lft in one binary: the verbs a person types, and
// the processes that carry them out.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"github.com/leifengta/lft/cmd/lft/internal/cli"
)

// version is set by the linker.
var version = "dev"

func main() {
	runtime.LockOSThread() // to the leading thread, where a keeper has to be
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the first signal asks, a second one ends the process at once
	os.Exit(cli.Main(ctx, version, os.Args[1:], cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
}
