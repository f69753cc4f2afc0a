package provider

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/float64planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"gazetteer/api/client"
)

// arrivalResource stands between a region's servers and whatever needs the region. What
// Terraform destroys first is what depends on others: the servers depend on the region's
// admission, so the region cannot be what drains before they end. Its arrival can.
type arrivalResource struct{ resourceOf }

var _ resource.ResourceWithImportState = &arrivalResource{}

func newArrival() resource.Resource { return &arrivalResource{} }

type arrivalModel struct {
	Region string        `tfsdk:"region"`
	Within string        `tfsdk:"within"`
	Waited types.Float64 `tfsdk:"waited_seconds"`
	leaving
}

func (*arrivalResource) Metadata(_ context.Context, _ resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = "gazetteer_region_arrival"
}

func (*arrivalResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{
		Description: "That a region has come. Creating it waits until the region is live and linked by the tree; destroying it drains and removes the region while its servers still run. Let it depend on what runs the servers.",
		Attributes: with(leavingAttributes(), map[string]schema.Attribute{
			"region": schema.StringAttribute{
				Required: true, Validators: aRegion(), PlanModifiers: []planmodifier.String{stringplanmodifier.RequiresReplace()},
				Description: "The id of a gazetteer_region.",
			},
			"within": schema.StringAttribute{
				Optional: true, Computed: true, Default: stringdefault.StaticString("5m"), Validators: aTime(),
				Description: "How long the region may take to come.",
			},
			"waited_seconds": schema.Float64Attribute{
				Computed: true, PlanModifiers: []planmodifier.Float64{float64planmodifier.UseStateForUnknown()},
				Description: "How long it took; unknown of a region that was imported.",
			},
		}),
	}
}

func (r *arrivalResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var m arrivalModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() {
		return
	}
	began := time.Now()
	if err := r.arrived(ctx, &m); err != nil {
		tell(&resp.Diagnostics, "The region has not come", err, at(path.Root("region")))
		return
	}
	m.Waited = types.Float64Value(time.Since(began).Round(time.Millisecond).Seconds())
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

// arrived waits until the region is live and an edge of the tree leads to it. It asks only
// the region that the provider is connected to.
func (r *arrivalResource) arrived(ctx context.Context, m *arrivalModel) error {
	within, _ := time.ParseDuration(m.Within) // validated
	if _, err := r.Region(ctx, m.Region); err != nil {
		return err
	}
	state := "not listed any more"
	inTree := func() (bool, error) {
		t, err := r.Topology(ctx)
		state = stateIn(&t, m.Region, state)
		return err == nil && state == stateLive && linked(&t, m.Region), err
	}
	return await(ctx, within, inTree, func() string { return "the region is " + state + "; its servers' logs say what keeps them" })
}

func stateIn(t *client.Topology, name, otherwise string) string {
	for _, g := range t.Regions {
		if g.Name == name {
			return g.State
		}
	}
	return otherwise
}

func linked(t *client.Topology, name string) bool {
	for _, e := range t.Edges {
		if e.Tree && (e.A == name || e.B == name) {
			return true
		}
	}
	return false
}

func (r *arrivalResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var name string
	resp.Diagnostics.Append(req.State.GetAttribute(ctx, path.Root("region"), &name)...)
	if resp.Diagnostics.HasError() {
		return
	}
	g, err := r.Region(ctx, name)
	if isGone(err) || err == nil && g.State == stateExpected {
		resp.State.RemoveResource(ctx)
		return
	}
	if err != nil {
		tell(&resp.Diagnostics, "The region cannot be read", err, nowhere)
	}
}

// Update has nothing to do on the planet: what can change says how to wait.
func (r *arrivalResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var m arrivalModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() {
		return
	}
	if m.Waited.IsUnknown() { // of an import
		m.Waited = types.Float64Null()
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

func (r *arrivalResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var m arrivalModel
	resp.Diagnostics.Append(req.State.Get(ctx, &m)...)
	if !resp.Diagnostics.HasError() {
		r.leave(ctx, m.Region, &m.leaving, &resp.Diagnostics)
	}
}

// ImportState takes the name of a region.
func (r *arrivalResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("region"), req.ID)...)
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("within"), "5m")...)
	resp.Diagnostics.Append(setLeaving(ctx, &resp.State)...)
}
