package control

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"gazetteer"
	"gazetteer/region"
)

// at is when the token tests happen, in milliseconds.
const at = int64(1_800_000_000_000)

// joinWith makes a fresh token for one use, and the command of a node that joins by it.
func joinWith(t testing.TB, m *machine, n gazetteer.NodeID, roles []region.Role) join {
	t.Helper()
	hash, err := hashToken(newToken("fra"), "fra")
	if err != nil {
		t.Fatal(err)
	}
	mustDo(t, m, addToken{Token: joinToken{Hash: hash, Roles: roles, Uses: 1, Expires: at + 1000}, At: at})
	return join{Node: Node{Name: n, Addr: string(n) + ".example:7070", Roles: roles}, Server: string(n) + "/1", Hash: hash, At: at}
}

func TestJoinTokens(t *testing.T) {
	m := founded(t)
	e := joinWith(t, m, "n1", allRoles[1:])
	for _, c := range []struct {
		name string
		edit func(join) join
		says string
	}{
		{"unknown", func(e join) join { e.Hash = strings.Repeat("0", 64); return e }, "is not known here"},
		{"expired", func(e join) join { e.At = at + 1000; return e }, "has expired"},
		{"a clock far behind", func(e join) join { e.At = at - 2*MaxTokenTTL.Milliseconds(); return e }, "has expired"},
		{"other role", func(e join) join { e.Node.Roles = allRoles; return e }, "is not for the role region, only for [cluster replica]"},
	} {
		wantRefusal(t, m, c.edit(e), gazetteer.Denied, c.says)
	}
	part := e
	part.Node.Roles = allRoles[2:]
	mustDo(t, m, part)
	if got := m.member("n1"); got.State != Joining || got.Server != "n1/1" || got.Token != e.Hash[:12] {
		t.Errorf("got %+v", got)
	}
	before := m.epoch()
	mustDo(t, m, part) // the answer was lost: the same process asks again
	if m.epoch() != before {
		t.Error("a repeated request changed the plan")
	}
	again := e
	again.Node.Name, again.Node.Addr, again.Server = "n2", "n2.example:7070", "n2/1"
	wantRefusal(t, m, again, gazetteer.Denied, "has been used up")
	wantRefusal(t, m, e, gazetteer.Denied, "has been used up") // other roles than at first
}

func TestJoiningAsSomebodyElse(t *testing.T) {
	m := founded(t)
	taken := joinWith(t, m, "b", allRoles)
	wantRefusal(t, m, taken, gazetteer.Conflict, `the name "b" is taken by a member that is live`)
	mustDo(t, m, mark{Nodes: ids("b"), State: Dead})
	mustDo(t, m, taken)
	if got := m.member("b"); got.State != Joining || got.Server != "b/1" || got.Addr != "b.example:7070" {
		t.Errorf("a machine that was replaced is %+v", got)
	}
	if got := m.now.Load().plan.Rings("x")[0].Members; len(got) != 2 {
		t.Errorf("its ring has %v: it is still a member", got)
	}
	addr := joinWith(t, m, "n1", allRoles)
	addr.Node.Addr = "10.0.0.1:7070"
	wantRefusal(t, m, addr, gazetteer.Unprocessable, "already an address of the node")
	server := joinWith(t, m, "n2", allRoles)
	server.Server = "a/1"
	wantRefusal(t, m, server, gazetteer.Unprocessable, "belongs to two members")
	name := joinWith(t, m, "No Name", allRoles)
	wantRefusal(t, m, name, gazetteer.Unprocessable, "No Name")
}

func TestTokensOfManyUses(t *testing.T) {
	m := founded(t)
	e := joinWith(t, m, "unused", allRoles[2:])
	many := joinToken{Hash: strings.Repeat("ab", 32), Roles: allRoles, Uses: 3, Expires: at + 1000}
	mustDo(t, m, addToken{Token: many, At: at})
	for i := range 4 {
		e.Node.Name, e.Hash = gazetteer.NodeID(fmt.Sprint("m", i)), many.Hash
		e.Node.Addr, e.Server = string(e.Node.Name)+":1", string(e.Node.Name)+"/1"
		if i < 3 {
			mustDo(t, m, e)
		} else {
			wantRefusal(t, m, e, gazetteer.Denied, "used up")
		}
	}
}

func TestTokensAreBounded(t *testing.T) {
	m := founded(t)
	good := joinToken{Hash: strings.Repeat("cd", 32), Roles: allRoles, Uses: 1, Expires: at + 1000}
	for _, c := range []struct {
		change func(*joinToken)
		says   string
	}{
		{func(k *joinToken) { k.Expires = at + MaxTokenTTL.Milliseconds() + 1 }, "at most 1h"},
		{func(k *joinToken) { k.Expires = at }, "at most 1h"},
		{func(k *joinToken) { k.Uses = 0 }, "0 uses"},
		{func(k *joinToken) { k.Uses = maxTokenUses + 1 }, "1001 uses"},
		{func(k *joinToken) { k.Roles = nil }, "no role"},
		{func(k *joinToken) { k.Roles = []region.Role{"king"} }, `"king" is no role`},
		{func(k *joinToken) { k.Hash = "zz" }, "no hash"},
	} {
		bad := good
		c.change(&bad)
		wantRefusal(t, m, addToken{Token: bad, At: at}, gazetteer.Unprocessable, c.says)
	}
	mustDo(t, m, addToken{Token: good, At: at})
	wantRefusal(t, m, addToken{Token: good, At: at}, gazetteer.Conflict, "known already")
	for i := 1; i < maxTokens; i++ {
		next := good
		next.Hash = fmt.Sprintf("%064x", i)
		mustDo(t, m, addToken{Token: next, At: at})
	}
	next := good
	next.Hash = strings.Repeat("ef", 32)
	wantRefusal(t, m, addToken{Token: next, At: at}, gazetteer.Unprocessable, "at most 100")
	next.Expires += 2000
	mustDo(t, m, addToken{Token: next, At: at + 1500}) // the others have expired by then
	if got := len(m.now.Load().state.Tokens); got != 1 {
		t.Errorf("%d tokens are kept, want 1", got)
	}
	mustDo(t, m, RevokeToken{ID: next.Hash[:12]})
	wantRefusal(t, m, RevokeToken{ID: next.Hash[:12]}, gazetteer.NotFound, "has expired or was revoked")
}

func TestTokenText(t *testing.T) {
	text := newToken("fra-1")
	if text == newToken("fra-1") || !strings.HasPrefix(text, "gzj_fra-1_") {
		t.Errorf("got %s", text)
	}
	hash, err := hashToken(" "+text+"\n", "fra-1")
	if err != nil || len(hash) != 64 || strings.Contains(hash, text[10:20]) {
		t.Errorf("got %q, %v", hash, err)
	}
	if _, err := hashToken(text, "ams"); gazetteer.KindOf(err) != gazetteer.Denied || !strings.Contains(err.Error(), `for the region "fra-1", this is "ams"`) {
		t.Errorf("got %v", err)
	}
	slip := []byte(text)
	slip[15] ^= 1
	for _, bad := range []string{"", "gzj", "gzj_fra-1", text[:len(text)-1], text + "x", string(slip), "gzj_fra-1_x_y_00000000", strings.ToUpper(text)} {
		if _, err := hashToken(bad, "fra-1"); gazetteer.KindOf(err) != gazetteer.Invalid {
			t.Errorf("%q: got %v", bad, err)
		}
	}
	if MaxTokenTTL > time.Hour {
		t.Errorf("a token is good for %v", MaxTokenTTL)
	}
}
