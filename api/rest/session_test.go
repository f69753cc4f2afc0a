package rest

import (
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"strings"
	"testing"
	"time"

	"gazetteer"
	"gazetteer/api/rest/problem"
	"gazetteer/region"
	"gazetteer/ring"
)

// shownOf is a token of n entries.
func shownOf(n int) (t ring.Token) {
	for i := range n {
		h := ring.Holding{Partition: gazetteer.Partition{Type: "ndt", Index: uint32(i)}}
		at := gazetteer.Position{Origin: gazetteer.Origin{Store: 1 << 63, Incarnation: 1 << 63}, Seq: 1 << 63}
		t = h.Shown(t, []gazetteer.Update{{Position: at, Stamp: gazetteer.Stamp{Clock: gazetteer.Clock(i + 1)}}})
	}
	return t
}

func TestSessionsComeBackAsTheyWere(t *testing.T) {
	for _, n := range []int{0, 1, 2, 63, 64} {
		want := shownOf(n)
		text := encodeSession(7, want)
		got, err := decodeSession(7, text)
		if err != nil || !got.Equal(want) || len(text) > 4<<10 || strings.ContainsAny(text, "+/= ") {
			t.Errorf("%d entries, %d bytes: %v", n, len(text), err)
		}
	}
}

func TestBadSessionsAreRefused(t *testing.T) {
	good := encodeSession(0, shownOf(2))
	raw, _ := base64.RawURLEncoding.DecodeString(good)
	sealed := func(change func(b []byte) []byte) string {
		b := change(append([]byte(nil), raw[:len(raw)-8]...))
		return base64.RawURLEncoding.EncodeToString(binary.BigEndian.AppendUint64(b, gazetteer.HashBytes(b)))
	}
	changed := append([]byte(nil), raw...)
	changed[12] ^= 1
	x := start(t, nil)
	x.do("PUT", one, threeLocations).want(201)
	for name, bad := range map[string]string{
		"empty": "", "no token": "new", "not base64": "!!!!", "cut": good[:len(good)-4], "cut short": good[:5],
		"changed": base64.RawURLEncoding.EncodeToString(changed), "padded": good + "==", "too long": strings.Repeat("A", 1<<13),
		"of another planet":  encodeSession(1, shownOf(2)),
		"of another format":  sealed(func(b []byte) []byte { b[0] = 9; return b }),
		"of an older inside": sealed(func(b []byte) []byte { b[9] = 99; return b }),
		"with more behind":   sealed(func(b []byte) []byte { return append(b, 0) }),
		"of nothing":         sealed(func(b []byte) []byte { return b[:9] }),
	} {
		for _, r := range []struct{ method, path, body string }{
			{"GET", one, ""}, {"GET", "/v1/resolve/ndt/one", ""}, {"GET", "/v1/types/ndt/resources", ""},
			{"POST", "/v1/resolve", `{"queries":[{"type":"ndt","id":"one"}]}`}, {"PUT", one, threeLocations}, {"DELETE", one, ""},
		} {
			headers := []string{"Gazetteer-Session: " + bad}
			if r.body != "" {
				headers = append(headers, "Content-Type: application/json")
			}
			p := x.do(r.method, r.path, r.body, headers...).problem(problem.InvalidSession)
			if len(p.Errors) != 1 || p.Errors[0].Pointer != sessionHeader {
				t.Errorf("%s, %s %s: %+v", name, r.method, r.path, p)
			}
		}
	}
}

// The tokens of calls that were under way at once count together.
func TestManyTokensAreOneSession(t *testing.T) {
	x := start(t, nil)
	r := &http.Request{Header: http.Header{}}
	var want ring.Token
	for i := range sessionsMax {
		r.Header.Add(sessionHeader, encodeSession(0, shownOf(i+1)))
		want = want.Merge(shownOf(i + 1))
	}
	if got, err := x.handler.sessionIn(r); err != nil || !got.Equal(want) {
		t.Errorf("%v", err)
	}
	r.Header.Add(sessionHeader, encodeSession(0, want))
	if _, err := x.handler.sessionIn(r); gazetteer.KindOf(err) != gazetteer.Invalid {
		t.Errorf("one more: %v", err)
	}
}

func TestASessionBehindIs504(t *testing.T) {
	x := start(t, nil)
	x.do("PUT", one, threeLocations).want(201)
	x.regional.Behind = region.IsBehind(gazetteer.Partition{Type: "ndt", Index: 3}, ring.Lack{Updates: 12, Positions: make(gazetteer.Vector, 2)})
	session := "Gazetteer-Session: " + encodeSession(0, shownOf(1))
	for _, path := range []string{one, "/v1/resolve/ndt/one"} {
		x.do("GET", path, "").want(200)
		p := x.do("GET", path, "", session).problem(problem.SessionBehind)
		if p.Status != http.StatusGatewayTimeout || !strings.Contains(p.Detail, "12 updates behind, of 2 origins") {
			t.Errorf("%s: %+v", path, p)
		}
	}
}

func TestAnswersSayHowOldTheyMayBe(t *testing.T) {
	x := start(t, nil)
	x.do("PUT", one, threeLocations).want(201)
	x.regional.Stale = 1500 * time.Millisecond
	for _, path := range []string{one, one + "/locations/ams", "/v1/types/ndt/resources"} {
		r := x.do("GET", path, "").want(200)
		list := strings.HasSuffix(path, "/resources")
		if r.header.Get("Gazetteer-Staleness") != "1.500" || strings.Contains(r.body, `"staleness_seconds":1.500}`) != list {
			t.Errorf("%s: %v %s", path, r.header, r.body)
		}
	}
	x.do("GET", one+"?max_stale=2s", "").want(200)
	x.do("GET", one+"?max_stale=1s", "").problem(problem.Unavailable)
	x.do("GET", one+"?max_stale=0", "").problem(problem.InvalidParameter)
	x.do("GET", one+"?deadline=1h", "").problem(problem.InvalidParameter)
}
