package provider

import (
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"

	"gazetteer"
	"gazetteer/api/client"
)

// States of a region as it is told of.
const (
	stateLive     = "live"
	stateDraining = "draining"
	stateExpected = "expected"
)

// leaving says how a region goes.
type leaving struct {
	DrainTimeout string `tfsdk:"drain_timeout"`
	Force        bool   `tfsdk:"force"`
}

func (l *leaving) within() time.Duration {
	d, _ := time.ParseDuration(l.DrainTimeout) // validated
	return d
}

// setLeaving writes what an import cannot know: the defaults.
func setLeaving(ctx context.Context, s *tfsdk.State) diag.Diagnostics {
	d := s.SetAttribute(ctx, path.Root("drain_timeout"), "5m")
	d.Append(s.SetAttribute(ctx, path.Root("force"), false)...)
	return d
}

const (
	// wordWithin is how long the word that a region drains may take to every server that
	// sends clients there; what comes in meanwhile is waited for, too.
	wordWithin = 2 * time.Second
	// silentMost is how long a region may be silent before a drain is pointless: nobody
	// could learn any more what only it has.
	silentMost = 10 * time.Second
)

// leave drains a region, waits until what it has acknowledged is known here, and removes
// it. A region that is gone already is no error.
func (o *of) leave(ctx context.Context, name string, l *leaving, diags *diag.Diagnostics) {
	g, err := o.Region(ctx, name)
	switch {
	case isGone(err):
		return
	case err != nil:
		tell(diags, "The region cannot be read", err, nowhere)
		return
	case g.Self:
		diags.AddError("A region cannot be removed through itself", "The provider's addr is a server of "+name+". Give the address of another region.")
		return
	case g.State != stateExpected && !o.drained(ctx, name, l, diags):
		return
	}
	if err := o.RemoveRegion(ctx, name, l.Force); ifOther(err) != nil {
		tell(diags, "The region is not removed", err, nowhere)
		return
	}
	o.gone(ctx, name, diags)
}

// drained reports whether the region may be removed: it is drained, or forced.
func (o *of) drained(ctx context.Context, name string, l *leaving, diags *diag.Diagnostics) bool {
	err := o.drain(ctx, name, l.within())
	switch {
	case err == nil:
		return true
	case l.Force:
		diags.AddWarning("The region is removed without being drained", detailOf(err)+"\n\nWhat it has acknowledged and not passed on is lost.")
		return true
	}
	tell(diags, "The region is not removed: it may hold the last copy of something", unforced(err), nowhere)
	return false
}

// unforced adds what an operator can do.
func unforced(err error) error {
	return &gazetteer.Error{Op: "provider.Drain", Kind: gazetteer.KindOf(err), Err: err,
		Detail: detailOf(err) + "\n\nBring its servers back and destroy again. Where they are lost, apply force = true first: what the region has acknowledged and not passed on is then lost for good."}
}

// drain sends a region's clients elsewhere and waits until all that it has acknowledged
// before is known to the region asked: until that one's knowledge is younger than the drain.
func (o *of) drain(ctx context.Context, name string, within time.Duration) error {
	if err := o.DrainRegion(ctx, name); err != nil {
		return err
	}
	var (
		began = time.Now()
		g     client.Region
	)
	caughtUp := func() (bool, error) {
		var err error
		if g, err = o.Region(ctx, name); err != nil {
			return false, err
		}
		if s := g.SilentSeconds; s != nil && seconds(*s) > silentMost {
			return false, &gazetteer.Error{Op: "provider.Drain", Kind: gazetteer.Unavailable, Detail: fmt.Sprintf("%s has been silent for %v", name, seconds(*s).Round(time.Second))}
		}
		return g.LagSeconds != nil && seconds(*g.LagSeconds)+wordWithin < time.Since(began), nil
	}
	return await(ctx, within, caughtUp, func() string { return name + " is drained, but " + behind(&g) })
}

func behind(g *client.Region) string {
	if g.LagSeconds == nil {
		return "nobody here knows how much of its writes is missing"
	}
	return fmt.Sprintf("what is known here of its writes may be %v old", seconds(*g.LagSeconds))
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// gone waits until the region asked lists it no more, so that the next plan is true.
func (o *of) gone(ctx context.Context, name string, diags *diag.Diagnostics) {
	left := func() (bool, error) {
		_, err := o.Region(ctx, name)
		return isGone(err), ifOther(err)
	}
	if err := await(ctx, seenWithin, left, func() string { return "the region is removed, and still listed" }); err != nil {
		tell(diags, "The region's removal is not seen", err, nowhere)
	}
}
