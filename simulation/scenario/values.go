package scenario

import (
	"strconv"
	"strings"
	"time"

	"gazetteer/yamltree"
)

// tree and key are short for what every function here is made of.
type (
	tree = yamltree.Tree
	key  = yamltree.Key
)

// above is the least time of what takes some.
const above = time.Nanosecond

// maxTime is the longest of any time in a file.
const maxTime = 30 * 24 * time.Hour

// duration reads a time such as 90s or 1m30s.
func (d *decoder) duration(t *tree, at string, least, most time.Duration) (time.Duration, bool) {
	if !d.Want(t, at, yamltree.Text) {
		return 0, false
	}
	v, err := time.ParseDuration(t.Text)
	switch {
	case err != nil:
		d.Fail(t.Line, at, "%.80q is not a time; write it with its unit, such as 250ms, 90s or 1m30s", t.Text)
	case v < least && least == above:
		d.Fail(t.Line, at, "%v is too short; it is above 0s", v)
	case v < least:
		d.Fail(t.Line, at, "%v is too short; it is at least %v", v, least)
	case v > most:
		d.Fail(t.Line, at, "%v is too long; it is at most %v", v, most)
	default:
		return v, true
	}
	return 0, false
}

// float reads a number.
func (d *decoder) float(t *tree, at string, least, most float64) (float64, bool) {
	if !d.Want(t, at, yamltree.Text) {
		return 0, false
	}
	v, err := strconv.ParseFloat(t.Text, 64)
	if err != nil || !(v >= least && v <= most) { // NaN is nowhere
		d.Fail(t.Line, at, "%.80q is not a number from %s to %s", t.Text, plain(least), plain(most))
		return 0, false
	}
	return v, true
}

// plain writes a number without an exponent.
func plain(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// The following are keys whose values go to a place, and stay as they were if what the
// file says is wrong.

func (d *decoder) timeKey(name string, to *time.Duration, least, most time.Duration) key {
	return yamltree.Known(name, func(t *tree, at string) {
		if v, ok := d.duration(t, at, least, most); ok {
			*to = v
		}
	})
}

func (d *decoder) floatKey(name string, to *float64, least, most float64) key {
	return yamltree.Known(name, func(t *tree, at string) {
		if v, ok := d.float(t, at, least, most); ok {
			*to = v
		}
	})
}

func (d *decoder) countKey(name string, to *int, least, most int) key {
	return yamltree.Known(name, func(t *tree, at string) {
		if v, ok := d.count(t, at, least, most); ok {
			*to = v
		}
	})
}

func (d *decoder) count(t *tree, at string, least, most int) (int, bool) {
	before := len(d.Faults)
	v := d.Number(t, at, uint64(least), uint64(most))
	return int(v), len(d.Faults) == before
}

func (d *decoder) boolKey(name string, to *bool) key {
	return yamltree.Known(name, func(t *tree, at string) {
		switch {
		case !d.Want(t, at, yamltree.Text):
		case t.Text == "true", t.Text == "false":
			*to = t.Text == "true"
		default:
			d.Fail(t.Line, at, "%.80q is neither true nor false", t.Text)
		}
	})
}

func textKey[S ~string](d *decoder, name string, to *S) key {
	return yamltree.Known(name, func(t *tree, at string) { *to = S(d.Text(t, at)) })
}

// oneOfKey takes one of some words.
func oneOfKey[S ~string](d *decoder, name string, to *S, words ...S) key {
	return yamltree.Known(name, func(t *tree, at string) {
		text := d.Text(t, at)
		for _, w := range words {
			if text == string(w) {
				*to = w
				return
			}
		}
		if text != "" {
			d.Fail(t.Line, at, "%.80q is none of %s%s", text, listed(words), meant(text, words))
		}
	})
}

// units of sizes, largest first.
var units = []struct {
	suffix string
	bytes  int64
}{{"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}, {"B", 1}}

// sizeKey takes bytes, such as 10MB.
func (d *decoder) sizeKey(name string, to *int64, least, most int64) key {
	return yamltree.Known(name, func(t *tree, at string) {
		if !d.Want(t, at, yamltree.Text) {
			return
		}
		if v, ok := size(t.Text); ok && v >= least && v <= most {
			*to = v
			return
		}
		d.Fail(t.Line, at, "%.80q is not a number of bytes from %d to %d; write it as 500kB, 10MB or 1GB", t.Text, least, most)
	})
}

func size(text string) (int64, bool) {
	for _, u := range units {
		if digits, ok := strings.CutSuffix(text, u.suffix); ok {
			v, err := strconv.ParseInt(digits, 10, 32)
			return v * u.bytes, err == nil
		}
	}
	v, err := strconv.ParseInt(text, 10, 64)
	return v, err == nil
}

// listed is "a, b, c".
func listed[S ~string](words []S) string {
	const most = 16 // all kinds of faults
	var out []string
	for i, w := range words {
		if i == most {
			out = append(out, "...")
			break
		}
		out = append(out, string(w))
	}
	return strings.Join(out, ", ")
}

// meant is a half-sentence that names what a misspelt word was probably meant to be.
func meant[S ~string](word string, words []S) string {
	var all []string
	for _, w := range words {
		all = append(all, string(w))
	}
	if near := yamltree.Nearest(word, all); near != "" {
		return "; did you mean " + near + "?"
	}
	return ""
}
