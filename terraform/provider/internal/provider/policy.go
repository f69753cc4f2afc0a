package provider

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"gazetteer/api/client"
)

// policyResource owns the policy of a type, and nothing else of it.
type policyResource struct{ resourceOf }

var (
	_ resource.ResourceWithImportState    = &policyResource{}
	_ resource.ResourceWithValidateConfig = &policyResource{}
)

func newPolicy() resource.Resource { return &policyResource{} }

// policyModel is the policy as it is planned and, but for the type, as it is written.
type policyModel struct {
	Type      string        `tfsdk:"type" json:"-"`
	Pin       []string      `tfsdk:"pin" json:"pin,omitempty"`
	Region    *string       `tfsdk:"region" json:"region,omitempty"`
	Countries []countryRule `tfsdk:"countries" json:"countries,omitempty"`
	Tiers     []tierRule    `tfsdk:"tiers" json:"tiers,omitempty"`
	Beyond    *string       `tfsdk:"beyond_tiers" json:"beyond_tiers,omitempty"`
	Weights   *string       `tfsdk:"weights" json:"weights,omitempty"`
	Bias      []biasRule    `tfsdk:"bias" json:"bias,omitempty"`
	Load      *loadRule     `tfsdk:"load" json:"load,omitempty"`
	Network   *networkRule  `tfsdk:"network" json:"network,omitempty"`
}

type countryRule struct {
	Locations *string  `tfsdk:"locations" json:"locations,omitempty"`
	Allow     []string `tfsdk:"allow" json:"allow,omitempty"`
	Deny      []string `tfsdk:"deny" json:"deny,omitempty"`
}

type tierRule struct {
	Name        string   `tfsdk:"name" json:"name"`
	WithinKM    *float64 `tfsdk:"within_km" json:"within_km,omitempty"`
	SameCountry bool     `tfsdk:"same_country" json:"same_country,omitempty"`
	Locations   *string  `tfsdk:"locations" json:"locations,omitempty"`
}

type biasRule struct {
	Locations *string `tfsdk:"locations" json:"locations,omitempty"`
	Percent   float64 `tfsdk:"percent" json:"percent"`
}

type loadRule struct {
	Label string  `tfsdk:"label" json:"label"`
	From  float64 `tfsdk:"from" json:"from"`
	Full  float64 `tfsdk:"full" json:"full"`
}

type networkRule struct {
	IPv4 int64 `tfsdk:"ipv4" json:"ipv4"`
	IPv6 int64 `tfsdk:"ipv6" json:"ipv6"`
}

func (*policyResource) Metadata(_ context.Context, _ resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = "gazetteer_policy"
}

// ValidateConfig refuses a policy that says nothing: the server would not have it.
func (*policyResource) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	var members map[string]tftypes.Value
	if err := req.Config.Raw.As(&members); err != nil {
		return // not known yet
	}
	for name, v := range members {
		if name != "type" && !v.IsNull() {
			return
		}
	}
	resp.Diagnostics.AddError("The policy says nothing", "Give one of its parts, or remove the resource: a type without a policy is ordered by distance alone.")
}

var errPolicyKnown = errors.New("the type has a policy; import it, or let its owner keep it")

func (r *policyResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	r.write(ctx, req.Plan, &resp.State, &resp.Diagnostics, func(t *client.Type) error {
		if len(t.Policy) > 0 {
			return errPolicyKnown
		}
		return nil
	})
}

func (r *policyResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	r.write(ctx, req.Plan, &resp.State, &resp.Diagnostics, func(*client.Type) error { return nil })
}

func (r *policyResource) write(ctx context.Context, plan tfsdk.Plan, state *tfsdk.State, diags *diagnostics, allowed func(*client.Type) error) {
	var m policyModel
	diags.Append(plan.Get(ctx, &m)...)
	if diags.HasError() {
		return
	}
	r.types.Lock()
	defer r.types.Unlock()
	t, err := r.Type(ctx, m.Type)
	if err == nil {
		err = allowed(&t)
	}
	if err != nil {
		tell(diags, "The policy is not written", err, at(path.Root("type")))
		return
	}
	if t.Policy, err = json.Marshal(&m); err == nil {
		_, err = r.PutType(ctx, t)
	}
	if err != nil {
		tell(diags, "The policy is not written", err, asWritten("/policy"))
		return
	}
	diags.Append(state.Set(ctx, &m)...)
}

func (r *policyResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var name string
	resp.Diagnostics.Append(req.State.GetAttribute(ctx, path.Root("type"), &name)...)
	if resp.Diagnostics.HasError() {
		return
	}
	t, err := r.Type(ctx, name)
	if isGone(err) || err == nil && len(t.Policy) == 0 {
		resp.State.RemoveResource(ctx)
		return
	}
	m := policyModel{Type: name}
	if err == nil {
		err = m.read(t.Policy)
	}
	if err != nil {
		tell(&resp.Diagnostics, "The policy cannot be read", err, nowhere)
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

// read refuses what it does not know: writing the rest back would lose it.
func (m *policyModel) read(text json.RawMessage) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(m); err != nil {
		return fmt.Errorf("it says what this version of the provider does not know; take a newer one: %w", err)
	}
	return nil
}

func (r *policyResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var m policyModel
	resp.Diagnostics.Append(req.State.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() {
		return
	}
	r.types.Lock()
	defer r.types.Unlock()
	t, err := r.Type(ctx, m.Type)
	if err == nil {
		t.Policy = nil
		_, err = r.PutType(ctx, t)
	}
	if ifOther(err) != nil {
		tell(&resp.Diagnostics, "The policy is not removed", err, nowhere)
	}
}

// ImportState takes the name of a type.
func (r *policyResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	resource.ImportStatePassthroughID(ctx, path.Root("type"), req, resp)
}
