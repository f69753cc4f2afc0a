package provider

import (
	"context"
	"errors"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/float64default"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"gazetteer/api/client"
)

// regionResource is the planet's word that a region is one of it.
type regionResource struct{ resourceOf }

var (
	_ resource.ResourceWithModifyPlan  = &regionResource{}
	_ resource.ResourceWithImportState = &regionResource{}
)

func newRegion() resource.Resource { return &regionResource{} }

type regionModel struct {
	ID       types.String `tfsdk:"id"`
	Name     string       `tfsdk:"name"`
	BiasMS   float64      `tfsdk:"bias_ms"`
	Draining bool         `tfsdk:"draining"`
	leaving
}

func (*regionResource) Metadata(_ context.Context, _ resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = "gazetteer_region"
}

// biasMost is the largest bias that a region takes, in milliseconds; it is agreed on to the
// microsecond.
const biasMost = 1000

func (*regionResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{
		Description: "A region of the planet. Creating it admits the region: it is expected until its first server joins with a token of the ephemeral resource gazetteer_join_token. Destroying it drains the region, waits until all that it has acknowledged is known elsewhere, and removes it for good.",
		Attributes: with(leavingAttributes(), map[string]schema.Attribute{
			"id": schema.StringAttribute{
				Computed: true, PlanModifiers: []planmodifier.String{stringplanmodifier.UseStateForUnknown()},
				Description: "The name, known once the region is admitted. Refer to it where the region must be expected first.",
			},
			"name": schema.StringAttribute{
				Required: true, Validators: aRegion(), PlanModifiers: []planmodifier.String{stringplanmodifier.RequiresReplace()},
				Description: "A DNS label. Regions and types share one name space.",
			},
			"bias_ms": schema.Float64Attribute{
				Optional: true, Computed: true, Default: float64default.StaticFloat64(0),
				Validators:  []validator.Float64{between{-biasMost, biasMost, 0.001}},
				Description: "By how many milliseconds the region is farther for every client, or nearer if negative.",
			},
			"draining": schema.BoolAttribute{
				Optional: true, Computed: true, Default: booldefault.StaticBool(false),
				Description: "Whether clients are sent to other regions. Ignore changes of it where operators drain by other means.",
			},
		}),
	}
}

// leavingAttributes say how a region goes; see leaving.
func leavingAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"drain_timeout": schema.StringAttribute{
			Optional: true, Computed: true, Default: stringdefault.StaticString("5m"), Validators: aTime(),
			Description: "How long a destroy waits until what the region has acknowledged is known elsewhere.",
		},
		"force": schema.BoolAttribute{
			Optional: true, Computed: true, Default: booldefault.StaticBool(false),
			Description: "Whether the region is removed also when that cannot be seen: what it has acknowledged and not passed on is then lost. Apply it before the destroy.",
		},
	}
}

func with(all, more map[string]schema.Attribute) map[string]schema.Attribute {
	for name, a := range more {
		all[name] = a
	}
	return all
}

// ModifyPlan refuses what cannot be applied: a region has to come before it can drain.
func (*regionResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if !req.State.Raw.IsNull() || req.Plan.Raw.IsNull() {
		return
	}
	var draining types.Bool
	resp.Diagnostics.Append(req.Plan.GetAttribute(ctx, path.Root("draining"), &draining)...)
	if draining.ValueBool() {
		resp.Diagnostics.AddAttributeError(path.Root("draining"), "The region has not come yet", "A region is drained after it has joined: leave the argument out until then.")
	}
}

func (r *regionResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var m regionModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() {
		return
	}
	name := path.Root("name")
	g, err := r.admit(ctx, m.Name)
	if err != nil {
		tell(&resp.Diagnostics, "The region is not admitted", err, at(name))
		return
	}
	m.ID = types.StringValue(m.Name)
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
	if m.BiasMS != g.BiasMS { // also of one that was removed with another bias
		r.weigh(ctx, &m, resp)
	}
}

