package control

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"gazetteer/cluster"
)

// owners is a placement that is written down as the partitions of each ring, such as
// {"a":"0-90,92","b":"91"}: short, and the same text for the same placement.
type owners cluster.Placement

// MarshalJSON writes the partitions of each ring that owns some.
func (o owners) MarshalJSON() ([]byte, error) {
	out := map[string]string{}
	for from := 0; from < len(o); {
		to := from
		for to+1 < len(o) && o[to+1] == o[from] {
			to++
		}
		if before, ok := out[o[from]]; ok {
			out[o[from]] = before + "," + spanText(from, to)
		} else {
			out[o[from]] = spanText(from, to)
		}
		from = to + 1
	}
	return json.Marshal(out)
}

func spanText(from, to int) string {
	if from == to {
		return strconv.Itoa(from)
	}
	return strconv.Itoa(from) + "-" + strconv.Itoa(to)
}

// UnmarshalJSON accepts what names every partition from 0 on once.
func (o *owners) UnmarshalJSON(data []byte) error {
	var said map[string]string
	if err := json.Unmarshal(data, &said); err != nil {
		return err
	}
	out := owners{}
	for ring, text := range said {
		for span := range strings.SplitSeq(text, ",") {
			if err := out.give(ring, span); err != nil {
				return err
			}
		}
	}
	if i := slices.Index(out, ""); i >= 0 {
		return fmt.Errorf("no ring owns partition %d", i)
	}
	*o = out
	return nil
}

func (o *owners) give(ring, text string) error {
	from, to, ok := span(text)
	if !ok || ring == "" {
		return fmt.Errorf("%.40q of the ring %.80q is neither a partition nor a range of them", text, ring)
	}
	if n := int(to) + 1; n > len(*o) {
		*o = append(*o, make(owners, n-len(*o))...)
	}
	for i := from; i <= to; i++ {
		if (*o)[i] != "" {
			return fmt.Errorf("partition %d is owned by both %.80q and %.80q", i, (*o)[i], ring)
		}
		(*o)[i] = ring
	}
	return nil
}
