package rest

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"gazetteer"
	"gazetteer/ring"
)

// segment returns a part of the path, percent-decoded exactly once. net/http keeps the
// text as it was sent if its default encoding would differ, gin routes by that; without
// it the path is decoded already.
func segment(c *gin.Context, i int) (string, error) {
	s := c.Params[i].Value
	if c.Request.URL.RawPath == "" {
		return s, nil
	}
	v, err := url.PathUnescape(s)
	if err != nil {
		return "", badParameter(c.Params[i].Key, "%s is not percent-encoded", quoted(s))
	}
	return v, nil
}

// typeIn reads the type that the path names.
func typeIn(c *gin.Context) (gazetteer.Type, error) {
	s, err := segment(c, 0)
	if err != nil {
		return "", err
	}
	t := gazetteer.Type(s)
	return t, t.Validate()
}

// keyIn reads the resource that the path names.
func keyIn(c *gin.Context) (gazetteer.Key, error) {
	t, err := typeIn(c)
	if err != nil {
		return gazetteer.Key{}, err
	}
	id, err := segment(c, 1)
	if err != nil {
		return gazetteer.Key{}, err
	}
	k := gazetteer.Key{Type: t, ID: gazetteer.ID(id)}
	return k, k.ID.Validate()
}

// locationIn reads the location that the path names.
func locationIn(c *gin.Context) (gazetteer.LocationID, error) {
	s, err := segment(c, 2)
	if err != nil {
		return "", err
	}
	id := gazetteer.LocationID(s)
	return id, id.Validate()
}

// eachParameter gives every parameter of a query string to take, in order. It refuses
// what is not encoded, and a name that comes twice, unless repeats allows it.
func eachParameter(query string, repeats string, take func(name, value string) error) error {
	var seen [parametersMax + 1]string
	n := 0
	for query != "" {
		var pair string
		pair, query, _ = strings.Cut(query, "&")
		if pair == "" {
			continue
		}
		name, value, err := parameter(pair)
		if err != nil {
			return err
		}
		if name != repeats {
			if err := once(name, seen[:n]); err != nil {
				return err
			}
			seen[n] = name
			n++
		}
		if err := take(name, value); err != nil {
			return err
		}
	}
	return nil
}

// once refuses a name that was seen before, and more names than any path takes.
func once(name string, seen []string) error {
	if slices.Contains(seen, name) {
		return badParameter(cut(name, 64), "is given twice")
	}
	if len(seen) == parametersMax {
		return badParameter(cut(name, 64), "is one parameter too many")
	}
	return nil
}

// parametersMax is how many different parameters a query string may hold.
const parametersMax = 16

func parameter(pair string) (name, value string, err error) {
	name, value, _ = strings.Cut(pair, "=")
	if strings.IndexByte(pair, '%') < 0 && strings.IndexByte(pair, '+') < 0 {
		return name, value, nil
	}
	if name, err = url.QueryUnescape(name); err != nil {
		return "", "", badParameter("", "the query string is not percent-encoded at %s", quoted(pair))
	}
	if value, err = url.QueryUnescape(value); err != nil {
		return "", "", badParameter(name, "is not percent-encoded")
	}
	return name, value, nil
}

func unknownParameter(name, known string) error {
	return badParameter(cut(name, 64), "is not known here; known are %s", known)
}

// noParameters refuses any.
func noParameters(r *http.Request) error {
	return eachParameter(r.URL.RawQuery, "", func(name, _ string) error {
		return badParameter(cut(name, 64), "is not known here; this path takes none")
	})
}

func numberParameter(name, value string, low, high float64) (float64, error) {
	v, err := strconv.ParseFloat(value, 64)
	if err != nil || !(v >= low && v <= high) {
		return 0, badParameter(name, "%s is not a number from %v to %v", quoted(value), low, high)
	}
	return v, nil
}

func countParameter(name, value string, high int) (int, error) {
	v, err := strconv.Atoi(value)
	if err != nil || v < 1 || v > high {
		return 0, badParameter(name, "%s is not a whole number from 1 to %d", quoted(value), high)
	}
	return v, nil
}

func flagParameter(name, value string) (bool, error) {
	switch value {
	case "1", "true":
		return true, nil
	case "0", "false":
		return false, nil
	}
	return false, badParameter(name, "%s is neither 1 nor 0", quoted(value))
}

// writeOptions are the parameters that all writes take.
type writeOptions struct {
	ack      ring.Ack
	deadline time.Duration
}

// deadlineMax bounds how long a write may be waited for; a write is answered before the
// server gives its connection up.
const deadlineMax = 20 * time.Second

// writeOptionsIn gives what is none of them to more, if that takes it.
func writeOptionsIn(r *http.Request, known string, more func(name, value string) (taken bool, err error)) (o writeOptions, err error) {
	o.ack = ring.AckRing
	err = eachParameter(r.URL.RawQuery, "", func(name, value string) (err error) {
		if taken, err := more(name, value); taken || err != nil {
			return err
		}
		switch name {
		case "ack":
			o.ack, err = ackParameter(value)
		case "deadline":
			o.deadline, err = deadlineParameter(value)
		default:
			err = unknownParameter(name, known)
		}
		return err
	})
	return o, err
}

func ackParameter(value string) (ring.Ack, error) {
	switch value {
	case "local":
		return ring.AckLocal, nil
	case "ring":
		return ring.AckRing, nil
	case "regions":
		return ring.AckRegions, nil
	}
	return 0, badParameter("ack", "%s is none of local, ring and regions", quoted(value))
}

func ackName(a ring.Ack) string {
	switch a {
	case ring.AckLocal:
		return "local"
	case ring.AckRing:
		return "ring"
	case ring.AckRegions:
		return "regions"
	}
	return "none"
}

// durationParameter reads a time with its unit, or a number of seconds.
func durationParameter(value string) (time.Duration, error) {
	d, err := time.ParseDuration(value)
	if err != nil {
		seconds, numErr := strconv.ParseFloat(value, 64)
		d, err = time.Duration(seconds*float64(time.Second)), numErr
	}
	return d, err
}

// maxStaleMax bounds max_stale: what may be older than that may be any age.
const maxStaleMax = time.Hour

func maxStaleParameter(value string) (time.Duration, error) {
	d, err := durationParameter(value)
	if err != nil || d <= 0 || d > maxStaleMax {
		return 0, badParameter("max_stale", "%s is not a time such as 2s or 500ms, at most %v", quoted(value), maxStaleMax)
	}
	return d, nil
}

func deadlineParameter(value string) (time.Duration, error) {
	d, err := durationParameter(value)
	if err != nil || d <= 0 || d > deadlineMax {
		return 0, badParameter("deadline", "%s is not a time such as 2s or 500ms, at most %v", quoted(value), deadlineMax)
	}
	return d, nil
}
