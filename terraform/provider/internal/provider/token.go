package provider

import (
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/ephemeral"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"gazetteer/api/client"
)

// joinToken is a secret that no plan and no state holds.
type joinToken struct{ ephemeralOf }

var _ ephemeral.EphemeralResourceWithValidateConfig = &joinToken{}

func newJoinToken() ephemeral.EphemeralResource { return &joinToken{} }

type joinTokenModel struct {
	Region   types.String `tfsdk:"region"`
	Roles    types.List   `tfsdk:"roles"`
	Uses     types.Int64  `tfsdk:"uses"`
	TTL      types.String `tfsdk:"ttl"`
	Token    types.String `tfsdk:"token"`
	Until    types.String `tfsdk:"until"`
	Contacts types.List   `tfsdk:"contacts"`
}

func (*joinToken) Metadata(_ context.Context, _ ephemeral.MetadataRequest, resp *ephemeral.MetadataResponse) {
	resp.TypeName = "gazetteer_join_token"
}

func (*joinToken) Schema(_ context.Context, _ ephemeral.SchemaRequest, resp *ephemeral.SchemaResponse) {
	resp.Schema = schema.Schema{
		Description: "A token that lets somebody in, held by neither plan nor state. With region: the first server of a region that is expected; each opening makes a new one and ends the one before, and once the region has come there is none (null). Without: processes of the region that the provider is connected to.",
		Attributes: map[string]schema.Attribute{
			"region": schema.StringAttribute{Optional: true, Validators: aRegion(),
				Description: "The id of a gazetteer_region: its name would let the token be asked for before the region is admitted."},
			"roles": schema.ListAttribute{Optional: true, ElementType: types.StringType,
				Description: "What the processes may do: router, region, cluster, replica. All unless given."},
			"uses": schema.Int64Attribute{Optional: true, Validators: whole(1, 1<<31),
				Description: "How many processes may join by it: 1 unless given."},
			"ttl": schema.StringAttribute{Optional: true, Validators: aTime(),
				Description: "How long it is good: 30m unless given, at most 1h. One for a region is good for an hour."},
			"token":    schema.StringAttribute{Computed: true, Sensitive: true, Description: "What the server takes as --token."},
			"until":    schema.StringAttribute{Computed: true, Description: "When it ends (RFC 3339)."},
			"contacts": schema.ListAttribute{Computed: true, ElementType: types.StringType, Description: "What the server takes as --planet, or as --join."},
		},
	}
}

// ValidateConfig refuses what a region's token cannot have.
func (*joinToken) ValidateConfig(ctx context.Context, req ephemeral.ValidateConfigRequest, resp *ephemeral.ValidateConfigResponse) {
	var m joinTokenModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() || m.Region.IsNull() {
		return
	}
	for name, given := range map[string]bool{"roles": !m.Roles.IsNull(), "uses": !m.Uses.IsNull(), "ttl": !m.TTL.IsNull()} {
		if given {
			resp.Diagnostics.AddAttributeError(path.Root(name), "Not for a region", "A region's token is good for one server, of every role, for an hour. Leave it out, or leave region out for a token of further servers.")
		}
	}
}

func (e *joinToken) Open(ctx context.Context, req ephemeral.OpenRequest, resp *ephemeral.OpenResponse) {
	var m joinTokenModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() {
		return
	}
	a, err := e.issue(ctx, &m)
	if err != nil {
		tell(&resp.Diagnostics, "There is no token", err, e.pointed(&m))
		return
	}
	m.hold(&a)
	resp.Diagnostics.Append(resp.Result.Set(ctx, &m)...)
}

func (*joinToken) pointed(m *joinTokenModel) pointed {
	if !m.Region.IsNull() {
		return at(path.Root("region"))
	}
	return asWritten("")
}

// issue returns a token; an empty one for a region that has come.
func (e *joinToken) issue(ctx context.Context, m *joinTokenModel) (client.Admission, error) {
	if !m.Region.IsNull() {
		return e.ofRegion(ctx, m.Region.ValueString())
	}
	i := client.Invitation{Uses: int(m.Uses.ValueInt64())}
	i.TTL, _ = time.ParseDuration(m.TTL.ValueString()) // validated; 0 for the default
	for _, r := range m.Roles.Elements() {
		if s, ok := r.(types.String); ok {
			i.Roles = append(i.Roles, s.ValueString())
		}
	}
	return e.AdmitMember(ctx, i)
}

// ofRegion never has a region expected that is not: plans open tokens, too.
func (e *joinToken) ofRegion(ctx context.Context, name string) (client.Admission, error) {
	g, err := e.Region(ctx, name)
	if isGone(err) {
		return client.Admission{}, fmt.Errorf("no region %s is expected: refer to the id of its gazetteer_region, which is known once it is", name)
	}
	if err != nil || g.State != stateExpected {
		return client.Admission{}, err
	}
	return e.AdmitRegion(ctx, name)
}

// hold takes over what was issued.
func (m *joinTokenModel) hold(a *client.Admission) {
	m.Token, m.Until, m.Contacts = types.StringNull(), types.StringNull(), types.ListNull(types.StringType)
	if a.Token == "" {
		return
	}
	m.Token, m.Until = types.StringValue(a.Token), types.StringValue(a.Until.UTC().Format(time.RFC3339))
	m.Contacts = listOf(a.Contacts)
}
