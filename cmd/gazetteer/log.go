package main

import (
	"context"
	"log/slog"
)

// warnings returns a logger that passes on warnings and errors only: raft tells of every
// turn that it takes.
func warnings(l *slog.Logger) *slog.Logger { return slog.New(louder{l.Handler()}) }

type louder struct{ slog.Handler }

func (h louder) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && h.Handler.Enabled(ctx, level)
}

func (h louder) WithAttrs(as []slog.Attr) slog.Handler { return louder{h.Handler.WithAttrs(as)} }

func (h louder) WithGroup(name string) slog.Handler { return louder{h.Handler.WithGroup(name)} }
