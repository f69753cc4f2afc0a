// Command gazetteer is the whole service in one binary: the server, a demo that needs no
// set-up, and a client for those who ask and those who publish.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	os.Exit(run(ctx, console{os.Stdin, os.Stdout, os.Stderr, os.Getenv}, os.Args[1:]))
}