func (r *regionResource) weigh(ctx context.Context, m *regionModel, resp *resource.CreateResponse) {
	if err := r.BiasRegion(ctx, m.Name, m.BiasMS); err != nil {
		tell(&resp.Diagnostics, "The region is admitted, but has no bias", err, asWritten(""))
		return
	}
	r.settled(ctx, m, func(err error) { tell(&resp.Diagnostics, "The bias is not seen", err, nowhere) })
}

var errKnown = errors.New("the planet has a region of this name; import it, or take another name")

// admit has a region expected that there is not yet. The token that comes with it is
// dropped: it would be in the state; gazetteer_join_token makes another one.
func (r *regionResource) admit(ctx context.Context, name string) (g client.Region, err error) {
	if _, err := r.Region(ctx, name); !isGone(err) {
		return g, orErr(err, errKnown)
	}
	if _, err := r.AdmitRegion(ctx, name); err != nil {
		return g, err
	}
	known := func() (bool, error) {
		g, err = r.Region(ctx, name)
		return err == nil, ifOther(err)
	}
	wait := await(ctx, seenWithin, known, func() string { return "the region is admitted, and still not listed" })
	return g, wait
}

// orErr returns the error, if there is none another one.
func orErr(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

// ifOther returns an error unless it says that there is nothing.
func ifOther(err error) error {
	if isGone(err) {
		return nil
	}
	return err
}

func (r *regionResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var name string
	resp.Diagnostics.Append(req.State.GetAttribute(ctx, path.Root("name"), &name)...)
	if resp.Diagnostics.HasError() {
		return
	}
	g, err := r.Region(ctx, name)
	if isGone(err) {
		resp.State.RemoveResource(ctx)
		return
	}
	if err != nil {
		tell(&resp.Diagnostics, "The region cannot be read", err, nowhere)
		return
	}
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("id"), name)...)
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("bias_ms"), g.BiasMS)...)
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("draining"), g.State == stateDraining)...)
}

func (r *regionResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var m, before regionModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &before)...)
	if resp.Diagnostics.HasError() {
		return
	}
	if err := r.change(ctx, &before, &m); err != nil {
		tell(&resp.Diagnostics, "The region is not changed", err, asWritten(""))
		return
	}
	r.settled(ctx, &m, func(err error) { tell(&resp.Diagnostics, "The change is not seen", err, nowhere) })
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

func (r *regionResource) change(ctx context.Context, from, to *regionModel) error {
	if from.BiasMS != to.BiasMS {
		if err := r.BiasRegion(ctx, to.Name, to.BiasMS); err != nil {
			return err
		}
	}
	switch {
	case to.Draining && !from.Draining:
		return r.DrainRegion(ctx, to.Name)
	case from.Draining && !to.Draining:
		return r.UndrainRegion(ctx, to.Name)
	}
	return nil
}

// settled waits until the region asked shows what it has been told.
func (r *regionResource) settled(ctx context.Context, m *regionModel, failed func(error)) {
	var g client.Region
	same := func() (ok bool, err error) {
		g, err = r.Region(ctx, m.Name)
		return g.BiasMS == m.BiasMS && (g.State == stateDraining) == m.Draining, err
	}
	err := await(ctx, seenWithin, same, func() string { return fmt.Sprintf("it is %s, and its bias %v ms", g.State, g.BiasMS) })
	if err != nil {
		failed(err)
	}
}

func (r *regionResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var m regionModel
	resp.Diagnostics.Append(req.State.Get(ctx, &m)...)
	if !resp.Diagnostics.HasError() {
		r.leave(ctx, m.Name, &m.leaving, &resp.Diagnostics)
	}
}

// ImportState takes the name of a region.
func (r *regionResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("name"), req.ID)...)
	resp.Diagnostics.Append(setLeaving(ctx, &resp.State)...)
}
