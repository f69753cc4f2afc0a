package control

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
	"time"

	"gazetteer"
	"gazetteer/region"
)

const (
	// MaxTokenTTL is how long a join token is good for at most.
	MaxTokenTTL = time.Hour
	// maxTokenUses is how many processes one token lets in at most.
	maxTokenUses = 1000
	// tokenSkew is how far the clocks of two leaders may differ: a token that would be
	// good for longer than MaxTokenTTL plus this is not believed.
	tokenSkew = time.Minute

	tokenMark      = "gzj"
	tokenBytes     = 32
	tokenHashBytes = sha256.Size
)

// TokenSpec says what a join token is good for.
type TokenSpec struct {
	Roles []region.Role
	TTL   time.Duration
	Uses  int
}

// joinToken is what the region remembers of a join token: not the secret, which nobody can
// find from this.
type joinToken struct {
	Hash    string        `json:"hash"`    // of its text, hexadecimal
	Roles   []region.Role `json:"roles"`   // a process may join with these, or some of them
	Expires int64         `json:"expires"` // milliseconds since 1970
	Uses    int           `json:"uses"`    // left
}

// id names a token in logs and in the plan.
func (t *joinToken) id() string { return t.Hash[:12] }

func (t *joinToken) check(at string) error {
	if len(t.Roles) == 0 {
		return bad(at+"/roles", "a join token for no role lets nobody in; give it some of %s", roleNames())
	}
	for _, r := range t.Roles {
		if !slices.Contains(roles, r) {
			return bad(at+"/roles", "%q is no role; roles are %s", r, roleNames())
		}
	}
	if t.Uses < 0 || t.Uses > maxTokenUses {
		return bad(at+"/uses", "%d uses, want 1 to %d", t.Uses, maxTokenUses)
	}
	return nil
}

// admit reports why a token does not let a process in.
func (t *joinToken) admit(e join) error {
	left := t.Expires - e.At
	switch {
	case t.Uses <= 0:
		return refuse(gazetteer.Denied, "/token", "the join token %s has been used up; make a new one", t.id())
	case left <= 0 || left > (MaxTokenTTL+tokenSkew).Milliseconds():
		return refuse(gazetteer.Denied, "/token", "the join token %s has expired; make a new one", t.id())
	}
	for _, r := range e.Node.Roles {
		if !slices.Contains(t.Roles, r) {
			return refuse(gazetteer.Denied, "/token", "the join token %s is not for the role %s, only for %v", t.id(), r, t.Roles)
		}
	}
	return nil
}

func (s *state) token(hash string) *joinToken {
	i := slices.IndexFunc(s.Tokens, func(t joinToken) bool { return t.Hash == hash })
	if i < 0 {
		return nil
	}
	return &s.Tokens[i]
}

// addToken makes a join token known, and forgets those that have expired.
type addToken struct {
	Token joinToken `json:"token"`
	At    int64     `json:"at"` // the leader's clock, in milliseconds since 1970
}

func (addToken) kind() string  { return "add-token" }
func (addToken) guarded() bool { return false }

func (e addToken) edit(s *state) (bool, error) {
	if left := e.Token.Expires - e.At; left <= 0 || left > MaxTokenTTL.Milliseconds() {
		return false, refuse(gazetteer.Unprocessable, "/token/expires", "a join token is good for at most %v", MaxTokenTTL)
	}
	if e.Token.Uses < 1 {
		return false, refuse(gazetteer.Unprocessable, "/token/uses", "%d uses, want 1 to %d", e.Token.Uses, maxTokenUses)
	}
	s.Tokens = slices.DeleteFunc(s.Tokens, func(t joinToken) bool { return t.Expires <= e.At })
	if s.token(e.Token.Hash) != nil {
		return false, refuse(gazetteer.Conflict, "/token", "this join token is known already")
	}
	s.Tokens = append(s.Tokens, e.Token)
	slices.SortFunc(s.Tokens, func(a, b joinToken) int { return strings.Compare(a.Hash, b.Hash) })
	return false, nil
}

// RevokeToken makes a join token worthless. The id is the one that stands in the plan
// beside those whom it let in.
type RevokeToken struct {
	ID string `json:"id"`
}

func (RevokeToken) kind() string  { return "revoke-token" }
func (RevokeToken) guarded() bool { return false }

func (e RevokeToken) edit(s *state) (bool, error) {
	i := slices.IndexFunc(s.Tokens, func(t joinToken) bool { return t.id() == e.ID })
	if i < 0 {
		return false, refuse(gazetteer.NotFound, "/id", "no join token %.80q is known: it has expired or was revoked", e.ID)
	}
	s.Tokens = slices.Delete(s.Tokens, i, i+1)
	return false, nil
}

// newToken returns the text of a join token: a mark that secret scanners can find, the
// region, 256 random bits, and a checksum that catches a slip of the pen.
func newToken(r gazetteer.RegionID) string {
	secret := make([]byte, tokenBytes)
	rand.Read(secret)
	text := tokenMark + "_" + string(r) + "_" + strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(secret))
	return text + "_" + tokenSum(text)
}

func tokenSum(text string) string { return fmt.Sprintf("%08x", crc32.ChecksumIEEE([]byte(text))) }

// hashToken returns the hash under which a token is known. Nothing else of it is kept or
// passed on; a hash of so many random bits needs no salt and no slowness.
func hashToken(text string, own gazetteer.RegionID) (string, error) {
	text = strings.TrimSpace(text)
	body, sum, _ := cutLast(text, "_")
	parts := strings.Split(body, "_")
	if len(parts) != 3 || parts[0] != tokenMark || tokenSum(body) != sum {
		return "", refuse(gazetteer.Invalid, "/token", "this is no join token, or not all of one: copy it whole, from %s_ to its last character", tokenMark)
	}
	if parts[1] != string(own) {
		return "", refuse(gazetteer.Denied, "/token", "the join token is for the region %.80q, this is %q", parts[1], own)
	}
	h := sha256.Sum256([]byte(text))
	return hex.EncodeToString(h[:]), nil
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}
