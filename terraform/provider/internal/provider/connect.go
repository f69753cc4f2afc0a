package provider

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/url"
	"os"
	"sync"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"gazetteer/api/client"
)

// planet is the one that all resources of a configuration are of.
type planet struct {
	*client.Client
	// types is held while a type is read, changed and written: types have no versions, and
	// a type and its policy are two resources here.
	types sync.Mutex
}

// door is what the provider reaches a planet by.
type door struct {
	addr, token, caFile string
	more                []string
}

func orEnv(s types.String, name string) string { return cmp.Or(s.ValueString(), os.Getenv(name)) }

func (d *door) open(diags *diag.Diagnostics) *planet {
	if d.addr == "" {
		diags.AddAttributeError(path.Root("addr"), "No address", "Give the URL of a regional server here or in GAZETTEER_ADDR, such as http://127.0.0.1:8080.")
		return nil
	}
	for _, addr := range append([]string{d.addr}, d.more...) {
		if d.token != "" && !private(addr) {
			diags.AddAttributeError(path.Root("token"), "The token would be readable on its way",
				"The address "+addr+" has no TLS and is not of this machine. Use an https address.")
			return nil
		}
	}
	transport, err := d.transport()
	if err != nil {
		diags.AddAttributeError(path.Root("ca_file"), "No authorities there", err.Error())
		return nil
	}
	c, err := client.New(client.Config{Addr: d.addr, More: d.more, HTTP: &http.Client{Transport: transport, CheckRedirect: stay}})
	if err != nil {
		diags.AddAttributeError(path.Root("addr"), "No address of a server", err.Error())
		return nil
	}
	return &planet{Client: c}
}

// private reports whether what is sent to an address can be read by nobody else.
func private(addr string) bool {
	u, err := url.Parse(addr)
	if err != nil || u.Scheme == "https" {
		return true // one that cannot be parsed is refused anyway
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

// answerWithin bounds how long a server may take to begin its answer: it gives up itself
// after a minute.
const answerWithin = 75 * time.Second

func (d *door) transport() (http.RoundTripper, error) {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.DialContext = (&net.Dialer{Timeout: 5 * time.Second}).DialContext
	t.ResponseHeaderTimeout = answerWithin
	if d.caFile != "" {
		pool, err := authorities(d.caFile)
		if err != nil {
			return nil, err
		}
		t.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	if d.token == "" {
		return t, nil
	}
	return &bearer{t, "Bearer " + d.token}, nil
}

func authorities(file string) (*x509.CertPool, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, &os.PathError{Op: "read", Path: file, Err: errNoCertificate}
	}
	return pool, nil
}

// bearer adds the token to every request. Redirects are not followed, so it goes to the
// configured addresses only.
type bearer struct {
	http.RoundTripper
	value string
}

func (b *bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", b.value)
	return b.RoundTripper.RoundTrip(r)
}

func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// of is embedded by everything that asks a planet.
type of struct{ *planet }

func (o *of) take(data any) {
	if p, ok := data.(*planet); ok { // nil while Terraform only validates
		o.planet = p
	}
}

// The three sorts of things that are configured with a planet.
type (
	resourceOf  struct{ of }
	dataOf      struct{ of }
	ephemeralOf struct{ of }
)

func (r *resourceOf) Configure(_ context.Context, req resource.ConfigureRequest, _ *resource.ConfigureResponse) {
	r.take(req.ProviderData)
}

func (d *dataOf) Configure(_ context.Context, req datasource.ConfigureRequest, _ *datasource.ConfigureResponse) {
	d.take(req.ProviderData)
}

func (e *ephemeralOf) Configure(_ context.Context, req ephemeral.ConfigureRequest, _ *ephemeral.ConfigureResponse) {
	e.take(req.ProviderData)
}
