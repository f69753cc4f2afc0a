package fake

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"path"
	"time"
)

// monitoring answers for CloudWatch, which speaks CBOR (RFC 8949): each metric has one
// value, 1, in every minute that is asked for.
func (c *Cloud) monitoring(w http.ResponseWriter, r *http.Request, region string) {
	body, err := io.ReadAll(r.Body)
	var in map[string]any
	if err == nil {
		in, err = decodeMap(body)
	}
	queries, _ := in["MetricDataQueries"].([]any)
	from, ok := in["StartTime"].(float64)
	to, also := in["EndTime"].(float64)
	if err != nil || !ok || !also {
		http.Error(w, fmt.Sprintf("a request that is not understood: %v", err), http.StatusBadRequest)
		return
	}
	begin, end := time.Unix(int64(from), 0).UTC(), time.Unix(int64(to), 0).UTC()
	if c.hear(Call{"monitoring", region, path.Base(r.URL.Path), fmt.Sprintf("%d metrics from %s to %s", len(queries), begin.Format(time.RFC3339), end.Format(time.RFC3339))}) != nil {
		w.Header().Set("smithy-protocol", "rpc-v2-cbor")
		w.Header().Set("Content-Type", "application/cbor")
		w.WriteHeader(http.StatusForbidden)
		w.Write(appendText(appendText(appendHead(nil, 5, 1), "__type"), "AccessDenied"))
		return
	}
	w.Header().Set("smithy-protocol", "rpc-v2-cbor")
	w.Header().Set("Content-Type", "application/cbor")
	out := appendHead(appendText(appendHead(nil, 5, 1), "MetricDataResults"), 4, len(queries))
	for _, q := range queries {
		fields, _ := q.(map[string]any)
		id, _ := fields["Id"].(string)
		out = appendResult(out, id, begin, end)
	}
	w.Write(out)
}

// appendResult appends {Id, Timestamps, Values} of one metric.
func appendResult(out []byte, id string, begin, end time.Time) []byte {
	n := int(end.Sub(begin) / time.Minute)
	out = appendText(appendText(appendHead(out, 5, 3), "Id"), id)
	out = appendHead(appendText(out, "Timestamps"), 4, n)
	for i := range n {
		out = append(out, 0xc1) // a tag: seconds since 1970 follow
		out = appendFloat(out, float64(begin.Add(time.Duration(i)*time.Minute).Unix()))
	}
	out = appendHead(appendText(out, "Values"), 4, n)
	for range n {
		out = appendFloat(out, 1)
	}
	return out
}

// appendHead appends the head of an item of a major type.
func appendHead(out []byte, major byte, n int) []byte {
	return binary.BigEndian.AppendUint32(append(out, major<<5|26), uint32(n))
}

func appendText(out []byte, s string) []byte { return append(appendHead(out, 3, len(s)), s...) }

func appendFloat(out []byte, v float64) []byte {
	return binary.BigEndian.AppendUint64(append(out, 0xfb), math.Float64bits(v))
}

var errCBOR = errors.New("this is no CBOR that is understood here")

func decodeMap(in []byte) (map[string]any, error) {
	v, _, err := decode(in, 16)
	m, ok := v.(map[string]any)
	if err == nil && !ok {
		err = errCBOR
	}
	return m, err
}

// decode reads one item: numbers come as float64, what is tagged as what it is without.
func decode(in []byte, depth int) (v any, rest []byte, err error) {
	if len(in) == 0 || depth == 0 {
		return nil, nil, errCBOR
	}
	major, minor := in[0]>>5, in[0]&31
	n, rest, ok := argument(minor, in[1:])
	if !ok {
		return nil, nil, errCBOR
	}
	switch major {
	case 0:
		return float64(n), rest, nil
	case 1:
		return -1 - float64(n), rest, nil
	case 2, 3:
		if n > uint64(len(rest)) {
			return nil, nil, errCBOR
		}
		return string(rest[:n]), rest[n:], nil
	case 4:
		return decodeList(rest, n, minor == 31, depth)
	case 5:
		return decodeFields(rest, n, minor == 31, depth)
	case 6:
		return decode(rest, depth-1)
	}
	switch minor {
	case 26:
		return float64(math.Float32frombits(uint32(n))), rest, nil
	case 27:
		return math.Float64frombits(n), rest, nil
	}
	return nil, rest, nil
}

// argument reads the number in an item's head. 31 stands for a length that is not told.
func argument(minor byte, in []byte) (n uint64, rest []byte, ok bool) {
	if minor < 24 {
		return uint64(minor), in, true
	}
	if minor == 31 {
		return math.MaxUint64, in, true
	}
	size := 1 << (minor - 24)
	if minor > 27 || len(in) < size {
		return 0, nil, false
	}
	for _, b := range in[:size] {
		n = n<<8 | uint64(b)
	}
	return n, in[size:], true
}

const stop = 0xff // ends what has no length

func decodeList(in []byte, n uint64, open bool, depth int) (any, []byte, error) {
	all := []any{}
	for uint64(len(all)) < n {
		if open && len(in) > 0 && in[0] == stop {
			return all, in[1:], nil
		}
		v, rest, err := decode(in, depth-1)
		if err != nil {
			return nil, nil, err
		}
		all, in = append(all, v), rest
	}
	return all, in, nil
}

func decodeFields(in []byte, n uint64, open bool, depth int) (any, []byte, error) {
	all := map[string]any{}
	for i := uint64(0); i < n; i++ {
		if open && len(in) > 0 && in[0] == stop {
			return all, in[1:], nil
		}
		k, rest, err := decode(in, depth-1)
		name, ok := k.(string)
		if err != nil || !ok {
			return nil, nil, errCBOR
		}
		if all[name], in, err = decode(rest, depth-1); err != nil {
			return nil, nil, err
		}
	}
	return all, in, nil
}
