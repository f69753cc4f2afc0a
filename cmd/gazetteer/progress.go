package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progress shows how far a stream has come, with its rate and when it will be done, if
// standard error is a terminal. A nil progress shows nothing.
type progress struct {
	bar  *progressbar.ProgressBar
	what string
	next time.Time // when it is worth drawing again
}

// drawEvery is how often the line is drawn.
const drawEvery = 100 * time.Millisecond

// newProgress starts to show progress towards total; -1 if that is unknown.
func (a *app) newProgress(what string, total int64, options ...progressbar.Option) *progress {
	if !isTerminal(a.err) {
		return nil
	}
	return drawProgress(a.err, what, total, options...)
}

func drawProgress(w io.Writer, what string, total int64, options ...progressbar.Option) *progress {
	options = append([]progressbar.Option{
		progressbar.OptionSetWriter(w),
		progressbar.OptionSetDescription(what),
		progressbar.OptionSetWidth(30),
		progressbar.OptionThrottle(drawEvery),
		progressbar.OptionSetPredictTime(true),
		progressbar.OptionSetRenderBlankState(true),
		progressbar.OptionClearOnFinish(),
	}, options...)
	return &progress{bar: progressbar.NewOptions64(total, options...), what: what}
}

// newByteProgress counts bytes.
func (a *app) newByteProgress(what string, total int64) *progress {
	return a.newProgress(what, total, progressbar.OptionShowBytes(true))
}

// reader returns r, counted.
func (p *progress) reader(r io.Reader) io.Reader {
	if p == nil {
		return r
	}
	return io.TeeReader(r, p.bar)
}

// lines says how many lines are stored.
func (p *progress) lines(n int64) {
	if p != nil {
		p.bar.Describe(fmt.Sprintf("%s, %d stored", p.what, n))
	}
}

// due reports whether a set would be seen.
func (p *progress) due() bool { return p != nil && !time.Now().Before(p.next) }

// set says how far it has come, and of what.
func (p *progress) set(done int64, what string) {
	if p == nil {
		return
	}
	p.next = time.Now().Add(drawEvery)
	p.bar.Describe(p.what + " " + what)
	_ = p.bar.Set64(done) // a bar that cannot be drawn stops nothing
}

// finish clears the line.
func (p *progress) finish() {
	if p != nil {
		_ = p.bar.Finish()
	}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
