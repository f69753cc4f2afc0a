package provider

import (
	"context"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"gazetteer"
	"gazetteer/api/client"
)

// recordResource is the whole record of a resource: attributes and all locations.
type recordResource struct{ resourceOf }

var (
	_ resource.ResourceWithImportState    = &recordResource{}
	_ resource.ResourceWithValidateConfig = &recordResource{}
)

func newResource() resource.Resource { return &recordResource{} }

func (*recordResource) Metadata(_ context.Context, _ resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = "gazetteer_resource"
}

// ValidateConfig refuses a record of nothing: a resource exists while it has attributes or
// a location.
func (*recordResource) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	var (
		attributes types.String
		locations  types.Map
	)
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root("attributes"), &attributes)...)
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root("locations"), &locations)...)
	if attributes.IsNull() && locations.IsNull() {
		resp.Diagnostics.AddAttributeError(path.Root("locations"), "A resource of nothing", "A resource has attributes or at least one location.")
	}
}

func (r *recordResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var m recordModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() {
		return
	}
	w, err := r.Put(ctx, m.document(), client.WriteOptions{Create: true, Ack: orZero(m.Ack)})
	if gazetteer.KindOf(err) == gazetteer.Precondition {
		resp.Diagnostics.AddAttributeError(path.Root("id"), "The resource exists", "Import "+m.Type+"/"+m.ID+", or take another id.")
		return
	}
	if err != nil {
		tell(&resp.Diagnostics, "The resource is not written", err, m.pointed)
		return
	}
	m.written(&w, &resp.Diagnostics)
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

// Update changes what the plan was made of, or nothing: a record that was written by
// somebody since is not overwritten.
func (r *recordResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var m, before recordModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &before)...)
	if resp.Diagnostics.HasError() {
		return
	}
	w, err := r.Put(ctx, m.document(), client.WriteOptions{IfMatch: before.Version.ValueString(), Ack: orZero(m.Ack)})
	if lostRace(err) {
		overtaken(&m, &resp.Diagnostics)
		return
	}
	if err != nil {
		tell(&resp.Diagnostics, "The resource is not written", err, m.pointed)
		return
	}
	m.written(&w, &resp.Diagnostics)
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

func lostRace(err error) bool {
	return gazetteer.KindOf(err) == gazetteer.Precondition || isGone(err)
}

func overtaken(m *recordModel, diags *diagnostics) {
	diags.AddError("The resource has been changed since the plan", m.Type+"/"+m.ID+" is not what the plan was made of: somebody has written it meanwhile. Plan again and look at the difference.")
}

func (m *recordModel) written(w *client.Written, diags *diagnostics) {
	m.Version = types.StringValue(w.Version)
	if w.Short {
		diags.AddAttributeWarning(path.Root("ack"), "Not stored as widely as asked yet", m.Type+"/"+m.ID+" is stored, and travels on when the others can be reached.")
	}
}

func (r *recordResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var m recordModel
	resp.Diagnostics.Append(req.State.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() {
		return
	}
	d, err := r.Get(ctx, m.Type, m.ID)
	if isGone(err) {
		resp.State.RemoveResource(ctx)
		return
	}
	if err != nil {
		tell(&resp.Diagnostics, "The resource cannot be read", err, nowhere)
		return
	}
	m.take(&d)
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

func (r *recordResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var m recordModel
	resp.Diagnostics.Append(req.State.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() {
		return
	}
	_, err := r.Client.Delete(ctx, m.Type, m.ID, client.WriteOptions{IfMatch: m.Version.ValueString(), Ack: orZero(m.Ack)})
	switch {
	case gazetteer.KindOf(err) == gazetteer.Precondition:
		r.refuseUnlessGone(ctx, &m, &resp.Diagnostics)
	case ifOther(err) != nil:
		tell(&resp.Diagnostics, "The resource is not removed", err, nowhere)
	}
}

// refuseUnlessGone tells one that was removed meanwhile from one that was written.
func (r *recordResource) refuseUnlessGone(ctx context.Context, m *recordModel, diags *diagnostics) {
	if _, err := r.Get(ctx, m.Type, m.ID); !isGone(err) {
		overtaken(m, diags)
	}
}

// ImportState takes TYPE/ID; a type has no slash, an id may.
func (r *recordResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	t, id, ok := strings.Cut(req.ID, "/")
	if !ok || gazetteer.Type(t).Validate() != nil || gazetteer.ID(id).Validate() != nil {
		resp.Diagnostics.AddError("Not the name of a resource", "Import takes TYPE/ID, such as mirror/debian.")
		return
	}
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("type"), t)...)
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("id"), id)...)
}
