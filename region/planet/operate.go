package planet

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"time"

	"gazetteer"
)

// AdmitFor bounds how long a token that lets a region in is good.
const AdmitFor = time.Hour

// Admit expects a new region and returns the token by which it joins, once, within an
// hour. The token is shown here and never again. A region that was removed may be
// admitted again: it then comes back with what it holds.
func (p *Planet) Admit(ctx context.Context, r gazetteer.RegionID) (token string, until time.Time, err error) {
	if err := r.Validate(); err != nil {
		return "", until, err
	}
	all, err := p.directory(ctx)
	if err != nil {
		return "", until, err
	}
	old := find(all, r)
	if r == p.self || old != nil && old.Standing.joined() {
		return "", until, refuse("Admit", gazetteer.Conflict, "", "the region %q is part of the planet already", r)
	}
	if err := p.checkName(ctx, r); err != nil {
		return "", until, err
	}
	token, until = newToken(), p.Now().Add(AdmitFor).Truncate(time.Second)
	return token, until, p.stand(ctx, r, Standing{State: Expected, Token: hashOf(token), Until: until})
}

// checkName refuses the name of a type: regions and types share one name space, so that
// a DNS name says which is meant.
func (p *Planet) checkName(ctx context.Context, r gazetteer.RegionID) error {
	types, err := p.Server.Types(ctx)
	if err != nil {
		return err
	}
	for _, t := range types {
		if string(t.Name) == string(r) {
			return refuse("Admit", gazetteer.Conflict, "", "a type has the name %q, and regions and types share one name space", r)
		}
	}
	return nil
}

// Drain sends clients of a region elsewhere, or back again. Its data stays equal to the
// others' all the time.
func (p *Planet) Drain(ctx context.Context, r gazetteer.RegionID, drain bool) error {
	all, err := p.directory(ctx)
	if err != nil {
		return err
	}
	old, to := find(all, r), Live
	if drain {
		to = Draining
	}
	switch {
	case old == nil || !old.Standing.joined():
		return unknownRegion(r)
	case old.Standing.State == to:
		return nil
	case drain && !othersLive(all, r):
		return refuse("Drain", gazetteer.Conflict, "", "no other region of the planet is live: clients of %q would have nowhere to go", r)
	}
	return p.stand(ctx, r, Standing{State: to})
}

// Remove takes a region out of the planet for good: the others no longer wait for it nor
// send it anything. A region that is not draining is refused unless forced: what it has
// acknowledged and not passed on yet would be lost with it.
func (p *Planet) Remove(ctx context.Context, r gazetteer.RegionID, force bool) error {
	all, err := p.directory(ctx)
	if err != nil {
		return err
	}
	old := find(all, r)
	switch {
	case old == nil || old.Standing.State == Removed:
		return unknownRegion(r)
	case old.Standing.State == Expected:
	case !othersLive(all, r):
		return refuse("Remove", gazetteer.Conflict, "", "%q is the last live region of the planet: nothing would be left", r)
	case old.Standing.State != Draining && !force:
		return refuse("Remove", gazetteer.Conflict, "", "%q is live: what it has acknowledged and not passed on would be lost. Drain it first and wait until its lag is 0, or force it", r)
	}
	return p.stand(ctx, r, Standing{State: Removed})
}

func othersLive(all []Record, r gazetteer.RegionID) bool {
	for i := range all {
		if all[i].Name != r && all[i].Standing.State == Live {
			return true
		}
	}
	return false
}

func unknownRegion(r gazetteer.RegionID) error {
	return refuse("Region", gazetteer.NotFound, "", "the planet has no region %q", r)
}

func newToken() string {
	var b [20]byte
	rand.Read(b[:]) // it never fails, see its documentation
	return "gzr1-" + hex.EncodeToString(b[:])
}

func hashOf(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// opens reports whether a token lets an expected region in now.
func (s Standing) opens(token string, now time.Time) bool {
	same := subtle.ConstantTimeCompare([]byte(hashOf(token)), []byte(s.Token)) == 1
	return s.State == Expected && same && now.Before(s.Until)
}
