package pb

import (
	"bytes"
	"testing"
	"time"
)

func TestHealthBodyIsWhatTheSchemaSays(t *testing.T) {
	for _, want := range []HealthBody{
		{},
		{Down: true},
		{Term: 30 * time.Second, Since: 1_700_000_000_123},
		{Down: true, Term: 24 * time.Hour, Since: 1},
	} {
		body := AppendHealth(nil, &want)
		if got, err := DecodeHealth(body); err != nil || got != want {
			t.Errorf("got %+v (%v), want %+v", got, err, want)
		}
		schema := Health{Down: want.Down, TermMillis: uint64(want.Term / time.Millisecond), SinceUnixMilli: uint64(want.Since)}
		if canonical, err := schema.MarshalVT(); err != nil || !bytes.Equal(canonical, body) {
			t.Errorf("the schema writes %x, we write %x (%v)", canonical, body, err)
		}
	}
}

func FuzzDecodeHealth(f *testing.F) {
	f.Add(AppendHealth(nil, &HealthBody{Down: true, Term: time.Minute, Since: 5}))
	f.Add([]byte{0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01})
	f.Fuzz(func(t *testing.T, body []byte) {
		h, err := DecodeHealth(body)
		if err != nil {
			return
		}
		if again, err := DecodeHealth(AppendHealth(nil, &h)); err != nil || again != h || h.Term < 0 || h.Since < 0 {
			t.Errorf("%x is read as %+v, then as %+v (%v)", body, h, again, err)
		}
	})
}
