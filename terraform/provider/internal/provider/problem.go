package provider

import (
	"errors"
	"strconv"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"gazetteer"
	"gazetteer/api/client"
)

var errNoCertificate = errors.New("it holds no certificate in PEM")

// pointed says which argument a pointer into a request's body is about.
type pointed func(pointer string) (path.Path, bool)

// nowhere is for requests whose bodies have no counterpart among the arguments.
func nowhere(string) (path.Path, bool) { return path.Empty(), false }

// at is for requests that are about one argument.
func at(p path.Path) pointed { return func(string) (path.Path, bool) { return p, true } }

// tell adds what went wrong: at the arguments that the server points at, else as a whole.
func tell(diags *diag.Diagnostics, summary string, err error, where pointed) {
	var p *client.Problem
	if !errors.As(err, &p) || len(p.Errors) == 0 {
		tellAt(diags, summary, detailOf(err), "", where)
		return
	}
	for _, e := range p.Errors {
		tellAt(diags, summary, e.Detail+footOf(err), e.Pointer, where)
	}
}

func tellAt(diags *diag.Diagnostics, summary, detail, pointer string, where pointed) {
	if at, ok := where(pointer); ok {
		diags.AddAttributeError(at, summary, detail)
		return
	}
	diags.AddError(summary, detail)
}

// detailOf says what the server said, and what can be done.
func detailOf(err error) string {
	var e *gazetteer.Error
	if !errors.As(err, &e) || e.Detail == "" {
		return err.Error()
	}
	text := e.Detail
	switch cause := errors.Unwrap(e); e.Kind {
	case gazetteer.Unavailable, gazetteer.Deadline:
		if footOf(err) == "" && cause != nil {
			text += ": " + cause.Error()
		}
	case gazetteer.Denied:
		text += "\n\nThe provider's token does not allow it: see its argument token, and GAZETTEER_TOKEN."
	}
	return text + footOf(err)
}

// footOf names the answer, so that the server's log can be searched for it.
func footOf(err error) string {
	var p *client.Problem
	if !errors.As(err, &p) {
		return ""
	}
	return "\n\n(" + p.Error() + ")"
}

func isGone(err error) bool { return gazetteer.KindOf(err) == gazetteer.NotFound }

// asWritten is for bodies whose members are named like the arguments; before is the pointer
// to the part that is.
func asWritten(before string) pointed {
	return func(pointer string) (path.Path, bool) {
		rest, ok := strings.CutPrefix(pointer, before+"/")
		if !ok {
			return path.Empty(), false
		}
		steps := stepsOf(rest)
		p := path.Root(steps[0])
		for _, s := range steps[1:] {
			p = step(p, s)
		}
		return p, true
	}
}

// stepsOf takes a JSON pointer apart (RFC 6901).
func stepsOf(pointer string) []string {
	steps := strings.Split(pointer, "/")
	for i, s := range steps {
		steps[i] = strings.ReplaceAll(strings.ReplaceAll(s, "~1", "/"), "~0", "~")
	}
	return steps
}

func step(p path.Path, s string) path.Path {
	if i, err := strconv.Atoi(s); err == nil {
		return p.AtListIndex(i)
	}
	return p.AtName(s)
}
