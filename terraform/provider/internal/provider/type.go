package provider

import (
	"context"
	"errors"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/float64default"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64default"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"gazetteer/api/client"
)

// typeResource is a type but for its policy, which is policyResource's.
type typeResource struct{ resourceOf }

var _ resource.ResourceWithImportState = &typeResource{}

func newType() resource.Resource { return &typeResource{} }

type typeModel struct {
	Name       string       `tfsdk:"name"`
	Mode       string       `tfsdk:"mode"`
	TTLSeconds int64        `tfsdk:"ttl_seconds"`
	Redirect   bool         `tfsdk:"redirect"`
	Health     *checksModel `tfsdk:"health"`
}

type checksModel struct {
	Kind            string        `tfsdk:"kind"`
	IntervalSeconds float64       `tfsdk:"interval_seconds"`
	TimeoutSeconds  types.Float64 `tfsdk:"timeout_seconds"`
	Path            *string       `tfsdk:"path"`
	Port            *int64        `tfsdk:"port"`
	Rise            int64         `tfsdk:"rise"`
	Fall            int64         `tfsdk:"fall"`
}

func (*typeResource) Metadata(_ context.Context, _ resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = "gazetteer_type"
}

func (*typeResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{
		Description: "A type of resources. Its policy is a resource of its own, gazetteer_policy, and left alone here. Only an empty type can be destroyed.",
		Attributes: map[string]schema.Attribute{
			"name": schema.StringAttribute{
				Required: true, Validators: aType(), PlanModifiers: []planmodifier.String{stringplanmodifier.RequiresReplace()},
				Description: "A DNS label. Types and regions share one name space.",
			},
			"mode": schema.StringAttribute{
				Optional: true, Computed: true, Default: stringdefault.StaticString("multi"), Validators: something(),
				Description: "Who orders the writes: multi, all regions.",
			},
			"ttl_seconds": schema.Int64Attribute{
				Optional: true, Computed: true, Default: int64default.StaticInt64(30), Validators: whole(0, 86400),
				Description: "How long an answer may be kept.",
			},
			"redirect": schema.BoolAttribute{
				Optional: true, Computed: true, Default: booldefault.StaticBool(false),
				Description: "Whether clients may be redirected to locations.",
			},
			"health": schema.SingleNestedAttribute{
				Optional: true, Attributes: checksAttributes(),
				Description: "How each region checks the locations; they are not checked unless it is given.",
			},
		},
	}
}

func checksAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"kind": schema.StringAttribute{Required: true, Validators: oneOf("http", "tcp"), Description: "http or tcp."},
		"interval_seconds": schema.Float64Attribute{
			Optional: true, Computed: true, Default: float64default.StaticFloat64(10), Validators: number(1, 3600),
			Description: "Between two checks of a location.",
		},
		"timeout_seconds": schema.Float64Attribute{
			Optional: true, Computed: true, Validators: number(0.001, 5),
			Description: "Of one check; at most the interval. 2, or the interval if that is shorter, unless given.",
		},
		"path": schema.StringAttribute{Optional: true, Validators: something(), Description: "What is asked for at the location's host; the location's URL unless given. For http."},
		"port": schema.Int64Attribute{Optional: true, Validators: whole(1, 65535), Description: "Where it is checked; the URL's unless given."},
		"rise": schema.Int64Attribute{
			Optional: true, Computed: true, Default: int64default.StaticInt64(2), Validators: whole(1, 10),
			Description: "Successes in a row until a location is up again.",
		},
		"fall": schema.Int64Attribute{
			Optional: true, Computed: true, Default: int64default.StaticInt64(3), Validators: whole(1, 10),
			Description: "Failures in a row until it is down.",
		},
	}
}

var errTypeKnown = errors.New("there is a type of this name; import it, or take another name")

func (r *typeResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	r.write(ctx, req.Plan, &resp.State, &resp.Diagnostics, func(name string) (client.Type, error) {
		_, err := r.Type(ctx, name)
		if isGone(err) {
			return client.Type{Name: name}, nil
		}
		return client.Type{}, orErr(err, errTypeKnown)
	})
}

func (r *typeResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	r.write(ctx, req.Plan, &resp.State, &resp.Diagnostics, func(name string) (client.Type, error) { return r.Type(ctx, name) })
}

// write puts what is planned over what before returns.
func (r *typeResource) write(ctx context.Context, plan tfsdk.Plan, state *tfsdk.State, diags *diagnostics, before func(string) (client.Type, error)) {
	var m typeModel
	diags.Append(plan.Get(ctx, &m)...)
	if diags.HasError() {
		return
	}
	r.types.Lock()
	defer r.types.Unlock()
	t, err := before(m.Name)
	if err != nil {
		tell(diags, "The type is not written", err, at(path.Root("name")))
		return
	}
	m.onto(&t)
	if _, err = r.PutType(ctx, t); err == nil {
		t, err = r.Type(ctx, m.Name)
	}
	if err != nil {
		tell(diags, "The type is not written", err, asWritten(""))
		return
	}
	m.from(&t)
	diags.Append(state.Set(ctx, &m)...)
}

// onto sets what the model says, and leaves the rest.
func (m *typeModel) onto(t *client.Type) {
	t.Mode, t.TTLSeconds, t.Redirect, t.Health = m.Mode, &m.TTLSeconds, &m.Redirect, nil
	if h := m.Health; h != nil {
		t.Health = &client.Checks{Kind: h.Kind, IntervalSeconds: h.IntervalSeconds, TimeoutSeconds: h.TimeoutSeconds.ValueFloat64(),
			Path: orZero(h.Path), Port: uint16(orZero(h.Port)), Rise: int(h.Rise), Fall: int(h.Fall)}
	}
}

func (m *typeModel) from(t *client.Type) {
	*m = typeModel{Name: t.Name, Mode: t.Mode, TTLSeconds: orZero(t.TTLSeconds), Redirect: orZero(t.Redirect)}
	if h := t.Health; h != nil {
		m.Health = &checksModel{Kind: h.Kind, IntervalSeconds: h.IntervalSeconds, TimeoutSeconds: types.Float64Value(h.TimeoutSeconds),
			Path: unlessZero(h.Path), Port: unlessZero(int64(h.Port)), Rise: int64(h.Rise), Fall: int64(h.Fall)}
	}
}

func (r *typeResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var name string
	resp.Diagnostics.Append(req.State.GetAttribute(ctx, path.Root("name"), &name)...)
	if resp.Diagnostics.HasError() {
		return
	}
	t, err := r.Type(ctx, name)
	if isGone(err) {
		resp.State.RemoveResource(ctx)
		return
	}
	if err != nil {
		tell(&resp.Diagnostics, "The type cannot be read", err, nowhere)
		return
	}
	var m typeModel
	m.from(&t)
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

func (r *typeResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var m typeModel
	resp.Diagnostics.Append(req.State.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() {
		return
	}
	r.types.Lock()
	defer r.types.Unlock()
	if err := r.DeleteType(ctx, m.Name); ifOther(err) != nil {
		tell(&resp.Diagnostics, "The type is not removed", err, nowhere)
	}
}

// ImportState takes the name of a type.
func (r *typeResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	resource.ImportStatePassthroughID(ctx, path.Root("name"), req, resp)
}
