// Package provider makes a planet of Gazetteer a provider of Terraform: what operators and
// publishers say to it over REST, as resources that are planned, applied and compared with
// what there is.
package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

type gazetteerProvider struct{}

var _ provider.ProviderWithEphemeralResources = gazetteerProvider{}

// New returns the provider.
func New() provider.Provider { return gazetteerProvider{} }

func (gazetteerProvider) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = "gazetteer"
}

func (gazetteerProvider) Schema(_ context.Context, _ provider.SchemaRequest, resp *provider.SchemaResponse) {
	resp.Schema = schema.Schema{
		Description: "A planet of Gazetteer: its regions, types, policies and resources.",
		Attributes: map[string]schema.Attribute{
			"addr": schema.StringAttribute{
				Optional:    true,
				Description: "URL of a regional server, such as http://127.0.0.1:8080; else GAZETTEER_ADDR says it. A region cannot be removed through itself.",
			},
			"more_addrs": schema.ListAttribute{
				Optional: true, ElementType: types.StringType,
				Description: "Further addresses, of other regions or of routers. What the first does not take goes to them.",
			},
			"token": schema.StringAttribute{
				Optional: true, Sensitive: true,
				Description: "API token, sent as bearer token; else GAZETTEER_TOKEN says it. It goes over TLS, or to this machine.",
			},
			"ca_file": schema.StringAttribute{
				Optional:    true,
				Description: "File (PEM) of the authorities that the server's certificate may be from; else GAZETTEER_CACERT says it, else the system knows them.",
			},
		},
	}
}

// settings are the configuration of the provider as it is written.
type settings struct {
	Addr   types.String `tfsdk:"addr"`
	More   types.List   `tfsdk:"more_addrs"`
	Token  types.String `tfsdk:"token"`
	CAFile types.String `tfsdk:"ca_file"`
}

func (gazetteerProvider) Configure(ctx context.Context, req provider.ConfigureRequest, resp *provider.ConfigureResponse) {
	var s settings
	resp.Diagnostics.Append(req.Config.Get(ctx, &s)...)
	for name, unknown := range map[string]bool{
		"addr": s.Addr.IsUnknown(), "more_addrs": s.More.IsUnknown(), "token": s.Token.IsUnknown(), "ca_file": s.CAFile.IsUnknown(),
	} {
		if unknown {
			resp.Diagnostics.AddAttributeError(path.Root(name), "Not known yet",
				"The provider needs it before anything is created. Give a value that does not depend on resources of the same run, or apply those first with -target.")
		}
	}
	if resp.Diagnostics.HasError() {
		return
	}
	d := door{addr: orEnv(s.Addr, "GAZETTEER_ADDR"), token: orEnv(s.Token, "GAZETTEER_TOKEN"), caFile: orEnv(s.CAFile, "GAZETTEER_CACERT")}
	resp.Diagnostics.Append(s.More.ElementsAs(ctx, &d.more, false)...)
	p := d.open(&resp.Diagnostics)
	resp.ResourceData, resp.DataSourceData, resp.EphemeralResourceData = p, p, p
}

func (gazetteerProvider) Resources(context.Context) []func() resource.Resource {
	return []func() resource.Resource{newRegion, newArrival, newType, newPolicy, newResource}
}

func (gazetteerProvider) DataSources(context.Context) []func() datasource.DataSource {
	return []func() datasource.DataSource{newTopology, newRegions, newResolve}
}

func (gazetteerProvider) EphemeralResources(context.Context) []func() ephemeral.EphemeralResource {
	return []func() ephemeral.EphemeralResource{newJoinToken}
}
