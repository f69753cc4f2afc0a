package control

import (
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"

	"github.com/hashicorp/go-hclog"
)

// hclogger lets raft, which logs through hclog, write to a slog.Logger.
type hclogger struct {
	to   *slog.Logger
	name string
	args []any
}

var _ hclog.Logger = hclogger{}

// slogLevel maps levels; raft's own changes of role are what it calls info.
func slogLevel(l hclog.Level) slog.Level {
	switch l {
	case hclog.Trace:
		return slog.LevelDebug - 4
	case hclog.Debug, hclog.NoLevel:
		return slog.LevelDebug
	case hclog.Info:
		return slog.LevelInfo
	case hclog.Warn:
		return slog.LevelWarn
	}
	return slog.LevelError
}

func (h hclogger) Log(l hclog.Level, msg string, args ...any) {
	level := slogLevel(l)
	if !h.enabled(level) {
		return
	}
	for i, a := range args {
		if f, ok := a.(hclog.Format); ok && len(f) > 0 {
			args[i] = fmt.Sprintf(fmt.Sprint(f[0]), f[1:]...)
		}
	}
	h.to.Log(context.Background(), level, msg, args...)
}

func (h hclogger) enabled(l slog.Level) bool { return h.to.Enabled(context.Background(), l) }

func (h hclogger) Trace(msg string, args ...any) { h.Log(hclog.Trace, msg, args...) }
func (h hclogger) Debug(msg string, args ...any) { h.Log(hclog.Debug, msg, args...) }
func (h hclogger) Info(msg string, args ...any)  { h.Log(hclog.Info, msg, args...) }
func (h hclogger) Warn(msg string, args ...any)  { h.Log(hclog.Warn, msg, args...) }
func (h hclogger) Error(msg string, args ...any) { h.Log(hclog.Error, msg, args...) }

func (h hclogger) IsTrace() bool { return h.enabled(slogLevel(hclog.Trace)) }
func (h hclogger) IsDebug() bool { return h.enabled(slogLevel(hclog.Debug)) }
func (h hclogger) IsInfo() bool  { return h.enabled(slogLevel(hclog.Info)) }
func (h hclogger) IsWarn() bool  { return h.enabled(slogLevel(hclog.Warn)) }
func (h hclogger) IsError() bool { return h.enabled(slogLevel(hclog.Error)) }

func (h hclogger) ImpliedArgs() []any { return h.args }
func (h hclogger) Name() string       { return h.name }

func (h hclogger) With(args ...any) hclog.Logger {
	return hclogger{to: h.to.With(args...), name: h.name, args: append(h.args[:len(h.args):len(h.args)], args...)}
}

func (h hclogger) Named(name string) hclog.Logger {
	if h.name != "" {
		name = h.name + "." + name
	}
	return h.ResetNamed(name)
}

func (h hclogger) ResetNamed(name string) hclog.Logger {
	return hclogger{to: h.to, name: name, args: h.args}
}

// SetLevel does nothing: the level is the slog.Logger's.
func (h hclogger) SetLevel(hclog.Level) {}

func (h hclogger) GetLevel() hclog.Level {
	for _, l := range []hclog.Level{hclog.Trace, hclog.Debug, hclog.Info, hclog.Warn} {
		if h.enabled(slogLevel(l)) {
			return l
		}
	}
	return hclog.Error
}

func (h hclogger) StandardLogger(*hclog.StandardLoggerOptions) *log.Logger {
	return slog.NewLogLogger(h.to.Handler(), slog.LevelInfo)
}

func (h hclogger) StandardWriter(o *hclog.StandardLoggerOptions) io.Writer {
	return h.StandardLogger(o).Writer()
}
