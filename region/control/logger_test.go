package control

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"
)

func TestRaftLogsThroughSlog(t *testing.T) {
	var out bytes.Buffer
	h := slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelInfo, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}})
	var l hclog.Logger = hclogger{to: slog.New(h)}
	l = l.Named("raft").With("node", "a").Named("net")
	l.Trace("no")
	l.Debug("no")
	l.Info("yes", "servers", hclog.Fmt("%d of %d", 2, 3))
	l.Warn("careful", "error", fmt.Errorf("two words"))
	l.Error("bad")
	l.StandardLogger(nil).Print("plain")
	want := `level=INFO msg=yes node=a servers="2 of 3"
level=WARN msg=careful node=a error="two words"
level=ERROR msg=bad node=a
level=INFO msg=plain node=a
`
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
	if l.Name() != "raft.net" || l.ResetNamed("x").Name() != "x" || fmt.Sprint(l.ImpliedArgs()) != "[node a]" {
		t.Errorf("name %s, args %v", l.Name(), l.ImpliedArgs())
	}
	l.SetLevel(hclog.Trace)
	if l.GetLevel() != hclog.Info || l.IsTrace() || l.IsDebug() || !l.IsInfo() || !l.IsWarn() || !l.IsError() {
		t.Errorf("level %v", l.GetLevel())
	}
	if _, err := l.StandardWriter(nil).Write([]byte("written\n")); err != nil || !strings.Contains(out.String(), "msg=written") {
		t.Errorf("%v: got %s", err, out.String())
	}
}
