package provider

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"gazetteer"
)

// checked is a validator of strings that are known.
type checked struct {
	what  string
	check func(string) error
}

func (c checked) Description(context.Context) string         { return c.what }
func (c checked) MarkdownDescription(context.Context) string { return c.what }

func (c checked) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	if err := c.check(req.ConfigValue.ValueString()); err != nil {
		resp.Diagnostics.AddAttributeError(req.Path, "Not "+c.what, wordOf(err))
	}
}

// wordOf is what an error says, without where it was noticed.
func wordOf(err error) string {
	if e, ok := err.(*gazetteer.Error); ok && e.Detail != "" {
		return e.Detail
	}
	return err.Error()
}

// judged makes a list of one validator, as schemas have it.
func judged(what string, check func(string) error) []validator.String {
	return []validator.String{checked{what, check}}
}

func aRegion() []validator.String {
	return judged("the name of a region", func(s string) error { return gazetteer.RegionID(s).Validate() })
}

func aType() []validator.String {
	return judged("the name of a type", func(s string) error { return gazetteer.Type(s).Validate() })
}

func anID() []validator.String {
	return judged("an id", func(s string) error { return gazetteer.ID(s).Validate() })
}

func aCountry() []validator.String {
	return judged("a country", func(s string) error {
		if !gazetteer.IsCountry(s) {
			return fmt.Errorf("%q is not an ISO 3166-1 alpha-2 code of two upper-case letters, such as DE", s)
		}
		return nil
	})
}

func aURL() []validator.String {
	return judged("a URL", func(s string) error {
		l := gazetteer.Location{ID: "l", URL: s, Weight: 1}
		if err := l.Validate(); err != nil {
			return err
		}
		_, err := url.Parse(s)
		return err
	})
}

func aTime() []validator.String {
	return judged("a time", func(s string) error {
		if d, err := time.ParseDuration(s); err != nil || d <= 0 {
			return fmt.Errorf("%q is not a time above 0, such as 30s or 5m", s)
		}
		return nil
	})
}

func something() []validator.String {
	return judged("given", func(s string) error {
		if s == "" {
			return fmt.Errorf("is empty; leave the argument out instead")
		}
		return nil
	})
}

func anObject() []validator.String {
	return judged("a JSON object", func(s string) error {
		var members map[string]json.RawMessage
		if err := json.Unmarshal([]byte(s), &members); err != nil {
			return fmt.Errorf("%w; write it with jsonencode({...})", err)
		}
		if len(members) == 0 {
			return fmt.Errorf("it has no member; leave the argument out instead")
		}
		if len(s) > gazetteer.MaxElementBytes {
			return fmt.Errorf("it has %d bytes, and attributes at most %d", len(s), gazetteer.MaxElementBytes)
		}
		return nil
	})
}

// oneOf takes a word out of a few.
func oneOf(words ...string) []validator.String {
	return judged(fmt.Sprintf("one of %q", words), func(s string) error {
		for _, w := range words {
			if s == w {
				return nil
			}
		}
		return fmt.Errorf("%q is not one of %q", s, words)
	})
}

// between is a validator of numbers.
type between struct {
	low, high float64
	step      float64 // that they are whole multiples of; 0 for any
}

func (b between) Description(context.Context) string {
	if b.step == 0 {
		return fmt.Sprintf("from %v to %v", b.low, b.high)
	}
	return fmt.Sprintf("from %v to %v in steps of %v", b.low, b.high, b.step)
}

func (b between) MarkdownDescription(ctx context.Context) string { return b.Description(ctx) }

func (b between) ok(v float64) bool {
	fits := b.step == 0 || math.Abs(v/b.step-math.Round(v/b.step)) < 1e-6
	return v >= b.low && v <= b.high && fits
}

func (b between) ValidateFloat64(ctx context.Context, req validator.Float64Request, resp *validator.Float64Response) {
	if v := req.ConfigValue; !v.IsNull() && !v.IsUnknown() && !b.ok(v.ValueFloat64()) {
		resp.Diagnostics.AddAttributeError(req.Path, "Out of range", fmt.Sprintf("%v is not %s.", v.ValueFloat64(), b.Description(ctx)))
	}
}

func (b between) ValidateInt64(ctx context.Context, req validator.Int64Request, resp *validator.Int64Response) {
	if v := req.ConfigValue; !v.IsNull() && !v.IsUnknown() && !b.ok(float64(v.ValueInt64())) {
		resp.Diagnostics.AddAttributeError(req.Path, "Out of range", fmt.Sprintf("%v is not %s.", v.ValueInt64(), b.Description(ctx)))
	}
}

func number(low, high float64) []validator.Float64 { return []validator.Float64{between{low, high, 0}} }

func whole(low, high float64) []validator.Int64 { return []validator.Int64{between{low, high, 0}} }

// filled is a validator of lists and maps: an empty one says nothing, and the server does
// not tell it from one that is left out.
type filled struct{}

const filledText = "Leave the argument out instead."

func (filled) Description(context.Context) string         { return "not empty" }
func (filled) MarkdownDescription(context.Context) string { return "not empty" }

func (filled) ValidateList(_ context.Context, req validator.ListRequest, resp *validator.ListResponse) {
	if v := req.ConfigValue; !v.IsNull() && !v.IsUnknown() && len(v.Elements()) == 0 {
		resp.Diagnostics.AddAttributeError(req.Path, "Empty", filledText)
	}
}

func (filled) ValidateMap(_ context.Context, req validator.MapRequest, resp *validator.MapResponse) {
	if v := req.ConfigValue; !v.IsNull() && !v.IsUnknown() && len(v.Elements()) == 0 {
		resp.Diagnostics.AddAttributeError(req.Path, "Empty", filledText)
	}
}

// ids is a validator of maps whose keys are the ids of locations.
type ids struct{ filled }

func (i ids) ValidateMap(ctx context.Context, req validator.MapRequest, resp *validator.MapResponse) {
	i.filled.ValidateMap(ctx, req, resp)
	for key := range req.ConfigValue.Elements() {
		if err := gazetteer.LocationID(key).Validate(); err != nil {
			resp.Diagnostics.AddAttributeError(req.Path.AtMapKey(key), "Not the id of a location", wordOf(err))
		}
	}
}

// together is a validator of numbers that are given with another one or not at all.
type together struct{ other string }

func (t together) Description(context.Context) string         { return "together with " + t.other }
func (t together) MarkdownDescription(context.Context) string { return "together with " + t.other }

func (t together) ValidateFloat64(ctx context.Context, req validator.Float64Request, resp *validator.Float64Response) {
	if req.ConfigValue.IsNull() {
		return
	}
	sibling := req.Path.ParentPath().AtName(t.other)
	if lacks(ctx, req.Config, sibling) {
		resp.Diagnostics.AddAttributeError(req.Path, "Half a place", "Coordinates are two numbers: "+t.other+" is missing.")
	}
}

// lacks reports whether an argument is left out. One that is not known yet is not.
func lacks(ctx context.Context, c tfsdk.Config, at path.Path) bool {
	var v types.Float64
	return !c.GetAttribute(ctx, at, &v).HasError() && v.IsNull()
}

// words is a validator of lists of strings, each of which has to pass.
type words struct{ each []validator.String }

func (w words) Description(ctx context.Context) string         { return w.each[0].Description(ctx) }
func (w words) MarkdownDescription(ctx context.Context) string { return w.Description(ctx) }

func (w words) ValidateList(ctx context.Context, req validator.ListRequest, resp *validator.ListResponse) {
	for i, v := range req.ConfigValue.Elements() {
		s, ok := v.(types.String)
		if !ok {
			continue
		}
		one := validator.StringResponse{}
		w.each[0].ValidateString(ctx, validator.StringRequest{Path: req.Path.AtListIndex(i), Config: req.Config, ConfigValue: s}, &one)
		resp.Diagnostics.Append(one.Diagnostics...)
	}
}
